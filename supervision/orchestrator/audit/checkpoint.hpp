// Signed roots of the log, as text that people can mail and other programs can check: the form of
// checkpoints of transparency logs (R. Cox, "Transparent Logs for Skeptical Clients", and the notes
// of the C2SP specifications tlog-checkpoint and signed-note by F. Valsorda and others). Reads and
// writes the text; signing and checking a signature is crypto_linux.hpp's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "messages/time.hpp"
#include "supervision/orchestrator/audit/merkle.hpp"

namespace holdfast::audit {

inline constexpr std::size_t kCheckpointBytesMax = 4'096;
inline constexpr std::size_t kOriginBytesMax = 128;

using PublicKey = std::array<uint8_t, 32>;  // Ed25519
using Signature = std::array<uint8_t, 64>;  // Ed25519

/// What is signed: the log's name, how long it is, its root. The time is that of the last record,
/// so that all members sign the same words.
struct Checkpoint {
  std::string origin;  // "holdfast/audit/drill"
  uint64_t size = 0;
  Hash root{};
  WallTime at;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// Who signs: a name without spaces and '+', and the key.
struct Verifier {
  std::string name;
  PublicKey key{};
  friend bool operator==(const Verifier&, const Verifier&) = default;
};

struct SignedCheckpoint {
  Checkpoint checkpoint;
  std::string name;
  uint32_t key_id = 0;
  Signature signature{};
  friend bool operator==(const SignedCheckpoint&, const SignedCheckpoint&) = default;
};

/// The bytes that are signed.
std::string text_of(const Checkpoint& checkpoint);
/// The first four bytes of SHA-256 over the name, a newline, the algorithm (1) and the key.
uint32_t key_id_of(HashFunction hash, const Verifier& verifier);
/// The whole note: the text, an empty line, the line with the signature.
std::string text_of(const SignedCheckpoint& note);
/// One note; kInvalid says what it should have been. parse(text_of(note)) is the note.
Result<SignedCheckpoint> parse_checkpoint(std::string_view text);
/// A file of notes with empty lines between. Stops at the first that is none, and says which.
Result<std::vector<SignedCheckpoint>> parse_checkpoints(std::string_view text);

/// "name+0123abcd+base64(1 || key)", as in a key file that may be given to anybody.
std::string text_of(HashFunction hash, const Verifier& verifier);
Result<Verifier> parse_verifier(HashFunction hash, std::string_view text);

/// With padding (RFC 4648, section 4).
std::string to_base64(std::string_view bytes);
/// kInvalid unless it is what to_base64 makes of some bytes.
Result<std::string> from_base64(std::string_view text);

}  // namespace holdfast::audit
