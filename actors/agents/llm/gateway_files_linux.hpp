// The gateway's files: keys, the recording, traces, and what was spent today. A key is read once
// and lives in memory only; a file of keys that others may read is refused.
#pragma once

#include <memory>
#include <string>

#include "actors/agents/llm/gateway_settings.hpp"
#include "actors/agents/llm/recording.hpp"

namespace holdfast::llm {

/// The key of an endpoint, "" when none is configured. kInvalid: the variable is not set, the file
/// can't be read, is readable by others, or holds no key. The text of an error never holds it.
Result<std::string> read_key(const EndpointSettings& endpoint);

/// All of a file, at most `bytes_max`.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

/// Lines and records appended to a file, each by one write. It is made with mode 0600.
class AppendFile {
 public:
  static Result<std::unique_ptr<AppendFile>> open(const std::string& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  /// False when the disk did not take all of it; the rest is lost, the caller counts it.
  bool append(std::string_view bytes);

 private:
  explicit AppendFile(int fd) : fd_(fd) {}
  int fd_;
};

/// Replaces the file by one with this text; false when that failed, the old one stands then.
bool replace_file(const std::string& path, std::string_view text);

}  // namespace holdfast::llm
