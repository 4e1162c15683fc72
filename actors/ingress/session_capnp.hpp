// One client's session as Cap'n Proto sees it: decodes calls for the Ingress, keeps each call's
// answer open until the Ingress has it, and feeds the client's report sinks. All on the loop's
// thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "actors/ingress/ingress.hpp"
#include "messages/codecs/order_entry_capnp.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::ingress {

/// What a session needs of the server around it.
struct SessionHost {
  EventLoop& loop;
  Ingress& ingress;
  uint64_t& malformed;  // counter
  /// Hears of a failed CHECK; the call that met it gets an error.
  std::function<void(const std::string&)> bug;
};

/// Runs a call's work; a failed CHECK is told to the host before the caller gets its error.
template <typename F>
auto guarded(const SessionHost& host, F&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const CheckFailed& e) {
    host.bug(e.what());
    throw;
  }
}

/// The Session capability. Lives until the client drops it and its last call is answered; ends its
/// session at the Ingress when it dies, or before by `detach`.
class SessionServer final : public wire::Session::Server, public ClientLink {
 public:
  SessionServer(SessionHost& host, std::function<void()> ended);
  ~SessionServer() noexcept override;

  /// Opens the session at the Ingress. Once. `client` must not change any more.
  Result<SessionId> open(std::shared_ptr<const ClientEntry> client);
  /// Ends the session now, for a connection that is gone: open calls are broken off.
  void detach();
  bool open() const { return static_cast<bool>(id_); }
  /// When the client was told to go to another node; nothing: it was not.
  std::optional<MonoTime> led_away() const { return led_away_; }

  // -- wire::Session::Server
  kj::Promise<void> submit(SubmitContext context) override;
  kj::Promise<void> submitBatch(SubmitBatchContext context) override;
  kj::Promise<void> cancel(CancelContext context) override;
  kj::Promise<void> replace(ReplaceContext context) override;
  kj::Promise<void> massCancel(MassCancelContext context) override;
  kj::Promise<void> query(QueryContext context) override;
  kj::Promise<void> subscribe(SubscribeContext context) override;
  kj::Promise<void> heartbeat(HeartbeatContext context) override;
  kj::Promise<void> logout(LogoutContext context) override;
  kj::Promise<void> ended(EndedContext context) override;

  // -- ClientLink
  void on_reply(uint64_t request, const OrderReply& reply, uint32_t credits_left) override;
  void on_view(uint64_t request, const OrderQueryReply& view, uint32_t credits_left) override;
  void on_subscribed(const Account& account, const Subscribed& answer) override;
  void on_reports(const Account& account, std::span<const ExecutionReport* const> reports) override;
  void on_ended(const Account& account, Reason reason, const std::string& text,
                ReportSeq last_sent) override;
  void on_not_leading(const std::string& leader) override;

 private:
  using Done = kj::Own<kj::PromiseFulfiller<void>>;
  struct Batch {
    std::size_t open = 0;
    Done done;
  };
  /// A call that waits for its answer; a batch's calls share one end.
  struct Call {
    wire::Outcome::Builder outcome;
    Done done;
    std::shared_ptr<Batch> batch;
  };
  struct Query {
    wire::Session::QueryResults::Builder results;
    Done done;
  };
  struct Sink {
    wire::ReportSink::Client client;
    uint64_t generation = 0;
    kj::Maybe<wire::Session::SubscribeResults::Builder> results;  // while not answered
    Done done;
  };
  class Handle;  // the Subscription capability

  template <typename Context, typename Body>
  kj::Promise<void> single(Context context, Result<Body> decoded);
  void malformed(const Error& error, wire::Outcome::Builder outcome);
  void drop_sink(const Account& account, uint64_t generation);
  void sink_failed(const Account& account, uint64_t generation, kj::Exception&& error);

  SessionHost& host_;
  std::function<void()> ended_;
  SessionId id_;
  std::shared_ptr<const ClientEntry> client_;
  std::optional<MonoTime> led_away_;
  std::string leader_;
  Done end_;  // a call of `ended` that waits
  std::unordered_map<uint64_t, Call> calls_;
  std::unordered_map<uint64_t, Query> queries_;
  std::map<Account, Sink> sinks_;
  uint64_t generations_ = 0;
  std::shared_ptr<SessionServer*> self_;  // for what may outlive the session; null once it is gone
  struct Ignore final : kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {}  // sink_failed has heard it
  } ignore_;
  kj::Own<kj::TaskSet> tasks_;
};

}  // namespace holdfast::ingress
