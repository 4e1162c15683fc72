// TLS on a non-blocking socket, by OpenSSL. Both ends show a certificate.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "actors/ingress/client/transport.hpp"

namespace holdfast::client {

namespace {

std::string ssl_text() {
  std::string text;
  while (const auto code = ::ERR_get_error()) {
    char line[256];
    ::ERR_error_string_n(code, line, sizeof line);
    text += (text.empty() ? "" : "; ") + std::string(line);
  }
  return text.empty() ? "no details" : text;
}

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE at a closed connection; a
// library must not ask the program around it to ignore signals. So: a BIO on recv and send.
int bio_fd(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(::BIO_get_data(bio))); }

int bio_read(BIO* bio, char* to, int size) {
  ::BIO_clear_retry_flags(bio);
  const auto n = ::recv(bio_fd(bio), to, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) ::BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

int bio_write(BIO* bio, const char* from, int size) {
  ::BIO_clear_retry_flags(bio);
  const auto n = ::send(bio_fd(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) ::BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* make_bio(int fd) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "holdfast");
    ::BIO_meth_set_read(made, bio_read);
    ::BIO_meth_set_write(made, bio_write);
    ::BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  BIO* bio = ::BIO_new(method);
  CHECK(bio != nullptr);
  ::BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  ::BIO_set_init(bio, 1);
  return bio;
}

class Tls final : public Transport {
 public:
  Tls(int fd, std::shared_ptr<TlsContext> context)
      : fd_(fd),
        context_(std::move(context)),
        ssl_(::SSL_new(static_cast<SSL_CTX*>(context_->native()))) {
    CHECK(ssl_ != nullptr);
    BIO* bio = make_bio(fd_);
    ::SSL_set_bio(ssl_, bio, bio);  // takes it over
    // The buffer that a write is repeated from may have moved, and grown.
    ::SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  ~Tls() override {
    ::SSL_free(ssl_);
    ::close(fd_);
  }
  int fd() const override { return fd_; }
  SSL* ssl() { return ssl_; }

  Transferred read(std::span<std::byte> to) override {
    ::ERR_clear_error();
    std::size_t n = 0;
    const int rc = ::SSL_read_ex(ssl_, to.data(), to.size(), &n);
    return rc == 1 ? Transferred{Transferred::Kind::kBytes, n} : failure(rc, "TLS read");
  }
  Transferred write(std::span<const std::byte> from) override {
    ::ERR_clear_error();
    std::size_t n = 0;
    const int rc = ::SSL_write_ex(ssl_, from.data(), from.size(), &n);
    return rc == 1 ? Transferred{Transferred::Kind::kBytes, n} : failure(rc, "TLS write");
  }
  bool buffered() const override { return ::SSL_has_pending(ssl_) == 1; }

 private:
  Transferred failure(int rc, const char* what) {
    const int saved = errno;
    switch (::SSL_get_error(ssl_, rc)) {
      case SSL_ERROR_WANT_READ:
        return {Transferred::Kind::kWantRead};
      case SSL_ERROR_WANT_WRITE:
        return {Transferred::Kind::kWantWrite};
      case SSL_ERROR_ZERO_RETURN:
        return {Transferred::Kind::kClosed};
      case SSL_ERROR_SYSCALL:
        return {Transferred::Kind::kFailed, 0,
                std::string(what) + ": " + (saved != 0 ? std::strerror(saved) : "connection cut")};
      default:
        return {Transferred::Kind::kFailed, 0, std::string(what) + ": " + ssl_text()};
    }
  }

  const int fd_;
  std::shared_ptr<TlsContext> context_;
  SSL* ssl_;
};

/// Loads the three files into a fresh context; an error names the file.
Result<SSL_CTX*> load(const SSL_METHOD* method, const TlsFiles& files) {
  SSL_CTX* context = ::SSL_CTX_new(method);
  CHECK(context != nullptr);
  const auto failed = [&](const char* what, const std::string& file) {
    Error error{ErrorCode::kInvalid, "TLS: " + std::string(what) + " " + file + ": " + ssl_text()};
    ::SSL_CTX_free(context);
    return error;
  };
  ::ERR_clear_error();
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return failed("can't use certificate", files.certificate);
  if (::SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return failed("can't use key", files.key);
  if (::SSL_CTX_check_private_key(context) != 1)
    return failed("the certificate does not belong to key", files.key);
  if (::SSL_CTX_load_verify_locations(context, files.ca.c_str(), nullptr) != 1)
    return failed("can't use CA certificate", files.ca);
  return context;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::server(const TlsFiles& files) {
  auto context = load(::TLS_server_method(), files);
  if (!context) return context.error();
  ::SSL_CTX_set_verify(context.value(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Sessions are not resumed, so that every connection shows its certificate.
  ::SSL_CTX_set_session_cache_mode(context.value(), SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(context.value(), 0);
  return std::shared_ptr<TlsContext>(new TlsContext(context.value()));
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const TlsFiles& files) {
  auto context = load(::TLS_client_method(), files);
  if (!context) return context.error();
  ::SSL_CTX_set_verify(context.value(), SSL_VERIFY_PEER, nullptr);
  return std::shared_ptr<TlsContext>(new TlsContext(context.value()));
}

TlsContext::~TlsContext() { ::SSL_CTX_free(static_cast<SSL_CTX*>(context_)); }

std::unique_ptr<Transport> tls_server_transport(int fd, std::shared_ptr<TlsContext> context) {
  auto transport = std::make_unique<Tls>(fd, std::move(context));
  ::SSL_set_accept_state(transport->ssl());
  return transport;
}

std::unique_ptr<Transport> tls_client_transport(int fd, std::shared_ptr<TlsContext> context,
                                                const std::string& server_name) {
  auto transport = std::make_unique<Tls>(fd, std::move(context));
  ::SSL_set_connect_state(transport->ssl());
  X509_VERIFY_PARAM* verify = ::SSL_get0_param(transport->ssl());
  // An IP address is matched against the certificate's addresses, anything else against its names.
  if (::X509_VERIFY_PARAM_set1_ip_asc(verify, server_name.c_str()) != 1) {
    ::X509_VERIFY_PARAM_set1_host(verify, server_name.c_str(), server_name.size());
    ::SSL_set_tlsext_host_name(transport->ssl(), server_name.c_str());
  }
  return transport;
}

}  // namespace holdfast::client
