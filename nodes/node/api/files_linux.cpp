#include "nodes/node/api/files_linux.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace holdfast::operator_api {
namespace {

constexpr off_t kTokenFileBytesMax = 64 << 10;

Error refused(const std::string& what, const std::string& path) {
  return {ErrorCode::kIo, what + " " + path + ": " + std::strerror(errno)};
}

struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

// All of `bytes`, or false.
bool write_all(int fd, const std::string& bytes) {
  return ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    char escape[8];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

}  // namespace

Result<Tokens> read_token_file(const std::string& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0 && errno == ENOENT)
    return Error{ErrorCode::kNotFound, "there is no token file " + path +
                                           "; make one with `deploy/install token " + path + "`"};
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return refused("cannot open", path);
  if (!S_ISREG(status.st_mode))
    return Error{ErrorCode::kInvalid, path + " is not a regular file; a token file is expected"};
  if ((status.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777);
    return Error{ErrorCode::kDenied, path + " has mode " + mode +
                                         ": others may read the tokens; run `chmod 600 " + path +
                                         "`, and replace the tokens if others have"};
  }
  if (status.st_size > kTokenFileBytesMax)
    return Error{ErrorCode::kInvalid, path + " is larger than 64 KiB, no token file is"};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const auto got = ::read(file.fd, text.data(), text.size());
  if (got < 0) return refused("cannot read", path);
  text.resize(static_cast<std::size_t>(got));
  return Tokens::parse(text, path);
}

namespace {
int open_audit(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}
}  // namespace

Result<std::unique_ptr<AuditFile>> AuditFile::open(const std::string& path, AuditBounds bounds) {
  const int fd = open_audit(path);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) return refused("cannot open the audit log", path);
  return std::unique_ptr<AuditFile>(
      new AuditFile(fd, path, bounds, static_cast<uint64_t>(status.st_size)));
}

AuditFile::~AuditFile() { ::close(fd_); }

bool AuditFile::append(const std::string& line) {
  if (size_ != 0 && size_ + line.size() + 1 > bounds_.bytes_max) rotate();
  size_ += line.size() + 1;
  return write_all(fd_, line + "\n");
}

// What can't be renamed stays where it is and grows: a line is worth more than the bound.
void AuditFile::rotate() {
  const auto numbered = [&](uint32_t n) { return path_ + "." + std::to_string(n); };
  for (uint32_t n = bounds_.kept; n > 1; --n)
    ::rename(numbered(n - 1).c_str(), numbered(n).c_str());
  if (::rename(path_.c_str(), numbered(1).c_str()) != 0) return;
  const int fresh = open_audit(path_);
  if (fresh < 0) {
    ::rename(numbered(1).c_str(), path_.c_str());
    return;
  }
  ::close(fd_);
  fd_ = fresh;
  size_ = 0;
}

Result<> announce(const std::string& state_directory, const std::string& url,
                  const std::string& token_file) {
  const auto path = state_directory + "/operator.json", fresh = path + ".new";
  const auto text = "{\"url\": " + json_text(url) + ", \"token_file\": " + json_text(token_file) +
                    ", \"pid\": " + std::to_string(::getpid()) + "}\n";
  {
    const File file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (file.fd < 0 || !write_all(file.fd, text)) return refused("cannot write", fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return refused("cannot rename to", path);
  return success();
}

}  // namespace holdfast::operator_api
