#include "supervision/orchestrator/audit/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace holdfast::audit {
namespace {

constexpr std::string_view kSignatureMark = "\xe2\x80\x94 ";  // an em dash and a space
constexpr std::string_view kTimeMark = "time ";
constexpr char kEd25519 = 1;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

template <std::size_t N>
std::string_view view(const std::array<uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

std::string big_endian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
  return out;
}

uint32_t from_big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  // One spelling for each number.
  const bool plain = error == std::errc{} && stopped == end && std::to_string(value) == text;
  return plain ? std::optional(value) : std::nullopt;
}

Error invalid(std::string text) { return {ErrorCode::kInvalid, "checkpoint: " + std::move(text)}; }

bool plain_name(std::string_view name) {
  return !name.empty() && name.size() <= kOriginBytesMax &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c <= '~' && c != '+'; });
}

// Cuts the next line off; nothing when it has no end.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// One note off the front.
Result<SignedCheckpoint> take_note(std::string_view& text) {
  std::array<std::string_view, 6> lines;
  for (auto& line : lines) {
    const auto taken = take_line(text);
    if (!taken) return invalid("it ends in the middle");
    line = *taken;
  }
  SignedCheckpoint note;
  auto& checkpoint = note.checkpoint;
  if (!plain_name(lines[0])) return invalid("the first line is no name of a log");
  checkpoint.origin = lines[0];
  const auto size = number<uint64_t>(lines[1]);
  if (!size) return invalid("the second line is no number of records");
  checkpoint.size = *size;
  const auto root = from_base64(lines[2]);
  if (!root || root.value().size() != checkpoint.root.size())
    return invalid("the third line is no root, 32 bytes in base64");
  std::memcpy(checkpoint.root.data(), root.value().data(), checkpoint.root.size());
  const auto at = lines[3].starts_with(kTimeMark)
                      ? number<int64_t>(lines[3].substr(kTimeMark.size()))
                      : std::nullopt;
  if (!at) return invalid("the fourth line is no time");
  checkpoint.at.ns = *at;
  if (!lines[4].empty()) return invalid("there is no empty line before the signature");
  auto signed_by = lines[5];
  if (!signed_by.starts_with(kSignatureMark)) return invalid("it is not signed");
  signed_by.remove_prefix(kSignatureMark.size());
  const auto space = signed_by.find(' ');
  if (space == signed_by.npos || !plain_name(signed_by.substr(0, space)))
    return invalid("the signature has no name");
  note.name = signed_by.substr(0, space);
  const auto bytes = from_base64(signed_by.substr(space + 1));
  if (!bytes || bytes.value().size() != 4 + note.signature.size())
    return invalid("the signature is not 68 bytes in base64");
  note.key_id = from_big_endian(bytes.value());
  std::memcpy(note.signature.data(), bytes.value().data() + 4, note.signature.size());
  return note;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto group = bytes.substr(i, 3);
    uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<uint8_t>(group[k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= group.size() ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  auto digits = text;
  while (digits.ends_with('=') && text.size() - digits.size() < 2) digits.remove_suffix(1);
  for (const char c : digits) {
    const auto value = kAlphabet.find(c);
    if (value == kAlphabet.npos) return Error{ErrorCode::kInvalid, "no base64"};
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xff);
  }
  if (to_base64(out) != text) return Error{ErrorCode::kInvalid, "no base64"};
  return out;
}

std::string text_of(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
         to_base64(view(checkpoint.root)) + "\n" + std::string(kTimeMark) +
         std::to_string(checkpoint.at.ns) + "\n";
}

uint32_t key_id_of(HashFunction hash, const Verifier& verifier) {
  const auto id =
      hash(verifier.name + "\n" + std::string(1, kEd25519) + std::string(view(verifier.key)));
  return from_big_endian(view(id));
}

std::string text_of(const SignedCheckpoint& note) {
  return text_of(note.checkpoint) + "\n" + std::string(kSignatureMark) + note.name + " " +
         to_base64(big_endian(note.key_id) + std::string(view(note.signature))) + "\n";
}

Result<SignedCheckpoint> parse_checkpoint(std::string_view text) {
  if (text.size() > kCheckpointBytesMax) return invalid("it is too long");
  auto note = take_note(text);
  if (note && !text.empty() && text != "\n") return invalid("something follows the signature");
  return note;
}

Result<std::vector<SignedCheckpoint>> parse_checkpoints(std::string_view text) {
  std::vector<SignedCheckpoint> notes;
  while (!text.empty()) {
    auto note = take_note(text);
    if (!note)
      return Error{ErrorCode::kInvalid, "number " + std::to_string(notes.size() + 1) +
                                            " of its checkpoints: " + note.error().text};
    notes.push_back(std::move(note).value());
    if (!text.starts_with('\n'))
      return Error{ErrorCode::kInvalid, "number " + std::to_string(notes.size()) +
                                            " of its checkpoints: no empty line follows it"};
    text.remove_prefix(1);
  }
  return notes;
}

std::string text_of(HashFunction hash, const Verifier& verifier) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto id = key_id_of(hash, verifier);
  std::string text = verifier.name + "+";
  for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[id >> shift & 15];
  return text + "+" + to_base64(std::string(1, kEd25519) + std::string(view(verifier.key)));
}

Result<Verifier> parse_verifier(HashFunction hash, std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const auto first = text.find('+');
  const auto second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos)
    return Error{ErrorCode::kInvalid, "no public key of an audit log: expected NAME+ID+KEY"};
  Verifier verifier;
  verifier.name = text.substr(0, first);
  const auto key = from_base64(text.substr(second + 1));
  if (!plain_name(verifier.name) || !key || key.value().size() != 1 + verifier.key.size() ||
      key.value()[0] != kEd25519)
    return Error{ErrorCode::kInvalid, "no public key of an audit log: expected an Ed25519 key"};
  std::memcpy(verifier.key.data(), key.value().data() + 1, verifier.key.size());
  if (text_of(hash, verifier) != text)
    return Error{ErrorCode::kInvalid, "this public key is damaged: its id is another one's"};
  return verifier;
}

}  // namespace holdfast::audit
