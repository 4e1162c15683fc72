#include "actors/ingress/credentials_linux.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace holdfast::ingress {

namespace {

using Bytes32 = std::array<uint8_t, 32>;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<Bytes32> from_hex(std::string_view text) {
  Bytes32 bytes{};
  if (text.size() != 64)
    return Error{ErrorCode::kInvalid,
                 "expected 64 hexadecimal digits, not " + std::to_string(text.size()) + " bytes"};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return Error{ErrorCode::kInvalid, "expected 64 hexadecimal digits; one is something else"};
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return bytes;
}

std::string to_hex(const Bytes32& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

CredentialHash sha256(const Bytes32& bytes) {
  CredentialHash hash{};
  unsigned size = 0;
  CHECK(::EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, ::EVP_sha256(), nullptr) == 1);
  CHECK(size == hash.size());
  return hash;
}

}  // namespace

std::string make_credential() {
  Bytes32 bytes{};
  CHECK(::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return to_hex(bytes);
}

Result<CredentialHash> hash_credential(std::string_view hexadecimal) {
  auto bytes = from_hex(hexadecimal);
  if (!bytes) return bytes.error();
  return sha256(bytes.value());
}

Result<CredentialHash> parse_hash(std::string_view hexadecimal) { return from_hex(hexadecimal); }
std::string format_hash(const CredentialHash& hash) { return to_hex(hash); }

bool equal(const CredentialHash& a, const CredentialHash& b) {
  return ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

const ClientEntry* authenticate(const Settings& settings, std::string_view id,
                                std::string_view credential) {
  const auto hash = hash_credential(credential);
  const CredentialHash offered = hash ? hash.value() : CredentialHash{};
  const ClientEntry* proved = nullptr;
  bool named = false;
  for (const auto& client : settings.clients) {
    if (client.id.view() != id) continue;
    named = true;
    if (equal(client.credential_sha256, offered) && hash.ok()) proved = &client;
  }
  if (!named) {
    static const CredentialHash kNobody = sha256(Bytes32{});
    [[maybe_unused]] const volatile bool same = equal(kNobody, offered);
  }
  return proved;
}

}  // namespace holdfast::ingress
