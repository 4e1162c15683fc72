#include "supervision/replication/stream/tls_linux.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "supervision/replication/stream/address_linux.hpp"

namespace holdfast::replication {

namespace {

constexpr std::size_t kRecordBytes = 16u << 10;
/// Encrypted bytes that wait for the socket; then nothing more is taken.
constexpr std::size_t kPendingMax = 256u << 10;

std::string ssl_text() {
  std::string text;
  while (const auto code = ::ERR_get_error()) {
    char line[256];
    ::ERR_error_string_n(code, line, sizeof line);
    text += (text.empty() ? "" : "; ") + std::string(line);
  }
  return text.empty() ? "no details" : text;
}

class Tls final : public Channel {
 public:
  Tls(int fd, SSL_CTX* context)
      : fd_(fd),
        ssl_(::SSL_new(context)),
        in_(::BIO_new(::BIO_s_mem())),
        out_(::BIO_new(::BIO_s_mem())) {
    CHECK(ssl_ != nullptr && in_ != nullptr && out_ != nullptr);
    ::BIO_set_mem_eof_return(in_, -1);  // empty is "again", not the end
    ::SSL_set_bio(ssl_, in_, out_);     // which owns them now
    ::SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                             SSL_MODE_RELEASE_BUFFERS);
  }
  ~Tls() override {
    ::SSL_free(ssl_);
    if (fd_ >= 0) ::close(fd_);
  }
  SSL* ssl() const { return ssl_; }
  int fd() const override { return fd_; }

  Moved read(std::span<std::byte> to) override {
    while (true) {
      ::ERR_clear_error();
      std::size_t n = 0;
      const int rc = ::SSL_read_ex(ssl_, to.data(), to.size(), &n);
      if (auto failed = push_out()) return *failed;  // a handshake's answer
      if (rc == 1) return {Moved::Kind::kBytes, n};
      const int error = ::SSL_get_error(ssl_, rc);
      if (error == SSL_ERROR_ZERO_RETURN) return {Moved::Kind::kClosed};
      if (error != SSL_ERROR_WANT_READ) return denied("TLS");
      const auto got = ::recv(fd_, buffer_, sizeof buffer_, 0);
      if (got == 0) return {Moved::Kind::kClosed};
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {Moved::Kind::kWait};
      if (got < 0) return {Moved::Kind::kFailed, 0, std::strerror(errno)};
      CHECK(::BIO_write(in_, buffer_, static_cast<int>(got)) == got);
    }
  }

  Moved write(std::span<const iovec> from) override {
    std::size_t taken = 0;
    for (const iovec& part : from) {
      std::size_t at = 0;
      while (at < part.iov_len && pending() < kPendingMax) {
        ::ERR_clear_error();
        std::size_t n = 0;
        const int rc = ::SSL_write_ex(ssl_, static_cast<const char*>(part.iov_base) + at,
                                      std::min(part.iov_len - at, kRecordBytes), &n);
        if (rc == 1) {
          at += n;
          continue;
        }
        // In the handshake it waits for the other side; reading goes on with that.
        if (::SSL_get_error(ssl_, rc) != SSL_ERROR_WANT_READ) return denied("TLS");
        break;
      }
      taken += at;
      if (at < part.iov_len) break;
    }
    if (auto failed = push_out()) return *failed;
    if (taken == 0) return {Moved::Kind::kWait};
    return {Moved::Kind::kBytes, taken};
  }

  bool wants_write() const override { return pending() > 0; }
  bool buffered() const override {
    return ::SSL_has_pending(ssl_) == 1 || ::BIO_ctrl_pending(in_) > 0;
  }
  bool names(const std::string& name) const override {
    X509* shown = ::SSL_get1_peer_certificate(ssl_);
    if (shown == nullptr) return false;
    const bool named =
        ::X509_check_host(shown, name.data(), name.size(),
                          X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS,
                          nullptr) == 1;
    ::X509_free(shown);
    return named;
  }
  void reset() override {
    close_with_reset(fd_);
    fd_ = -1;
  }

 private:
  std::size_t pending() const { return ::BIO_ctrl_pending(out_); }
  /// What OpenSSL wants sent goes as far as the socket takes it.
  std::optional<Moved> push_out() {
    while (pending() > 0) {
      char* data = nullptr;
      const long size = BIO_get_mem_data(out_, &data);
      const auto n = ::send(fd_, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (n < 0) return Moved{Moved::Kind::kFailed, 0, std::strerror(errno)};
      for (auto left = n; left > 0;) {  // moves the BIO's read position
        char skipped[4096];
        const int step = ::BIO_read(
            out_, skipped,
            static_cast<int>(std::min<ssize_t>(left, static_cast<ssize_t>(sizeof skipped))));
        CHECK(step > 0);
        left -= step;
      }
    }
    return std::nullopt;
  }
  Moved denied(const char* what) const {
    return {Moved::Kind::kDenied, 0, std::string(what) + ": " + ssl_text()};
  }

  int fd_;
  SSL* ssl_;
  BIO* in_;
  BIO* out_;
  char buffer_[kRecordBytes];
};

Result<SSL_CTX*> load_context(const SSL_METHOD* method, const LinkTls& files) {
  SSL_CTX* context = ::SSL_CTX_new(method);
  CHECK(context != nullptr);
  const auto failed = [&](const char* what, const std::string& file) {
    Error error{ErrorCode::kInvalid,
                "the stream's TLS: " + std::string(what) + " " + file + ": " + ssl_text()};
    ::SSL_CTX_free(context);
    return error;
  };
  ::ERR_clear_error();
  ::SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return failed("can't use certificate", files.certificate);
  if (::SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return failed("can't use key", files.key);
  if (::SSL_CTX_check_private_key(context) != 1)
    return failed("the certificate does not belong to key", files.key);
  if (::SSL_CTX_load_verify_locations(context, files.ca.c_str(), nullptr) != 1)
    return failed("can't use CA certificate", files.ca);
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Sessions are not resumed, so that every connection shows its certificate.
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(context, 0);
  return context;
}

}  // namespace

Result<std::shared_ptr<const TlsContexts>> TlsContexts::load(const LinkTls& files) {
  std::shared_ptr<TlsContexts> loaded(new TlsContexts);
  auto server = load_context(::TLS_server_method(), files);
  if (!server) return server.error();
  loaded->server_ = server.value();
  auto client = load_context(::TLS_client_method(), files);
  if (!client) return client.error();
  loaded->client_ = client.value();
  return std::shared_ptr<const TlsContexts>(std::move(loaded));
}

TlsContexts::~TlsContexts() {
  ::SSL_CTX_free(static_cast<SSL_CTX*>(server_));
  ::SSL_CTX_free(static_cast<SSL_CTX*>(client_));
}

std::unique_ptr<Channel> TlsContexts::accepted(int fd) const {
  auto channel = std::make_unique<Tls>(fd, static_cast<SSL_CTX*>(server_));
  ::SSL_set_accept_state(channel->ssl());
  return channel;
}

std::unique_ptr<Channel> TlsContexts::dialled(int fd, const std::string& host) const {
  auto channel = std::make_unique<Tls>(fd, static_cast<SSL_CTX*>(client_));
  ::SSL_set_connect_state(channel->ssl());
  CHECK(::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(channel->ssl()), host.c_str()) == 1);
  return channel;
}

}  // namespace holdfast::replication
