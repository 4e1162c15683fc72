#include "actors/ingress/server_capnp.hpp"

#include <capnp/rpc-twoparty.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_map>
#include <utility>

#include "actors/ingress/client/frame_stream_capnp.hpp"
#include "actors/ingress/credentials_linux.hpp"
#include "actors/ingress/kj_guest_capnp.hpp"
#include "actors/ingress/session_capnp.hpp"

namespace holdfast::ingress {

namespace {

using client::CloseCause;
using client::FrameStream;

constexpr int kAcceptsPerTurn = 64;
constexpr Duration kSweepEvery = Duration::milliseconds(200);

class Server;
using OpenContext = capnp::CallContext<wire::OrderEntry::OpenParams, wire::OrderEntry::OpenResults>;

/// One accepted connection. Destroyed only at the end of a turn, never from inside its own calls.
class Connection {
 public:
  Connection(Server& server, uint64_t id, std::unique_ptr<client::Transport> transport);
  ~Connection() noexcept;

  uint64_t id() const { return id_; }
  bool authenticated() const { return session_ != nullptr; }
  FrameStream& stream() { return stream_; }
  /// Closes when it has said nothing for too long, or opened no session in time.
  void sweep(MonoTime now);
  kj::Promise<void> open(OpenContext context);

 private:
  class Bootstrap;
  void refuse(wire::OrderEntry::OpenResults::Builder results, wire::OpenStatus status,
              const std::string& text);

  Server& server_;
  const uint64_t id_;
  const MonoTime since_;
  MonoTime heard_;
  uint64_t bytes_ = 0;
  FrameStream stream_;
  capnp::TwoPartyVatNetwork network_;
  std::shared_ptr<Connection*> self_;  // for the bootstrap object, which the client may keep
  SessionServer* session_ = nullptr;   // owned by the RPC system
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

class Connection::Bootstrap final : public wire::OrderEntry::Server {
 public:
  explicit Bootstrap(std::shared_ptr<Connection*> connection)
      : connection_(std::move(connection)) {}
  kj::Promise<void> open(OpenContext context) override {
    if (*connection_ == nullptr)
      return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__,
                           kj::heapString("the connection is closed"));
    return (*connection_)->open(context);
  }

 private:
  std::shared_ptr<Connection*> connection_;
};

class Server final : public Front {
 public:
  Server(EventLoop& loop, Ingress& ingress, FrontFailed failed, client::Listener listener,
         std::shared_ptr<client::TlsContext> tls);
  ~Server() noexcept override;
  uint16_t port() const override { return listener_.port; }
  FrontCounters counters() const override;

  /// A connection's stream has ended: count it, and let go of it at the end of the turn.
  void closed(uint64_t id, CloseCause cause);

  KjGuest& guest() { return guest_; }
  Ingress& ingress() { return ingress_; }
  const Settings& settings() const { return ingress_.settings(); }
  SessionHost& host() { return host_; }
  FrontCounters& counts() { return counters_; }
  MonoTime now() const { return loop_.turn_time(); }

 private:
  void accept_ready();
  void accept(int fd);
  void sweep();
  void arm_sweep();
  void defer(void (Server::*step)());
  void reap();
  void report_bug();

  EventLoop& loop_;
  Ingress& ingress_;
  FrontFailed failed_;
  const client::Listener listener_;
  const std::shared_ptr<client::TlsContext> tls_;
  FrontCounters counters_;
  SessionHost host_;
  std::shared_ptr<Server*> self_;
  std::string bug_;
  std::vector<uint64_t> dead_;
  uint64_t last_id_ = 0;
  TimerId sweep_;
  bool listening_ = true;
  KjGuest guest_;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
};

// ---- connection

Connection::Connection(Server& server, uint64_t id, std::unique_ptr<client::Transport> transport)
    : server_(server),
      id_(id),
      since_(server.now()),
      heard_(since_),
      stream_(server.guest(), std::move(transport),
              {limits::kRpcTraversalWords, server.settings().unsent_bytes_max,
               limits::kRpcOpenAnswersMax}),
      network_(stream_, capnp::rpc::twoparty::Side::SERVER, rpc_reader_options()),
      self_(std::make_shared<Connection*>(this)),
      rpc_(capnp::makeRpcServer(network_, kj::heap<Bootstrap>(self_))) {
  stream_.on_closed([this](CloseCause cause, const std::string&) { server_.closed(id_, cause); });
}

Connection::~Connection() noexcept {
  *self_ = nullptr;
  stream_.on_closed({});
  if (session_ != nullptr) session_->detach();
}

void Connection::sweep(MonoTime now) {
  stream_.flush_waiting();
  const auto& settings = server_.settings();
  if (stream_.bytes_received() != bytes_) {
    bytes_ = stream_.bytes_received();
    heard_ = now;
  }
  if (!authenticated() && now - since_ > settings.login_within)
    stream_.close(CloseCause::kLogin, "no session was opened in time");
  else if (authenticated() && session_->led_away() && now - *session_->led_away() > kSweepEvery)
    stream_.close(CloseCause::kLocal, "another node leads");
  else if (now - heard_ > settings.silence_limit)
    stream_.close(CloseCause::kSilent, "nothing heard for too long");
}

void Connection::refuse(wire::OrderEntry::OpenResults::Builder results, wire::OpenStatus status,
                        const std::string& text) {
  results.setStatus(status);
  results.setText(text.c_str());
  results.setSchemaVersion(wire::SCHEMA_VERSION);
  results.setServerVersion(server_.settings().server_version.c_str());
}

/// The client, cut down to the accounts that a session is for; those that are not its own are left
/// out, so requests for them are refused as everywhere. Null: none of them is its own.
std::shared_ptr<const ClientEntry> cut_down(const ClientEntry& client,
                                            capnp::List<capnp::Text>::Reader only_for) {
  auto entry = std::make_shared<ClientEntry>(client);
  if (only_for.size() == 0) return entry;
  const auto named = [&](const Account& account) {
    for (const auto name : only_for)
      if (account.view() == std::string_view(name.begin(), name.size())) return true;
    return false;
  };
  std::erase_if(entry->accounts, [&](const Account& account) { return !named(account); });
  return entry->accounts.empty() ? nullptr : entry;
}

kj::Promise<void> Connection::open(OpenContext context) {
  return guarded(server_.host(), [&]() -> kj::Promise<void> {
    const auto params = context.getParams();
    auto results = context.getResults();
    const auto& settings = server_.settings();
    if (session_ != nullptr) {
      refuse(results, wire::OpenStatus::ALREADY_OPEN, "this connection has a session");
      return kj::READY_NOW;
    }
    if (params.getSchemaVersion() < 1 || params.getSchemaVersion() > wire::SCHEMA_VERSION) {
      server_.counts().wrong_schema += 1;
      refuse(results, wire::OpenStatus::WRONG_SCHEMA,
             "schema version " + std::to_string(params.getSchemaVersion()) +
                 "; this server speaks 1 to " + std::to_string(wire::SCHEMA_VERSION));
      return kj::READY_NOW;
    }
    const auto id = params.getClientId(), credential = params.getCredential();
    const ClientEntry* client =
        authenticate(settings, {id.begin(), id.size()}, {credential.begin(), credential.size()});
    if (client == nullptr) {
      server_.counts().denied += 1;
      refuse(results, wire::OpenStatus::DENIED, "unknown client id or wrong credential");
      return kj::READY_NOW;
    }
    const auto entry = cut_down(*client, params.getOnlyFor());
    if (!entry) {
      server_.counts().denied += 1;
      refuse(results, wire::OpenStatus::DENIED, "no account of onlyFor is this client's");
      return kj::READY_NOW;
    }
    if (const auto leader = server_.ingress().led_elsewhere(*entry)) {
      server_.counts().led_elsewhere += 1;
      refuse(results, wire::OpenStatus::NOT_LEADING, "another node leads for these accounts");
      results.setLeader(leader->c_str());
      return kj::READY_NOW;
    }
    auto session = kj::heap<SessionServer>(server_.host(), [self = self_] {
      if (*self != nullptr) (*self)->session_ = nullptr;
    });
    if (const auto opened = session->open(entry); !opened) {
      refuse(results, wire::OpenStatus::FULL, opened.error().text);
      return kj::READY_NOW;
    }
    session_ = session.get();
    results.setStatus(wire::OpenStatus::OK);
    auto accounts = results.initAccounts(static_cast<unsigned>(entry->accounts.size()));
    for (unsigned i = 0; i < accounts.size(); ++i)
      accounts.set(i, entry->accounts[i].str().c_str());
    results.setCredits(
        static_cast<uint32_t>(client->credits > 0 ? client->credits : settings.credits));
    results.setServerVersion(settings.server_version.c_str());
    results.setSchemaVersion(wire::SCHEMA_VERSION);
    results.setDurability(to_wire(settings.durability));
    results.setSession(kj::mv(session));
    return kj::READY_NOW;
  });
}

// ---- server

Server::Server(EventLoop& loop, Ingress& ingress, FrontFailed failed, client::Listener listener,
               std::shared_ptr<client::TlsContext> tls)
    : loop_(loop),
      ingress_(ingress),
      failed_(std::move(failed)),
      listener_(listener),
      tls_(std::move(tls)),
      host_{loop, ingress, counters_.malformed,
            [this](const std::string& what) {
              bug_ = what;
              defer(&Server::report_bug);
            }},
      self_(std::make_shared<Server*>(this)),
      guest_(loop) {
  loop_.add_fd(listener_.fd, EPOLLIN, [this](uint32_t) { accept_ready(); });
  arm_sweep();
}

Server::~Server() noexcept {
  *self_ = nullptr;
  loop_.cancel(sweep_);
  loop_.remove_fd(listener_.fd);
  ::close(listener_.fd);
  connections_.clear();
  guest_.wind_down();
}

void Server::defer(void (Server::*step)()) {
  loop_.defer([self = self_, step] {
    if (*self != nullptr) ((*self)->*step)();
  });
}

void Server::report_bug() {
  if (failed_) std::exchange(failed_, nullptr)(bug_);
}

void Server::accept_ready() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const int fd = client::accept_from(listener_.fd);
    if (fd >= 0) {
      accept(fd);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // The listener stays readable for as long as nothing is free: look again at the next sweep.
      listening_ = false;
      loop_.modify_fd(listener_.fd, 0);
      return;
    }
  }
}

void Server::accept(int fd) {
  // The oldest stranger makes room: who opens a session at once gets in, however many only hold
  // connections open.
  std::size_t unauthenticated = 0;
  uint64_t oldest = 0;
  for (const auto& [id, connection] : connections_) {
    if (connection->authenticated() || connection->stream().closed()) continue;
    unauthenticated += 1;
    if (oldest == 0 || id < oldest) oldest = id;
  }
  if (unauthenticated >= settings().unauthenticated_max) {
    counters_.evicted += 1;
    connections_.at(oldest)->stream().close(CloseCause::kLogin, "others needed the place");
  }
  counters_.accepted += 1;
  auto transport = tls_ ? client::tls_server_transport(fd, tls_) : client::plain_transport(fd);
  const uint64_t id = ++last_id_;
  connections_.emplace(id, std::make_unique<Connection>(*this, id, std::move(transport)));
}

void Server::closed(uint64_t id, CloseCause cause) {
  counters_.closed[static_cast<std::size_t>(cause)] += 1;
  if (const auto found = connections_.find(id); found != connections_.end())
    counters_.messages += found->second->stream().messages_received();
  dead_.push_back(id);
  defer(&Server::reap);
}

void Server::reap() {
  for (const uint64_t id : std::exchange(dead_, {})) connections_.erase(id);
}

void Server::arm_sweep() {
  sweep_ = loop_.at(loop_.now() + kSweepEvery, [this] { sweep(); });
}

void Server::sweep() {
  arm_sweep();
  if (!std::exchange(listening_, true)) loop_.modify_fd(listener_.fd, EPOLLIN);
  const MonoTime now = loop_.turn_time();
  for (const auto& [id, connection] : connections_)
    if (!connection->stream().closed()) connection->sweep(now);
}

FrontCounters Server::counters() const {
  FrontCounters c = counters_;
  c.connections = connections_.size();
  for (const auto& [id, connection] : connections_) {
    c.unauthenticated += connection->authenticated() ? 0 : 1;
    if (!connection->stream().closed()) c.messages += connection->stream().messages_received();
  }
  return c;
}

}  // namespace

Result<std::unique_ptr<Front>> make_server(EventLoop& loop, Ingress& ingress, FrontFailed failed) {
  const Settings& settings = ingress.settings();
  auto address = client::parse_address(settings.listen);
  if (!address) return address.error();
  std::shared_ptr<client::TlsContext> tls;
  if (settings.tls) {
    auto context = client::TlsContext::server(*settings.tls);
    if (!context) return context.error();
    tls = context.value();
  }
  auto listener = client::listen_on(address.value());
  if (!listener) return listener.error();
  if (!listener.value().loopback && !tls) {
    ::close(listener.value().fd);
    return Error{ErrorCode::kInvalid,
                 "ingress: " + settings.listen +
                     " is reachable from other machines, so clients need certificates: "
                     "configure tls (certificate, key, client_ca) or listen on 127.0.0.1"};
  }
  return std::unique_ptr<Front>(
      std::make_unique<Server>(loop, ingress, std::move(failed), listener.value(), std::move(tls)));
}

}  // namespace holdfast::ingress
