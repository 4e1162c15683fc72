// TLS for the stream: both ends show a certificate of the same authority, who dials also checks
// that it names the address dialled, and both can ask whether it names a member. OpenSSL works on
// memory, so sockets stay non-blocking and the loop's own.
#pragma once

#include <memory>
#include <string>

#include "supervision/replication/stream/channel_linux.hpp"
#include "supervision/replication/stream/links_linux.hpp"

namespace holdfast::replication {

/// Both directions' configuration, loaded once. Immutable.
class TlsContexts {
 public:
  /// kInvalid names the file that can't be used, and why.
  static Result<std::shared_ptr<const TlsContexts>> load(const LinkTls& files);
  ~TlsContexts();
  TlsContexts(const TlsContexts&) = delete;
  TlsContexts& operator=(const TlsContexts&) = delete;

  /// Takes over an accepted socket.
  std::unique_ptr<Channel> accepted(int fd) const;
  /// Takes over a socket that was connected to `host`, a numeric address.
  std::unique_ptr<Channel> dialled(int fd, const std::string& host) const;

 private:
  TlsContexts() = default;
  void* server_ = nullptr;  // SSL_CTX
  void* client_ = nullptr;
};

}  // namespace holdfast::replication
