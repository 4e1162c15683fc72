#include "nodes/guard/node_log_linux.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast {

Result<NodeLog> NodeLog::open(std::string path, uint64_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return Error{ErrorCode::kIo, "can't open the node's log " + path + ": " + std::strerror(errno)};
  return NodeLog(std::move(path), bytes_max, fd);
}

NodeLog::~NodeLog() {
  if (fd_ >= 0) ::close(fd_);
}

NodeLog::NodeLog(NodeLog&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_max_(other.bytes_max_),
      fd_(std::exchange(other.fd_, -1)) {}

bool NodeLog::rotate_if_long() {
  struct stat info {};
  if (::fstat(fd_, &info) != 0 || static_cast<uint64_t>(info.st_size) <= bytes_max_) return false;
  const std::string old = path_ + ".1";
  const int to = ::open(old.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (to < 0) return false;
  off_t from = 0;
  bool whole = true;
  // To the end as it is now, not as it was: the node goes on writing.
  for (ssize_t n = 1; n > 0;) {
    n = ::sendfile(to, fd_, &from, 1u << 20);
    whole = n >= 0;
  }
  ::close(to);
  return whole && ::ftruncate(fd_, 0) == 0;
}

}  // namespace holdfast
