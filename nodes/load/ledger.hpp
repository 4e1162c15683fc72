// What the client was told about each of its orders, and the judgement at the end: a partition of
// all client order ids by final state, checked order by order against the venue's own record. Pure;
// it shares nothing with the order manager, so that a mistake there is not repeated here.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "messages/execution.hpp"

namespace holdfast::load {

/// One fact of the venue's record.
struct VenueFact {
  std::string type;  // accepted, rejected, fill, cancelled, replaced, expired, duplicate_clordid, …
  std::string session;
  std::string clordid;  // ClOrdID (11) as the venue saw it
  std::string account;
  std::string client_order_id;  // SecondaryClOrdID (526)
  std::string exec_id;
  Quantity quantity, cumulative;
};

/// The sums of a run. sent = filled + cancelled + expired + rejected + open + not_sent + unknown +
/// lost.
struct Verdict {
  uint64_t sent = 0, acked = 0;
  uint64_t filled = 0, cancelled = 0, expired = 0, rejected = 0, open = 0, not_sent = 0,
           unknown = 0, lost = 0;
  uint64_t duplicated = 0;  // a ClOrdID accepted twice by the venue, or one execution booked twice
  uint64_t contradicted = 0;      // told two outcomes that exclude each other
  uint64_t requests_refused = 0;  // cancels and replaces that were refused
  std::map<std::string, uint64_t> rejected_by_reason, requests_refused_by_reason;
  std::vector<std::string> findings;  // in words, bounded
  /// Requests of the flow that were never sent, because answers did not come any more.
  uint64_t unfinished = 0;
  bool clean() const {
    return lost == 0 && duplicated == 0 && contradicted == 0 && unknown == 0 && unfinished == 0;
  }
};

class Ledger {
 public:
  /// A new order was given to the client library.
  void sent(const NewOrder& order);
  /// The reply to a new order. Every reply counts, repeated ones too: they must agree.
  void replied(const Account& account, const ClientOrderId& id, const OrderReply& reply);
  /// The reply to a cancel or replace.
  void request_replied(const OrderReply& reply);
  /// An execution report of an account's stream; repeated sequences (after a resume) count once.
  void reported(const ExecutionReport& report);
  /// How the order stands by a query at the end; settles orders whose reply was not seen.
  void queried(const Account& account, const ClientOrderId& id, OrderState state,
               Quantity cumulative);

  uint64_t count() const { return orders_.size(); }
  uint64_t replied_count() const { return replied_; }
  uint64_t terminal_count() const { return terminal_; }
  /// Orders without a reply or without a terminal state, for the final queries.
  std::vector<std::pair<Account, ClientOrderId>> unsettled() const;
  /// Orders that are neither terminal nor known to rest at the venue: the flow is not quiet yet.
  uint64_t in_doubt() const;

  /// Judges everything told against the venue's record.
  Verdict judge(const std::vector<VenueFact>& record) const;

 private:
  struct Told {
    bool replied = false, accepted = false;
    Reason reason = Reason::kNone;
    OrderState state = OrderState::kNew;
    Quantity ordered, cumulative;
    uint32_t contradictions = 0, executions_repeated = 0;
  };
  struct Key {
    Account account;
    ClientOrderId id;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return std::hash<Account>{}(key.account) * 31 + std::hash<ClientOrderId>{}(key.id);
    }
  };
  void settle(Told& told, OrderState state);

  std::unordered_map<Key, Told, KeyHash> orders_;
  std::unordered_map<std::string, uint64_t>
      executions_;  // account/order/ExecID: times told as a trade
  std::unordered_map<Account, ReportSeq> last_report_;
  std::map<std::string, uint64_t> requests_refused_by_reason_;
  uint64_t requests_refused_ = 0, replied_ = 0, terminal_ = 0;
};

}  // namespace holdfast::load
