// Numeric addresses and the sockets of the stream: non-blocking, close-on-exec, without Nagle.
// Names are not resolved here, since that blocks.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast::replication {

/// A socket's address.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool loopback = false;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// kInvalid when `host` is no IPv4 or IPv6 address.
Result<SocketAddress> socket_address(const std::string& host, uint16_t port);

/// "host:port" of the other end, for people.
std::string peer_text(int fd);

/// A socket that listens; `port` becomes the one that it has. kIo names the address and why.
Result<int> listen_at(const std::string& host, uint16_t& port);

/// How an attempt to connect stands.
enum class Connecting : uint8_t {
  kPending,    // wait until it is writable, then ask connecting() again
  kConnected,  // somebody listens
  kRefused,    // the host answers and nobody listens
  kFailed,     // no route, no answer, no socket: says nothing about the process
};

/// Begins to connect. On one host the answer is there at once. Sets `fd`, or -1 with kFailed, and
/// `error` to the errno of a failure.
Connecting connect_to(const SocketAddress& to, int& fd, int& error);
/// How it has come out; `error` is the errno of a failure.
Connecting connecting(int fd, int& error);

/// What every connection of the stream has: no Nagle, and an end when the other side has been
/// silent towards the kernel for `unacknowledged_max`.
void tune_connection(int fd, Duration unacknowledged_max);
/// Closes with a reset: nothing that is still queued is sent.
void close_with_reset(int fd);

}  // namespace holdfast::replication
