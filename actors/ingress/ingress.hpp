// Ingress: sessions, credits, requests under way, report subscriptions. Pure: the RPC server and
// the actor are its two sides, both behind an interface, and time comes as an argument. It decides
// who may send what and how much, collects the requests of a turn into one batch a shard, and sees
// to it that every admitted request is answered once, by the shard or, past its deadline, with "ask
// again". It holds no orders and deduplicates nothing: that is the shard's, and survives this
// object.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "actors/ingress/settings.hpp"
#include "messages/order_entry.hpp"

namespace holdfast::ingress {

using RequestBody = decltype(OrderRequest::body);

/// What the ingress sends to order shards. Nothing of it is answered inside the call.
class ShardLink {
 public:
  virtual ~ShardLink() = default;
  virtual void send(uint32_t shard, OrderRequestBatch batch) = 0;
  virtual void send(uint32_t shard, const OrderQuery& query) = 0;
  virtual void send(uint32_t shard, const SubscribeReports& subscribe) = 0;
  virtual void send(uint32_t shard, const UnsubscribeReports& unsubscribe) = 0;
  /// Something waits for Ingress::flush: call it at the end of the turn.
  virtual void flush_at_turn_end() = 0;
};

/// What the answer to a subscribe says; `reason` is kNone when it is in force.
struct Subscribed {
  Reason reason = Reason::kNone;
  std::string text;
  ReportSeq first_kept, last;
};

/// What one client's session hears. May not call back into the Ingress from inside these.
class ClientLink {
 public:
  virtual ~ClientLink() = default;
  virtual void on_reply(uint64_t request, const OrderReply& reply, uint32_t credits_left) = 0;
  virtual void on_view(uint64_t request, const OrderQueryReply& view, uint32_t credits_left) = 0;
  virtual void on_subscribed(const Account& account, const Subscribed& answer) = 0;
  /// At most kReportBatchMax, in order. Ingress::acknowledge when the client has taken them.
  virtual void on_reports(const Account& account,
                          std::span<const ExecutionReport* const> reports) = 0;
  virtual void on_ended(const Account& account, Reason reason, const std::string& text,
                        ReportSeq last_sent) = 0;
  /// The node leads nothing any more for the session's accounts: the client is to go to `leader`
  /// ("" when it is not known). The session answers nothing from here on but "ask again".
  virtual void on_not_leading(const std::string& leader) = 0;
};

/// Counts since the start, and what is now.
struct Counters {
  uint64_t sessions = 0, subscriptions = 0, in_flight = 0, report_backlog = 0;  // now
  uint64_t sessions_opened = 0;
  uint64_t requests = 0;  // admitted
  uint64_t queries = 0;
  uint64_t replies = 0;          // of shards
  uint64_t replies_dropped = 0;  // their session was gone
  uint64_t refused_credits = 0;
  uint64_t refused_permission = 0;
  uint64_t refused_not_serving = 0;
  uint64_t answered_by_deadline = 0;
  uint64_t reports_sent = 0;
  uint64_t subscribers_cut_off = 0;
  uint64_t sessions_led_away = 0;  // ended because another node leads
};

/// Either the number under which the answer comes, or the answer itself.
struct Admission {
  uint64_t request = 0;
  std::optional<OrderReply> refused;
};

class Ingress {
 public:
  /// `shards` must outlive this object. Session ids start above `first_session`: hand in something
  /// that grows with each incarnation, so that a late reply never meets another session.
  Ingress(const Settings& settings, ShardLink& shards, SessionId first_session);

  // ---- sessions
  /// Opens a session for a client that has proved who it is; `link` is used until close. kFull:
  /// there are too many.
  Result<SessionId> open(const ClientEntry& client, ClientLink& link);
  /// Ends a session; what it has under way is still decided, but nobody is told. Unknown ids are
  /// ignored.
  void close(SessionId session);

  // ---- requests
  /// True when `count` requests may be admitted together now.
  bool has_credits(SessionId session, std::size_t count) const;
  uint32_t credits_left(SessionId session) const;
  /// Takes a credit and puts the request into the turn's batch, or says why not.
  Admission admit(SessionId session, RequestBody body, MonoTime now);
  /// The refusal of a request that the credits do not suffice for, counted.
  Admission refuse_for_credits();
  /// As admit, for a query; the refusal's reason is what matters.
  Admission query(SessionId session, const Account& account, const ClientOrderId& order,
                  MonoTime now);

  // ---- reports
  /// Subscribes, or subscribes anew; the answer comes by on_subscribed, refusals too.
  void subscribe(SessionId session, const Account& account, ReportSeq from);
  void unsubscribe(SessionId session, const Account& account);
  /// The client has taken one on_reports. Ignored when the subscription is gone.
  void acknowledge(SessionId session, const Account& account);

  // ---- from the shards
  void on_replies(const std::vector<OrderReply>& replies);
  void on_view(const OrderQueryReply& view);
  void on_subscribed(const ReportsSubscribed& subscribed);
  void on_reports(const ReportsForSession& reports);
  /// A shard serves (again): what it had been asked and not answered is answered with "ask again",
  /// and subscriptions are made anew from where they stand.
  void shard_up(uint32_t shard);
  /// A shard has gone: its requests are answered as above, and new ones refused until it is up.
  void shard_down(uint32_t shard);

  /// Whether this node leads the shard, and where order entry of the one that does is ("" when not
  /// known). A shard is led here until told otherwise. On losing it: requests are answered with
  /// "ask again", new ones refused, and sessions for whose accounts nothing is led here any more
  /// hear on_not_leading.
  void lead(uint32_t shard, bool here, const std::string& leader);
  /// Where a client is to go for whose accounts nothing is led here ("" when not known); nothing:
  /// it may stay.
  std::optional<std::string> led_elsewhere(const ClientEntry& client) const;

  /// Asks again for subscriptions that a shard has left unanswered since the last call: a shard
  /// that recovers does not hear them. Every now and then.
  void ask_again();

  // ---- the turn and time
  /// Sends what the turn has collected. At the end of the turn.
  void flush();
  /// Answers what is past its deadline. Call it at `next_deadline` or later.
  void expire(MonoTime now);
  std::optional<MonoTime> next_deadline() const;

  /// While stopped new orders and replaces are refused with kNotServing; what only takes risk away
  /// (cancels) and what only asks goes on.
  void stop_intake(bool stopped) { intake_stopped_ = stopped; }

  Counters counters() const;
  const Settings& settings() const { return settings_; }

 private:
  struct Piece {
    ExecutionReportBatch reports;
    std::size_t at = 0;  // first unsent
  };
  struct Subscription {
    enum class State : uint8_t { kAsked, kLive, kPaused };
    uint32_t shard = 0;
    State state = State::kAsked;
    bool answered = false;    // the client has heard that it is in force
    bool overdue = false;     // was still kAsked at the last ask_again
    ReportSeq expected;       // next from the shard
    ReportSeq asked_from;     // by the client
    ReportSeq last_at_start;  // up to here the client is catching up
    ReportSeq last_sent;
    std::deque<Piece> backlog;
    std::size_t waiting = 0;  // reports in the backlog
    std::size_t callbacks = 0;
    bool dirty = false;
  };
  struct Pending {
    uint32_t shard = 0;
    bool query = false;
  };
  struct Session {
    const ClientEntry* client = nullptr;
    ClientLink* link = nullptr;
    std::size_t credits = 0;
    uint64_t last_request = 0;
    std::unordered_map<uint64_t, Pending> pending;
    std::map<Account, Subscription> subscriptions;
  };
  struct Shard {
    bool up = true;     // there is an actor
    bool leads = true;  // it leads its group
    std::string leader;
    bool serves() const { return up && leads; }
    std::size_t in_flight = 0;
    std::vector<OrderRequest> batch;
  };
  struct Due {
    MonoTime when;
    RequestTicket ticket;
  };

  Session* find(SessionId session);
  const Session* find(SessionId session) const;
  Subscription* find(SessionId session, const Account& account);
  uint32_t credits_left(const Session& session, const Shard& shard) const;
  std::optional<OrderReply> refusal(const Session& session, const Account& account,
                                    const Shard& shard, bool adds_risk);
  RequestTicket start(SessionId id, Session& session, uint32_t shard, bool query, MonoTime now);
  /// Takes the request off the books; nothing when it was not on them.
  std::optional<Pending> finish(Session& session, uint64_t request);
  void answer_not_serving(RequestTicket ticket, std::string_view text);
  void fail_pending(uint32_t shard);
  void drop_answered();
  void need_flush();
  void pump(SessionId id, const Account& account, Session& session, Subscription& subscription);
  void ask_shard(SessionId id, const Account& account, Subscription& subscription);
  void end(SessionId id, const Account& account, Reason reason, const std::string& text);
  bool permitted(const Session& session, const Account& account) const;

  const Settings settings_;
  ShardLink& links_;
  uint64_t last_session_;
  std::vector<Shard> shards_;
  std::unordered_map<SessionId, Session> sessions_;
  std::deque<Due> due_;
  std::vector<std::pair<SessionId, Account>> dirty_;
  std::vector<const ExecutionReport*> scratch_;
  bool flush_asked_ = false;
  bool intake_stopped_ = false;
  Counters counters_;
};

}  // namespace holdfast::ingress
