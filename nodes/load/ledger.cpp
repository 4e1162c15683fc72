#include "nodes/load/ledger.hpp"

namespace holdfast::load {

namespace {

constexpr std::size_t kFindingsMax = 50;

/// True when an order told to be in `before` may not be told to be in `after` without
/// contradicting.
bool excludes(OrderState before, OrderState after) {
  if (!is_terminal(before) || before == after) return false;
  // A fill that crossed a cancel on its way is booked late and told; everything else is final.
  return !(before == OrderState::kCancelled && after == OrderState::kFilled);
}

/// One order by the venue's record.
struct AtVenue {
  uint64_t accepted = 0;
  bool cancelled = false, expired = false;
  Quantity cumulative, ordered;
};
using VenueOrders = std::unordered_map<std::string, AtVenue>;  // by account/client order id

class Judge {
 public:
  explicit Judge(Verdict& verdict) : verdict_(verdict) {}

  void finding(const std::string& text) {
    if (verdict_.findings.size() < kFindingsMax) verdict_.findings.push_back(text);
  }
  void duplicated(const std::string& text) {
    verdict_.duplicated += 1;
    finding(text);
  }

  VenueOrders read(const std::vector<VenueFact>& record) {
    VenueOrders orders;
    std::unordered_map<std::string, uint64_t> accepted, executions;
    for (const VenueFact& fact : record) {
      AtVenue& order = orders[fact.account + "/" + fact.client_order_id];
      if (fact.type == "accepted") {
        order.accepted += 1;
        order.ordered = fact.quantity;
        if (++accepted[fact.session + "/" + fact.clordid] > 1)
          duplicated("ClOrdID " + fact.clordid + " was accepted twice by the venue");
        else if (order.accepted > 1)
          duplicated("order " + fact.account + "/" + fact.client_order_id +
                     " was accepted twice, as " + fact.clordid);
      } else if (fact.type == "duplicate_clordid") {
        duplicated("ClOrdID " + fact.clordid + " was sent twice; the venue refused the second");
      } else if (fact.type == "fill") {
        order.cumulative = fact.cumulative;
        if (++executions[fact.exec_id + "/" + fact.clordid] > 1)
          duplicated("execution " + fact.exec_id + " was booked twice by the venue");
      } else if (fact.type == "replaced") {
        order.ordered = fact.quantity;
      } else if (fact.type == "cancelled") {
        order.cancelled = true;
      } else if (fact.type == "expired") {
        order.expired = true;
      }
    }
    return orders;
  }

 private:
  Verdict& verdict_;
};

}  // namespace

void Ledger::sent(const NewOrder& order) {
  Told told;
  told.ordered = order.quantity;
  orders_.emplace(Key{order.account, order.client_order_id}, told);
}

void Ledger::settle(Told& told, OrderState state) {
  if (excludes(told.state, state)) {
    // An older state after a newer one is news from a slower path, unless it is terminal too.
    if (is_terminal(state)) told.contradictions += 1;
    return;
  }
  if (!is_terminal(told.state) && is_terminal(state)) terminal_ += 1;
  told.state = state;
}

void Ledger::replied(const Account& account, const ClientOrderId& id, const OrderReply& reply) {
  const auto it = orders_.find({account, id});
  if (it == orders_.end()) return;
  Told& told = it->second;
  if (told.replied && told.accepted != reply.accepted) told.contradictions += 1;
  if (!told.replied) replied_ += 1;
  told.replied = true;
  told.accepted = reply.accepted;
  if (reply.accepted) return;  // what the order came to is told by reports
  told.reason = reply.reason;
  settle(told, is_terminal(reply.state) ? reply.state : OrderState::kRejected);
}

void Ledger::request_replied(const OrderReply& reply) {
  if (reply.accepted) return;
  requests_refused_ += 1;
  requests_refused_by_reason_[std::string(name_of(reply.reason))] += 1;
}

void Ledger::reported(const ExecutionReport& report) {
  auto& last = last_report_[report.account];
  if (report.sequence <= last) return;  // seen before a reconnect
  last = report.sequence;
  if (report.type == ExecType::kCancelRejected) {
    requests_refused_ += 1;
    requests_refused_by_reason_[std::string(name_of(report.reason))] += 1;
  }
  const bool by_original = !report.original.empty();
  auto it = orders_.find({report.account, by_original ? report.original : report.client_order_id});
  if (it == orders_.end()) return;
  Told& told = it->second;
  if (report.type == ExecType::kTrade) {
    const auto key = report.account.str() + "/" + std::to_string(report.order.value) + "/" +
                     report.exec_id.str();
    if (++executions_[key] > 1) told.executions_repeated += 1;
  }
  told.cumulative = report.cumulative_quantity;
  if (report.quantity.positive()) told.ordered = report.quantity;
  if (report.type == ExecType::kRejected || report.type == ExecType::kNotSent)
    told.reason = report.reason;
  settle(told, report.state);
}

void Ledger::queried(const Account& account, const ClientOrderId& id, OrderState state,
                     Quantity cumulative) {
  const auto it = orders_.find({account, id});
  if (it == orders_.end()) return;
  Told& told = it->second;
  if (!told.replied) {
    replied_ += 1;
    told.replied = true;
    told.accepted = state != OrderState::kBlocked && state != OrderState::kRejected;
  }
  told.cumulative = cumulative;
  settle(told, state);
}

std::vector<std::pair<Account, ClientOrderId>> Ledger::unsettled() const {
  std::vector<std::pair<Account, ClientOrderId>> list;
  for (const auto& [key, told] : orders_)
    if (!told.replied || !is_terminal(told.state)) list.emplace_back(key.account, key.id);
  return list;
}

uint64_t Ledger::in_doubt() const {
  uint64_t doubt = 0;
  for (const auto& [key, told] : orders_) {
    const bool rests =
        told.state == OrderState::kAccepted || told.state == OrderState::kPartiallyFilled;
    if (!told.replied || (!is_terminal(told.state) && !rests)) doubt += 1;
  }
  return doubt;
}

Verdict Ledger::judge(const std::vector<VenueFact>& record) const {
  Verdict verdict;
  Judge judge(verdict);
  const VenueOrders at_venue = judge.read(record);
  for (const auto& [key, told] : orders_) {
    const std::string name = key.account.str() + "/" + key.id.str();
    const auto found = at_venue.find(name);
    const AtVenue venue = found == at_venue.end() ? AtVenue{} : found->second;
    verdict.sent += 1;
    if (told.replied && told.accepted) verdict.acked += 1;
    if (told.contradictions) {
      verdict.contradicted += 1;
      judge.finding("order " + name + " was told two outcomes that exclude each other");
    }
    if (told.executions_repeated)
      judge.duplicated("order " + name + " was told one execution twice");
    const bool there = venue.accepted > 0;
    const bool agrees = venue.cumulative == told.cumulative;
    const auto count = [&](uint64_t& bucket, bool borne_out) {
      if (borne_out) {
        bucket += 1;
        return;
      }
      verdict.lost += 1;
      judge.finding(
          "order " + name + " is lost: told " + std::string(name_of(told.state)) + " with " +
          told.cumulative.str() + " of " + told.ordered.str() + " filled; the venue " +
          (there ? "has " + venue.cumulative.str() + " of " + venue.ordered.str() + " filled" +
                       (venue.cancelled ? ", cancelled"
                        : venue.expired ? ", expired"
                                        : ", not cancelled")
                 : "never accepted it"));
    };
    switch (told.state) {
      case OrderState::kFilled:
        count(verdict.filled, there && agrees && told.cumulative == told.ordered);
        break;
      case OrderState::kCancelled:
        count(verdict.cancelled, there && agrees && venue.cancelled);
        break;
      case OrderState::kExpired:
        count(verdict.expired, there && agrees && venue.expired);
        break;
      case OrderState::kNotSent:
        count(verdict.not_sent, !there);
        break;
      case OrderState::kBlocked:
      case OrderState::kRejected:
        count(verdict.rejected, !there);
        verdict.rejected_by_reason[std::string(name_of(told.reason))] += 1;
        break;
      case OrderState::kAccepted:
      case OrderState::kPartiallyFilled:
      case OrderState::kPendingCancel:
      case OrderState::kPendingReplace:
        count(verdict.open, there && agrees && !venue.cancelled && !venue.expired);
        break;
      default:
        verdict.unknown += 1;
        judge.finding("order " + name + " is unknown: last told " +
                      std::string(name_of(told.state)));
    }
  }
  verdict.requests_refused = requests_refused_;
  verdict.requests_refused_by_reason = requests_refused_by_reason_;
  return verdict;
}

}  // namespace holdfast::load
