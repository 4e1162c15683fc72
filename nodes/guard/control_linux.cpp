#include "nodes/guard/control_linux.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "messages/check.hpp"
#include "nodes/guard/node_process_linux.hpp"

namespace holdfast {

namespace {

constexpr std::size_t kRequestBytesMax = 4096;
constexpr std::size_t kReplyBytesMax = 64u << 10;
constexpr std::size_t kConnectionsMax = 16;
constexpr Duration kRequestTimeout = Duration::seconds(5);

Error io(const std::string& what) { return {ErrorCode::kIo, what + ": " + std::strerror(errno)}; }

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{ErrorCode::kInvalid, "the path " + path + " is too long for a socket (" +
                                          std::to_string(sizeof address.sun_path - 1) +
                                          " bytes at most): use a shorter state directory"};
  path.copy(address.sun_path, path.size());
  return address;
}

Result<std::string> read_token(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return Error{ErrorCode::kNotFound, "there is no " + path};
    return Error{ErrorCode::kDenied, "can't look at " + path + ": " + std::strerror(errno)};
  }
  if (info.st_uid != ::geteuid() && ::geteuid() != 0)
    return Error{ErrorCode::kDenied, path + " belongs to somebody else"};
  if ((info.st_mode & 077) != 0)
    return Error{ErrorCode::kDenied, path +
                                         " can be read by others: chmod 600 it, or remove it "
                                         "and start the guard again for a new one"};
  auto token = read_small_file(path);
  if (!token.ok()) return Error{ErrorCode::kDenied, token.error().text};
  std::string text = std::move(token).value();
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (text.size() < 32)
    return Error{ErrorCode::kDenied, path + " holds no token (at least 32 characters): remove it"};
  return text;
}

}  // namespace

std::string token_path(const std::string& state_dir) { return state_dir + "/guard.token"; }
std::string socket_path(const std::string& state_dir) { return state_dir + "/guard.sock"; }

Result<std::string> ensure_token(const std::string& state_dir) {
  const std::string path = token_path(state_dir);
  auto token = read_token(path);
  if (token.ok() || token.error().code != ErrorCode::kNotFound) return token;
  unsigned char bytes[32];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    return io("getrandom");
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  auto written = replace_file(path, text + "\n");
  if (!written.ok()) return written.error();
  return text;
}

bool equal_in_constant_time(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

Result<std::unique_ptr<ControlServer>> ControlServer::open(EventLoop& loop,
                                                           const std::string& state_dir,
                                                           std::string token, Handler handler) {
  const std::string path = socket_path(state_dir);
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return io("socket");
  ::unlink(path.c_str());
  // The socket is born with its mode: a chmod afterwards would leave a moment open to all.
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address.value()), sizeof(sockaddr_un));
  ::umask(before);
  if (bound != 0 || ::listen(fd, 16) != 0) {
    auto error = io("can't listen at " + path);
    ::close(fd);
    return error;
  }
  return std::unique_ptr<ControlServer>(
      new ControlServer(loop, fd, path, std::move(token), std::move(handler)));
}

ControlServer::ControlServer(EventLoop& loop, int listener, std::string path, std::string token,
                             Handler handler)
    : loop_(loop),
      listener_(listener),
      path_(std::move(path)),
      token_(std::move(token)),
      handler_(std::move(handler)) {
  loop_.add_fd(listener_, EPOLLIN, [this](uint32_t) { accept_all(); });
}

ControlServer::~ControlServer() {
  *alive_ = false;
  while (!connections_.empty()) drop(connections_.begin()->first);
  loop_.remove_fd(listener_);
  ::close(listener_);
  ::unlink(path_.c_str());
}

void ControlServer::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (connections_.size() >= kConnectionsMax) {
      ++refused_;
      ::close(fd);
      continue;
    }
    const uint64_t id = ++last_id_;
    Connection& connection = connections_[id];
    connection.fd = fd;
    connection.timeout = loop_.at(loop_.now() + kRequestTimeout, [this, id] {
      ++refused_;
      drop(id);
    });
    loop_.add_fd(fd, EPOLLIN, [this, id](uint32_t) { read(id); });
  }
}

void ControlServer::read(uint64_t id) {
  Connection& connection = connections_.at(id);
  char buffer[1024];
  const ssize_t n = ::read(connection.fd, buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0 || connection.asked) return drop(id);  // gone, or talks on: no more is expected
  connection.input.append(buffer, static_cast<std::size_t>(n));
  const auto end = connection.input.find('\n');
  if (end != std::string::npos) {
    connection.asked = true;
    loop_.cancel(std::exchange(connection.timeout, {}));
    return handle(id, connection.input.substr(0, end));
  }
  if (connection.input.size() > kRequestBytesMax) {
    ++refused_;
    answer(id, {{"ok", false}, {"error", "the request is longer than 4096 bytes"}});
  }
}

void ControlServer::handle(uint64_t id, const std::string& line) {
  const auto request = nlohmann::json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("token") || !request["token"].is_string() ||
      !request.contains("command") || !request["command"].is_string()) {
    ++refused_;
    return answer(id, {{"ok", false}, {"error", "expected {\"token\": ..., \"command\": ...}"}});
  }
  if (!equal_in_constant_time(request["token"].get<std::string>(), token_)) {
    ++refused_;
    return answer(id, {{"ok", false}, {"denied", true}, {"error", "the token is wrong"}});
  }
  handler_(request, [this, id, alive = std::weak_ptr<bool>(alive_)](const nlohmann::json& reply) {
    if (const auto still = alive.lock(); still && *still) answer(id, reply);
  });
}

void ControlServer::answer(uint64_t id, const nlohmann::json& reply) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;  // the caller did not wait
  const std::string text =
      reply.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  // Far below a socket's buffer; a caller that takes nothing at all loses its answer.
  [[maybe_unused]] const auto n = ::send(found->second.fd, text.data(), text.size(), MSG_NOSIGNAL);
  drop(id);
}

void ControlServer::drop(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  loop_.cancel(found->second.timeout);
  loop_.remove_fd(found->second.fd);
  ::close(found->second.fd);
  connections_.erase(found);
}

Result<nlohmann::json> ask_guard(const std::string& state_dir, nlohmann::json request,
                                 Duration timeout) {
  const auto token = read_token(token_path(state_dir));
  if (!token.ok()) {
    if (token.error().code == ErrorCode::kNotFound)
      return Error{ErrorCode::kUnavailable, token.error().text + ": no guard has run here"};
    return token.error();
  }
  request["token"] = token.value();
  const std::string path = socket_path(state_dir);
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return io("socket");
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.value()), sizeof(sockaddr_un)) != 0)
    return Error{ErrorCode::kUnavailable,
                 "no guard answers at " + path + " (" + std::strerror(errno) + "): is it running?"};
  const std::string text = request.dump() + "\n";
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    return Error{ErrorCode::kUnavailable, "the guard at " + path + " hung up"};
  std::string reply;
  char buffer[4096];
  while (reply.size() < kReplyBytesMax) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(timeout.ms())) <= 0)
      return Error{ErrorCode::kUnavailable, "the guard at " + path + " did not answer within " +
                                                std::to_string(timeout.ms()) + " ms"};
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    reply.append(buffer, static_cast<std::size_t>(n));
  }
  auto json = nlohmann::json::parse(reply, nullptr, false);
  if (!json.is_object())
    return Error{ErrorCode::kUnavailable, "the guard at " + path + " ended without an answer"};
  return json;
}

}  // namespace holdfast
