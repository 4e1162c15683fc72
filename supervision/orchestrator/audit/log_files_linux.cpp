#include "supervision/orchestrator/audit/log_files_linux.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast::audit {
namespace {

Error io(const std::string& file, const char* what) {
  return {errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
          file + ": cannot " + what + ": " + std::strerror(errno)};
}

// A new name is safe when the folder is on disk.
void sync_folder_of(const std::string& file) {
  const auto slash = file.rfind('/');
  const auto folder = slash == std::string::npos ? std::string(".") : file.substr(0, slash);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::string> read_file(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io(file, "be opened");
  std::string text;
  std::string piece(1u << 16, '\0');
  ssize_t size = 0;
  while (text.size() <= kTextFileBytesMax &&
         ((size = ::read(fd, piece.data(), piece.size())) > 0 || (size < 0 && errno == EINTR)))
    if (size > 0) text.append(piece, 0, static_cast<std::size_t>(size));
  const auto error = io(file, "be read");
  ::close(fd);
  if (size < 0) return error;
  if (text.size() > kTextFileBytesMax) return Error{ErrorCode::kInvalid, file + " is too large"};
  return text;
}

Result<> make_file(const std::string& file, std::string_view text, unsigned mode) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) return success();
  if (fd < 0) return io(file, "be made");
  const bool good = write_all(fd, text) && ::fsync(fd) == 0;
  const auto error = io(file, "be written");
  ::close(fd);
  if (!good) {
    ::unlink(file.c_str());
    return error;
  }
  sync_folder_of(file);
  return success();
}

Result<AppendFile> AppendFile::open(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return io(file, "be opened");
  AppendFile opened(file, fd, 0);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorCode::kConflict, file + " is in use by another process"};
  struct stat status {};
  if (::fstat(fd, &status) != 0) return io(file, "be looked at");
  opened.size_ = static_cast<uint64_t>(status.st_size);
  if (opened.size_ == 0) sync_folder_of(file);
  return opened;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : file_(std::move(other.file_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

Result<> AppendFile::append(std::string_view bytes) {
  if (write_all(fd_, bytes) && ::fdatasync(fd_) == 0) {
    size_ += bytes.size();
    return success();
  }
  const auto error = io(file_, "be written");
  (void)::ftruncate(fd_, static_cast<off_t>(size_));
  return error;
}

Result<> AppendFile::cut(uint64_t offset) {
  if (::ftruncate(fd_, static_cast<off_t>(offset)) != 0 || ::fsync(fd_) != 0)
    return io(file_, "be cut");
  size_ = offset;
  return success();
}

}  // namespace holdfast::audit
