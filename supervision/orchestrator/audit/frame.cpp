#include "supervision/orchestrator/audit/frame.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "supervision/orchestrator/audit/record.hpp"

namespace holdfast::audit {
namespace {

// Over the length too, so that a length that was changed doesn't pass.
uint32_t checksum(std::string_view record) {
  return static_cast<uint32_t>(::XXH3_64bits_withSeed(record.data(), record.size(), record.size()));
}

void put(std::string& out, uint32_t value) {
  for (int i = 0; i < 4; ++i, value >>= 8) out += static_cast<char>(value & 0xff);
}

uint32_t take(std::string_view bytes) {
  uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace

std::string frame(std::string_view record) {
  CHECK(!record.empty() && record.size() <= kRecordBytesMax);
  std::string out;
  put(out, static_cast<uint32_t>(record.size()));
  put(out, checksum(record));
  out += record;
  return out;
}

void FrameScanner::feed(std::string_view bytes) {
  buffer_.erase(0, begin_);
  begin_ = 0;
  buffer_ += bytes;
}

bool FrameScanner::header() {
  if (offset_ != 0) return true;
  if (buffer_.size() < kLogHeader.size()) return false;
  if (std::string_view(buffer_).substr(0, kLogHeader.size()) != kLogHeader) {
    damage_ = "the file does not begin as an audit log";
    return false;
  }
  begin_ = kLogHeader.size();
  offset_ = kLogHeader.size();
  return true;
}

std::optional<std::string_view> FrameScanner::next() {
  if (!damage_.empty() || !header()) return std::nullopt;
  const auto rest = std::string_view(buffer_).substr(begin_);
  if (rest.size() < kFrameHeadBytes) return std::nullopt;
  const auto size = take(rest), sum = take(rest.substr(4));
  if (size == 0 || size > kRecordBytesMax) {
    damage_ = "a length of " + std::to_string(size) + " bytes";
    return std::nullopt;
  }
  if (rest.size() < kFrameHeadBytes + size) return std::nullopt;
  const auto record = rest.substr(kFrameHeadBytes, size);
  if (checksum(record) != sum) {
    damage_ = "its checksum is not that of its bytes";
    return std::nullopt;
  }
  begin_ += kFrameHeadBytes + size;
  offset_ += kFrameHeadBytes + size;
  return record;
}

}  // namespace holdfast::audit
