// SHA-256, HMAC and Ed25519 for the audit log, from OpenSSL; the one place where its cryptography
// is. Keys are files of mode 0600; a key that others can read is refused, not used.
#pragma once

#include <string>
#include <string_view>

#include "supervision/orchestrator/audit/checkpoint.hpp"

namespace holdfast::audit {

Hash sha256(std::string_view bytes);
Hash hmac_sha256(std::string_view key, std::string_view bytes);

/// Signs checkpoints. The private key is a PEM file.
class SigningKey {
 public:
  /// Reads the file, or makes a key and the file (0600) where there is none. kDenied: others may
  /// read it; kCorrupt: it holds no Ed25519 key; kInvalid: a name with spaces or '+'.
  static Result<SigningKey> open(const std::string& file, const std::string& name);

  SignedCheckpoint sign(const Checkpoint& checkpoint) const;
  const Verifier& verifier() const { return verifier_; }

 private:
  SigningKey() = default;
  std::array<uint8_t, 32> seed_{};
  Verifier verifier_;
};

/// kDenied: another name or key signed it, or its words are not those that were signed.
Result<> check_signature(const SignedCheckpoint& note, const Verifier& verifier);

/// The bytes of a file of mode 0600, at least `least` of them: a secret for HMAC.
Result<std::string> read_secret(const std::string& file, std::size_t least);

}  // namespace holdfast::audit
