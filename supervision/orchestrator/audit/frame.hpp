// How records lie in the log file: after a header each as length, checksum and bytes. The checksum
// finds torn writes and bad disks and says where; it proves nothing against people, which is what
// the tree and its signed roots are for. Pure; the scanner takes bytes as they are read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::audit {

/// What a log file begins with.
inline constexpr std::string_view kLogHeader = "HOLDFAST-AUDIT-1";
inline constexpr std::size_t kFrameHeadBytes = 8;

/// The frame of one record's bytes. CHECKs 0 < size <= kRecordBytesMax.
std::string frame(std::string_view record);

/// Takes the bytes of a log file in any pieces, gives its frames one by one. Stops at the first
/// place where there can't be one; what follows there is not looked at.
class FrameScanner {
 public:
  void feed(std::string_view bytes);
  /// The next record's bytes; nothing: more is needed, or it is damaged. Valid until the next call.
  std::optional<std::string_view> next();

  /// Why there is nothing more to come; empty while there may be.
  const std::string& damage() const { return damage_; }
  /// Where in the file the next frame begins, or the damaged one.
  uint64_t offset() const { return offset_; }
  /// Bytes taken that make no whole frame yet.
  std::size_t unfinished() const { return buffer_.size() - begin_; }

 private:
  bool header();
  std::string buffer_;
  std::size_t begin_ = 0;  // in buffer_, of what is not given yet
  uint64_t offset_ = 0;
  std::string damage_;
};

}  // namespace holdfast::audit
