// The operator API's files: the token file, which must be readable by its owner only; the audit
// log, one JSON line a command, appended; and operator.json, by which the CLI on this host finds
// the API. No HTTP here.
#pragma once

#include <memory>
#include <string>

#include "nodes/node/api/roles.hpp"

namespace holdfast::operator_api {

/// Reads and parses a token file. kDenied when others than its owner may read or write it, with the
/// command that mends it; kNotFound with the command that makes it.
Result<Tokens> read_token_file(const std::string& path);

/// How large an audit log may get, and how many full ones are kept beside it.
struct AuditBounds {
  uint64_t bytes_max = 16u << 20;
  uint32_t kept = 8;
};

/// An append-only file of lines, mode 0600. One writer. A full one becomes PATH.1, PATH.1 becomes
/// PATH.2 and so on; the oldest goes, so archive them if they must be kept for longer.
class AuditFile {
 public:
  /// Opens or makes it.
  static Result<std::unique_ptr<AuditFile>> open(const std::string& path, AuditBounds bounds = {});
  ~AuditFile();
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;
  /// Writes the line and a newline in one write(2). False when the system refused it whole or in
  /// part.
  bool append(const std::string& line);

 private:
  AuditFile(int fd, std::string path, AuditBounds bounds, uint64_t size)
      : fd_(fd), path_(std::move(path)), bounds_(bounds), size_(size) {}
  void rotate();

  int fd_;
  const std::string path_;
  const AuditBounds bounds_;
  uint64_t size_;
};

/// Writes <state_directory>/operator.json (url, token_file, pid) whole or not at all.
Result<> announce(const std::string& state_directory, const std::string& url,
                  const std::string& token_file);

}  // namespace holdfast::operator_api
