// What the audit log does with files: reading whole ones, appending so that it is on disk, cutting
// a torn end. Small steps with errors that name the file; which to take is the log's decision.
#pragma once

#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace holdfast::audit {

inline constexpr std::size_t kTextFileBytesMax = 256u << 20;

/// kNotFound: it is not there.
Result<std::string> read_file(const std::string& file);
/// Makes a file that is not there, with its folder's entry on disk; one that is there is kept.
Result<> make_file(const std::string& file, std::string_view text, unsigned mode);

/// A file that is only appended to, by one process.
class AppendFile {
 public:
  /// Opens, makes (0600) where it is missing, and locks. kConflict: another process has it.
  static Result<AppendFile> open(const std::string& file);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&&) = delete;

  /// At the end, on disk when it returns. After an error what was half written is cut off again.
  Result<> append(std::string_view bytes);
  /// Everything from `offset` on is gone, on disk.
  Result<> cut(uint64_t offset);
  uint64_t size() const { return size_; }

 private:
  AppendFile(std::string file, int fd, uint64_t size)
      : file_(std::move(file)), fd_(fd), size_(size) {}
  std::string file_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

}  // namespace holdfast::audit
