// Transport: the bytes of one connection without blocking, plain or under TLS, so that what frames
// messages on top neither knows nor cares. It buffers nothing, watches nothing and closes its
// socket when it dies; whoever owns it asks again when the socket is ready.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "actors/ingress/client/address.hpp"
#include "messages/result.hpp"

namespace holdfast::client {

/// What a non-blocking read or write came to.
struct Transferred {
  enum class Kind : uint8_t {
    kBytes,      // `bytes` were moved, at least one
    kWantRead,   // nothing moved: try again when the socket is readable
    kWantWrite,  // nothing moved: try again when it is writable
    kClosed,     // the other side has closed in order
    kFailed,     // the connection is broken; `error` says how
  };
  Kind kind = Kind::kFailed;
  std::size_t bytes = 0;
  std::string error = {};
};

/// One connection. Owned and used by one thread.
class Transport {
 public:
  virtual ~Transport() = default;
  /// The socket, to be watched for readiness.
  virtual int fd() const = 0;
  /// Reads up to `to.size()` bytes.
  virtual Transferred read(std::span<std::byte> to) = 0;
  /// Writes some of `from`. After kWantRead or kWantWrite the next call must offer the same bytes,
  /// possibly more.
  virtual Transferred write(std::span<const std::byte> from) = 0;
  /// True when bytes have left the socket that `read` has not handed out yet (TLS records).
  virtual bool buffered() const { return false; }
};

/// PEM files of one end of a TLS connection. The other end's certificate must be signed by `ca`.
struct TlsFiles {
  std::string certificate, key, ca;
};

/// One end's TLS configuration, loaded once for all its connections. Immutable afterwards.
class TlsContext {
 public:
  /// For a server that demands client certificates. Errors name the file and what is wrong with it.
  static Result<std::shared_ptr<TlsContext>> server(const TlsFiles& files);
  /// For a client, which checks the server's certificate and shows its own.
  static Result<std::shared_ptr<TlsContext>> client(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  void* native() const { return context_; }  // SSL_CTX

 private:
  explicit TlsContext(void* context) : context_(context) {}
  void* context_;
};

/// Takes over a connected (or connecting) non-blocking socket.
std::unique_ptr<Transport> plain_transport(int fd);
/// As above, under TLS; the handshake happens inside the first reads and writes. A client checks
/// that the server's certificate is for `server_name` (a host name or an IP address).
std::unique_ptr<Transport> tls_server_transport(int fd, std::shared_ptr<TlsContext> context);
std::unique_ptr<Transport> tls_client_transport(int fd, std::shared_ptr<TlsContext> context,
                                                const std::string& server_name);

/// Starts to connect, without blocking (but a host name is resolved, which may block; an IP address
/// never does). The socket is non-blocking, close-on-exec and without Nagle's delay; it is
/// connected when it becomes writable. kUnavailable when the system refuses at once.
Result<int> begin_connect(const Address& address);
/// The error of a connect that has ended, as a sentence, or empty when it is connected.
std::string connect_error(int fd);

/// A listening socket, non-blocking, and the port that it got.
struct Listener {
  int fd = -1;
  uint16_t port = 0;
  bool loopback = false;  // reachable from this machine only
};
/// Listens; port 0 takes a free one. A stale Unix socket file is replaced. Errors say what to do.
Result<Listener> listen_on(const Address& address);
/// The next connection (non-blocking, close-on-exec, no delay, keepalive), or -1 when none waits.
int accept_from(int listener_fd);

}  // namespace holdfast::client
