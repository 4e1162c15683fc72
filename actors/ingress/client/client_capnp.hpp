// Client: order entry for C++ programs. It hides the RPC library, keeps one connection to a node
// alive, sends again what was not answered (the same client order id is never a second order) and
// resumes report streams from the last sequence seen, so a node may be killed and restarted under
// it and nothing is missed. It keeps no orders and makes no decisions.
//
// Threads. Everything runs on the thread that drives the Loop: either you call `poll` from your own
// loop (lowest latency: no thread is woken), or a thread of yours sits in `run` and others hand it
// work by `post`. Callbacks come on that thread, from inside `poll` or `run`, and may call the
// Client. One Loop a thread at a time; any number of Clients on it. Except for `post` and `stop`
// nothing here is thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/ingress/client/request_book.hpp"
#include "actors/ingress/client/transport.hpp"
#include "messages/order_entry.hpp"

namespace holdfast::client {

/// Drives the connections of one thread.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Does what is ready, waiting at most `wait` for something (zero: does not wait). Sends what was
  /// submitted since the last call.
  void poll(Duration wait = {});
  /// Polls until `stop`.
  void run();
  /// Any thread: `run` returns; a waiting `poll` does too.
  void stop();
  /// Any thread: runs `work` on the loop's thread.
  void post(std::function<void()> work);
  /// The monotonic clock, read now.
  MonoTime now() const;

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// The order, or why not: kNotFound (there is none), kDenied, kInvalid.
using OnView = std::function<void(const Result<OrderView>&)>;
/// Reports in order, without gaps and without repetition.
using OnReports = std::function<void(std::span<const ExecutionReport>)>;
/// The stream goes on at `resumed`: what lay between is no longer kept. Query the orders concerned.
using OnGap = std::function<void(const Account&, ReportSeq expected, ReportSeq resumed)>;
/// The node will not send the account's reports to this client (kNotPermitted, kMalformed).
using OnRefused = std::function<void(const Account&, Reason, const std::string& text)>;

enum class ClientState : uint8_t {
  kConnecting,  // trying, for as long as it takes
  kOpen,        // a session is open
  kRefused,     // the node refuses this client for good: credential or schema; it stops trying
  kClosed,      // by `logout`
};
std::string_view name_of(ClientState state);

struct ClientOptions {
  /// "127.0.0.1:7001", "[::1]:7001" or "unix:/path"; or several of a cluster's nodes, with commas
  /// between: they are tried in turn, and one that does not lead says which does.
  std::string address;
  std::string client_id;   // as the operator named you
  std::string credential;  // 64 hexadecimal digits
  /// Accounts that this session is for; empty: all of the client's. In a cluster accounts of
  /// different shards may be led by different nodes: a client that has such takes a Client for
  /// each.
  std::vector<Account> only_for;
  std::optional<TlsFiles> tls;
  std::string tls_server_name;  // on the server's certificate; empty: the address's host
  Duration connect_retry = Duration::milliseconds(2);    // between rounds of attempts
  Duration attempt_limit = Duration::milliseconds(500);  // for one attempt, session included
  Duration ask_again_after = Duration::milliseconds(5);  // after "not serving, ask again"
  Duration heartbeat = Duration::seconds(5);             // when nothing else is sent
  Duration silence_limit = Duration::seconds(15);        // then the connection is taken for dead
  /// With several addresses: an answer that is due for so long while nothing else is heard makes
  /// the client try the next node.
  Duration doubt_limit = Duration::milliseconds(250);
  /// Requests made in one turn of the loop travel as one batch of at most this many. 1: each alone.
  std::size_t batch_max = 64;
  /// Requests that are held for an answer; more are refused at once with kFull.
  std::size_t requests_max = 65'536;
  /// Sends no more than the server's credits allow and holds back the rest. False: sends at once,
  /// and an answer of kOutOfCredits reaches you.
  bool respect_credits = true;
};

/// Counts since the client was made.
struct ClientStats {
  uint64_t connects = 0;          // sessions opened
  uint64_t requests = 0;          // made by you
  uint64_t sent = 0;              // to the server, those sent again included
  uint64_t sent_again = 0;        // after a reconnect or "ask again"
  uint64_t answers = 0;           // given to you
  uint64_t batches = 0;           // calls that carried more than one request
  uint64_t reports = 0;           // given to you
  uint64_t reports_repeated = 0;  // dropped: seen before
  uint64_t subscriptions_resumed = 0;
  uint64_t led_elsewhere = 0;  // times that a node said that it does not lead
  uint64_t malformed = 0;      // answers that could not be decoded
};

/// One client's session, kept open. Destroy it before its Loop; what is unanswered then stays
/// unanswered.
class Client {
 public:
  /// Starts to connect. Nothing blocks; look at `state` or hear of it by `on_state`. kInvalid: the
  /// options are wrong.
  static Result<std::unique_ptr<Client>> connect(Loop& loop, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ClientState state() const;
  /// In words: why it is not open, for kConnecting and kRefused.
  const std::string& state_text() const;
  /// Hears of every change of state.
  void on_state(std::function<void(ClientState, const std::string&)> callback);
  /// Polls the loop until the session is open. kUnavailable: not within `limit`; kDenied: refused.
  Result<> wait_open(Duration limit);

  /// Sends a request; `on_answer` comes exactly once, however often the connection breaks, unless
  /// the client is destroyed. An answer of kNotServing never reaches you: the request is sent
  /// again.
  void submit(RequestBody request, OnAnswer on_answer);
  /// One order as it stands. Asked again after a reconnect.
  void query(const Account& account, const ClientOrderId& order, OnView on_view);
  /// Reports of `account` from `from` on (1: all that are kept), for as long as the client lives.
  /// Subscribing again replaces the callbacks and starts over.
  void subscribe(const Account& account, ReportSeq from, OnReports on_reports, OnGap on_gap = {},
                 OnRefused on_refused = {});
  void unsubscribe(const Account& account);
  /// Sequence of the last report seen of the account, 0 when none. What to resume from after a
  /// restart of your own program is this plus one.
  ReportSeq last_report(const Account& account) const;

  /// Requests not answered yet.
  std::size_t unanswered() const;
  /// The address of the session, or of the last attempt.
  const std::string& address() const;
  /// Accounts and durability as the server named them at the last open.
  const std::vector<Account>& accounts() const;
  Durability durability() const;
  ClientStats stats() const;

  /// Ends the session in order and stops reconnecting. Unanswered requests are answered with
  /// kNotServing: their outcome is known to the node only.
  void logout();
  /// Cuts the connection as a failing network would; the client reconnects. For tests and drills.
  void cut();

  class Impl;

 private:
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::client
