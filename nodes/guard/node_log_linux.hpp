// Where the node's stdout and stderr go: a file that the node itself holds open for appending, so
// its lines need no guard to carry them and a guard may die. Rotated by copying and truncating,
// because the node can't be told to open another; what it writes during the copy's last instant may
// be lost.
#pragma once

#include <cstdint>
#include <string>

#include "messages/result.hpp"

namespace holdfast {

/// An append-only log with one older generation, PATH.1.
class NodeLog {
 public:
  /// Opens or makes the file, mode 0600.
  static Result<NodeLog> open(std::string path, uint64_t bytes_max);
  ~NodeLog();
  NodeLog(NodeLog&& other) noexcept;
  NodeLog& operator=(NodeLog&&) = delete;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  /// Rotates if the file is longer than `bytes_max`. True: it did.
  bool rotate_if_long();

 private:
  NodeLog(std::string path, uint64_t bytes_max, int fd)
      : path_(std::move(path)), bytes_max_(bytes_max), fd_(fd) {}
  std::string path_;
  uint64_t bytes_max_;
  int fd_;
};

}  // namespace holdfast
