#include "supervision/orchestrator/audit/crypto_linux.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace holdfast::audit {
namespace {

constexpr std::size_t kSecretBytesMax = 4'096;

struct Free {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
  void operator()(BIO* bio) const { ::BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;
using Bio = std::unique_ptr<BIO, Free>;

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

Error io(const std::string& file) { return {ErrorCode::kIo, file + ": " + std::strerror(errno)}; }

// A new file that only its owner can read, on disk when this returns. kConflict: it is there.
Result<> write_secret(const std::string& file, std::string_view text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return Error{ErrorCode::kConflict, file + " is there already"};
  if (fd < 0) return io(file);
  const auto written = ::write(fd, text.data(), text.size());
  const bool good = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const auto error = io(file);
  ::close(fd);
  if (good) return success();
  ::unlink(file.c_str());
  return error;
}

Result<std::string> make_pem() {
  Key key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  Bio out(::BIO_new(::BIO_s_mem()));
  CHECK(key && out);
  CHECK(::PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
  char* text = nullptr;
  const auto size = ::BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

Hash sha256(std::string_view bytes) {
  Hash hash{};
  unsigned size = 0;
  CHECK(::EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, ::EVP_sha256(), nullptr) == 1);
  CHECK(size == hash.size());
  return hash;
}

Hash hmac_sha256(std::string_view key, std::string_view bytes) {
  Hash hash{};
  unsigned size = 0;
  CHECK(::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(bytes),
               bytes.size(), hash.data(), &size) != nullptr);
  CHECK(size == hash.size());
  return hash;
}

Result<std::string> read_secret(const std::string& file, std::size_t least) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Error{errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                 file + ": " + std::strerror(errno)};
  struct stat status {};
  std::string text(kSecretBytesMax, '\0');
  const bool stated = ::fstat(fd, &status) == 0;
  const auto size = stated ? ::read(fd, text.data(), text.size()) : -1;
  const auto error = io(file);
  ::close(fd);
  if (size < 0) return error;
  if ((status.st_mode & 077) != 0)
    return Error{ErrorCode::kDenied,
                 file +
                     " can be read by others; a secret is mode 0600 (chmod 600, and make a new "
                     "one if anybody may have seen it)"};
  text.resize(static_cast<std::size_t>(size));
  if (text.size() < least)
    return Error{ErrorCode::kInvalid,
                 file + " holds fewer than " + std::to_string(least) + " bytes"};
  return text;
}

Result<SigningKey> SigningKey::open(const std::string& file, const std::string& name) {
  if (name.empty() || name.find_first_of(" +\n") != name.npos || name.size() > kOriginBytesMax)
    return Error{ErrorCode::kInvalid, "no name for a signing key: \"" + name + "\""};
  auto pem = read_secret(file, 1);
  if (!pem && pem.error().code == ErrorCode::kNotFound) {
    auto made = make_pem();
    if (!made) return made.error();
    // Somebody else may be first; then theirs is the key.
    auto written = write_secret(file, made.value());
    if (!written && written.error().code != ErrorCode::kConflict) return written.error();
    pem = read_secret(file, 1);
  }
  if (!pem) return pem.error();
  Bio in(::BIO_new_mem_buf(pem.value().data(), static_cast<int>(pem.value().size())));
  CHECK(in != nullptr);
  Key key(::PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  SigningKey signing;
  std::size_t seed = signing.seed_.size(), open = signing.verifier_.key.size();
  if (!key || ::EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519 ||
      ::EVP_PKEY_get_raw_private_key(key.get(), signing.seed_.data(), &seed) != 1 ||
      ::EVP_PKEY_get_raw_public_key(key.get(), signing.verifier_.key.data(), &open) != 1)
    return Error{ErrorCode::kCorrupt, file + " holds no Ed25519 private key"};
  signing.verifier_.name = name;
  return signing;
}

SignedCheckpoint SigningKey::sign(const Checkpoint& checkpoint) const {
  SignedCheckpoint note;
  note.checkpoint = checkpoint;
  note.name = verifier_.name;
  note.key_id = key_id_of(sha256, verifier_);
  const auto text = text_of(checkpoint);
  Key key(::EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed_.data(), seed_.size()));
  Context context(::EVP_MD_CTX_new());
  std::size_t size = note.signature.size();
  CHECK(key && context);
  CHECK(::EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  CHECK(::EVP_DigestSign(context.get(), note.signature.data(), &size, bytes_of(text),
                         text.size()) == 1);
  CHECK(size == note.signature.size());
  return note;
}

Result<> check_signature(const SignedCheckpoint& note, const Verifier& verifier) {
  const auto denied = [](std::string text) { return Error{ErrorCode::kDenied, std::move(text)}; };
  if (note.name != verifier.name)
    return denied("it is signed by \"" + note.name + "\", not by \"" + verifier.name + "\"");
  if (note.key_id != key_id_of(sha256, verifier))
    return denied("it is signed with another key of \"" + note.name + "\"");
  const auto text = text_of(note.checkpoint);
  Key key(::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, verifier.key.data(),
                                        verifier.key.size()));
  Context context(::EVP_MD_CTX_new());
  CHECK(context != nullptr);
  if (!key || ::EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      ::EVP_DigestVerify(context.get(), note.signature.data(), note.signature.size(),
                         bytes_of(text), text.size()) != 1)
    return denied("its signature is not over these words");
  return success();
}

}  // namespace holdfast::audit
