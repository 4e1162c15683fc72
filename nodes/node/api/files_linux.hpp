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

/// An append-only file of lines, mode 0600. One writer.
class AuditFile {
 public:
  /// Opens or makes it.
  static Result<std::unique_ptr<AuditFile>> open(const std::string& path);
  ~AuditFile();
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;
  /// Writes the line and a newline in one write(2). False when the system refused it whole or in
  /// part.
  bool append(const std::string& line);

 private:
  explicit AuditFile(int fd) : fd_(fd) {}
  int fd_;
};

/// Writes <state_directory>/operator.json (url, token_file, pid) whole or not at all.
Result<> announce(const std::string& state_directory, const std::string& url,
                  const std::string& token_file);

}  // namespace holdfast::operator_api
