#include "actors/agents/llm/gateway_files_linux.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace holdfast::llm {
namespace {

constexpr std::size_t kKeyBytesMax = 4'096;

Error unreadable(const std::string& path) {
  return {ErrorCode::kIo, path + " can't be read: " + std::strerror(errno)};
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

Result<std::string> checked_key(const EndpointSettings& endpoint, std::string key,
                                const std::string& from) {
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' '))
    key.pop_back();
  if (key.empty())
    return Error{ErrorCode::kInvalid, "endpoint " + endpoint.name + ": " + from + " holds no key"};
  for (const char c : key)
    if (c <= ' ' || c > '~')
      return Error{ErrorCode::kInvalid, "endpoint " + endpoint.name + ": what " + from +
                                            " holds is no key: a space or control character"};
  return key;
}

}  // namespace

Result<std::string> read_key(const EndpointSettings& endpoint) {
  if (!endpoint.api_key_env.empty()) {
    const char* value = std::getenv(endpoint.api_key_env.c_str());
    return checked_key(endpoint, value == nullptr ? "" : value, "$" + endpoint.api_key_env);
  }
  if (endpoint.api_key_file.empty()) return std::string();
  struct stat about {};
  if (::stat(endpoint.api_key_file.c_str(), &about) != 0) return unreadable(endpoint.api_key_file);
  if ((about.st_mode & 077) != 0)
    return Error{ErrorCode::kInvalid, "endpoint " + endpoint.name + ": others may read " +
                                          endpoint.api_key_file + "; chmod 600 it"};
  auto text = read_file(endpoint.api_key_file, kKeyBytesMax);
  if (!text) return text.error();
  return checked_key(endpoint, std::move(text.value()), endpoint.api_key_file);
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return unreadable(path);
  std::string text;
  char buffer[1u << 16];
  for (;;) {
    const auto got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const auto error = unreadable(path);
      ::close(fd);
      return error;
    }
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > bytes_max) {
      ::close(fd);
      return Error{ErrorCode::kFull,
                   path + " is larger than " + std::to_string(bytes_max) + " bytes"};
    }
  }
  ::close(fd);
  return text;
}

Result<std::unique_ptr<AppendFile>> AppendFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Error{ErrorCode::kIo, path + " can't be written: " + std::strerror(errno)};
  return std::unique_ptr<AppendFile>(new AppendFile(fd));
}

AppendFile::~AppendFile() { ::close(fd_); }

bool AppendFile::append(std::string_view bytes) { return write_all(fd_, bytes); }

bool replace_file(const std::string& path, std::string_view text) {
  const auto fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = write_all(fd, text);
  ::close(fd);
  return written && ::rename(fresh.c_str(), path.c_str()) == 0;
}

}  // namespace holdfast::llm
