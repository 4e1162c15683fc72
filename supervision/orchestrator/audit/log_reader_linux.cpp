// Reading an audit log's files, by whoever looks at it.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "supervision/orchestrator/audit/audit_log_linux.hpp"
#include "supervision/orchestrator/audit/log_files_linux.hpp"

namespace holdfast::audit {

Result<LogReader> LogReader::open(const std::string& directory) {
  const auto file = records_file(directory);
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Error{errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
                 file + ": " + std::strerror(errno)};
  return LogReader(fd);
}

LogReader::~LogReader() {
  if (fd_ >= 0) ::close(fd_);
}

LogReader::LogReader(LogReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), scanner_(std::move(other.scanner_)) {}

std::optional<std::string_view> LogReader::next() {
  for (;;) {
    if (const auto record = scanner_.next()) return record;
    if (!scanner_.damage().empty()) return std::nullopt;
    char piece[1u << 16];
    const auto size = ::read(fd_, piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    scanner_.feed({piece, static_cast<std::size_t>(size)});
  }
}

Result<std::vector<Record>> read_records(const std::string& directory, uint64_t sequence,
                                         std::size_t most) {
  auto reader = LogReader::open(directory);
  if (!reader) return reader.error();
  std::vector<Record> records;
  for (uint64_t place = 1; records.size() < most; ++place) {
    const auto bytes = reader.value().next();
    if (!bytes) break;
    if (place < sequence) continue;
    auto record = decode(*bytes);
    if (!record) return record.error();
    records.push_back(std::move(record).value());
  }
  if (!reader.value().damage().empty())
    return Error{ErrorCode::kCorrupt, records_file(directory) + ": " + reader.value().damage()};
  return records;
}

Result<std::vector<SignedCheckpoint>> read_checkpoints(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return text.error();
  auto notes = parse_checkpoints(text.value());
  if (!notes) return Error{ErrorCode::kCorrupt, file + ": " + notes.error().text};
  return notes;
}

Result<Verifier> read_verifier(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return text.error();
  auto verifier = parse_verifier(sha256, text.value());
  if (!verifier) return Error{ErrorCode::kCorrupt, file + ": " + verifier.error().text};
  return verifier;
}

}  // namespace holdfast::audit
