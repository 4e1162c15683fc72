#include "nodes/drill/proxy_linux.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

namespace holdfast::drill {
namespace {

constexpr int kLongest = 10'000;  // ms; only a failing test waits for so long

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct Socket {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Socket() = default;
  explicit Socket(int taken) {
    ::close(fd);
    fd = taken;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  uint16_t listen() {
    const int on = 1;  // as every server does that wants its port again
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd, 8), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }
  int connect(uint16_t port) {
    const auto address = loopback(port);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0
                                                                                           : errno;
  }
  bool readable(int ms) const {
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, ms) == 1;
  }
  void say(const std::string& text) {
    EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  /// So many bytes; "" at the end or a reset.
  std::string hear(std::size_t size) {
    std::string text(size, '\0');
    if (!readable(kLongest)) return "nothing came";
    const ssize_t n = ::recv(fd, text.data(), size, MSG_WAITALL);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }
};

/// A port that was free a moment ago.
uint16_t some_port() {
  Socket socket;
  return socket.listen();
}

/// A way with a connection through it.
struct Way {
  explicit Way(Proxy& proxy) : proxy_(proxy) {
    const uint16_t target = listening.listen();
    port = some_port();
    const auto added = proxy.add(port, target);
    EXPECT_TRUE(added.ok());
    index = added.value();
    EXPECT_EQ(near.connect(port), 0);
    EXPECT_TRUE(listening.readable(kLongest));
    far = std::make_unique<Socket>(::accept(listening.fd, nullptr, nullptr));
  }
  Proxy& proxy_;
  Socket listening, near;
  std::unique_ptr<Socket> far;
  uint16_t port = 0;
  std::size_t index = 0;
};

TEST(DrillProxy, CarriesBytesBothWays) {
  Proxy proxy;
  Way way(proxy);
  way.near.say("there");
  EXPECT_EQ(way.far->hear(5), "there");
  way.far->say("back");
  EXPECT_EQ(way.near.hear(4), "back");
}

TEST(DrillProxy, ACutHoldsBytesAndDeliversThemWhenItHeals) {
  Proxy proxy;
  Way cut(proxy), other(proxy);
  proxy.set(cut.index, {false, true, {}});
  cut.near.say("held");
  for (int i = 0; i < 3; ++i) {  // turns of the proxy, in which it could have passed them on
    other.near.say("x");
    EXPECT_EQ(other.far->hear(1), "x");
  }
  EXPECT_FALSE(cut.far->readable(0));
  cut.far->say("back");  // the other direction is open
  EXPECT_EQ(cut.near.hear(4), "back");
  proxy.set(cut.index, {});
  EXPECT_EQ(cut.far->hear(4), "held");
}

TEST(DrillProxy, AnEndIsNotSeenThroughACut) {
  Proxy proxy;
  Way cut(proxy), other(proxy);
  proxy.set(cut.index, {false, false, {}});
  cut.near.close();
  other.near.say("x");
  EXPECT_EQ(other.far->hear(1), "x");
  EXPECT_FALSE(cut.far->readable(0));
  proxy.set(cut.index, {});
  EXPECT_EQ(cut.far->hear(1), "");
}

TEST(DrillProxy, ResetsBothEnds) {
  Proxy proxy;
  Way way(proxy);
  proxy.reset(way.index);
  EXPECT_EQ(way.near.hear(1), "");
  EXPECT_EQ(way.far->hear(1), "");
  Socket again;  // and goes on
  EXPECT_EQ(again.connect(way.port), 0);
  EXPECT_TRUE(way.listening.readable(kLongest));
}

TEST(DrillProxy, RefusesWhereNobodyListensBehind) {
  Proxy proxy;
  Way way(proxy);
  way.listening.close();
  way.far->close();
  EXPECT_EQ(way.near.hear(1), "");
  // Whoever saw the end may knock at once: it is refused, as the other itself would.
  Socket again;
  EXPECT_EQ(again.connect(way.port), ECONNREFUSED);
}

TEST(DrillProxy, APortThatIsTakenIsAnError) {
  Proxy proxy;
  Socket taken;
  EXPECT_FALSE(proxy.add(taken.listen(), 1).ok());
}

}  // namespace
}  // namespace holdfast::drill
