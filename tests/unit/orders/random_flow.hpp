// Random order flow and a venue that answers it in any order of things that a venue may do, and a
// naive oracle: it adds up what the venue did, in plain maps, and knows nothing of states.
#pragma once

#include <map>
#include <random>

#include "tests/unit/orders/shard_fixture.hpp"

namespace holdfast::orders::testing {

class RandomFlow {
 public:
  RandomFlow(uint64_t seed) : random_(seed) {}

  uint64_t pick(uint64_t n) { return random_() % n; }
  bool one_in(uint64_t n) { return pick(n) == 0; }

  /// The next request of some client: mostly orders, some changes, some again, some nonsense.
  decltype(OrderRequest::body) next() {
    const Account account = kAccounts[pick(3)];
    const uint64_t kind = pick(20);
    if (kind < 10 || ids_.empty()) return new_order(account);
    const auto [owner, original] = ids_[pick(ids_.size())];
    const ClientOrderId id = fresh_id("c");
    if (kind < 14) return CancelOrder{owner, id, original, {}};
    if (kind < 18) {
      ids_.emplace_back(owner, id);
      return ReplaceOrder{owner, id, original, price(), quantity(), {}};
    }
    if (kind == 18) return again_;
    return MassCancel{account, id, one_in(2) ? Symbol("AAPL") : Symbol(), {}};
  }

 private:
  static constexpr const char* kAccounts[] = {"M1", "M2", "T1"};
  Price price() { return Price::from_units(static_cast<int64_t>(90 + pick(20)) * kScale); }
  Quantity quantity() { return q(static_cast<int64_t>(1 + pick(50))); }
  ClientOrderId fresh_id(const char* prefix) {
    return ClientOrderId(prefix + std::to_string(++last_id_));
  }
  NewOrder new_order(const Account& account) {
    NewOrder o;
    o.account = account;
    o.client_order_id = fresh_id("o");
    o.symbol = one_in(40) ? "NOPE" : one_in(2) ? "AAPL" : "MSFT";
    o.side = one_in(2) ? Side::kBuy : Side::kSell;
    o.time_in_force = one_in(6) ? TimeInForce::kImmediateOrCancel : TimeInForce::kDay;
    o.price = one_in(30) ? Price{} : price();
    o.quantity = one_in(30) ? q(-1) : quantity();
    o.attribution.algo = one_in(2) ? "a" : "b";
    ids_.emplace_back(account, o.client_order_id);
    again_ = o;
    return o;
  }

  std::mt19937_64 random_;
  uint64_t last_id_ = 0;
  std::vector<std::pair<Account, ClientOrderId>> ids_;
  decltype(OrderRequest::body) again_ = NewOrder{};
};

/// A venue with no prices and no queue: it fills, cancels, replaces and refuses at random, but
/// never contradicts itself. Its own books are the oracle.
class RandomVenue {
 public:
  struct Order {
    VenueRequest request;  // as last confirmed
    int64_t quantity = 0, filled = 0;
    __int128 notional = 0;
    bool open = false, known = false;
  };

  RandomVenue(RandomFlow& random) : random_(random) {}

  /// Takes the shard's items up to the last; pushes its answers to `out`.
  void take(const VenueRequest& r) { inbox_.push_back(r); }

  /// Does one thing, if there is anything to do.
  std::optional<VenueReport> next() {
    if (!inbox_.empty() && !random_.one_in(3)) {
      const VenueRequest r = inbox_.front();
      inbox_.pop_front();
      return answer(r);
    }
    if (orders_.empty()) return std::nullopt;
    auto it = orders_.begin();
    std::advance(it, static_cast<long>(random_.pick(orders_.size())));
    Order& o = it->second;
    if (!o.open) {
      // Sometimes it says again what it said.
      if (last_ && !last_->exec_id.empty() && random_.one_in(3)) {
        VenueReport again = *last_;
        again.possible_duplicate = true;
        again.drop_copy = random_.one_in(2);
        return again;
      }
      return std::nullopt;
    }
    if (random_.one_in(10)) return end(o, VenueReportKind::kExpired);
    if (random_.one_in(10)) return end(o, VenueReportKind::kCancelled);
    return fill(o);
  }

  bool idle() const { return inbox_.empty(); }
  const std::map<uint64_t, Order>& orders() const { return orders_; }

  /// Everything is ended, so that nothing stays open.
  std::optional<VenueReport> close() {
    if (!inbox_.empty()) {
      const VenueRequest r = inbox_.front();
      inbox_.pop_front();
      return answer(r);
    }
    for (auto& [id, o] : orders_)
      if (o.open) return end(o, VenueReportKind::kExpired);
    return std::nullopt;
  }

 private:
  VenueReport say(VenueReport r) {
    last_ = r;
    return r;
  }
  VenueReport report(const Order& o, VenueReportKind kind, const VenueRequest& about) {
    VenueReport r;
    r.kind = kind;
    r.order = o.request.order;
    r.wire = about.wire;
    r.original = about.original;
    r.venue_order_id = VenueOrderId("V" + std::to_string(o.request.order.value));
    r.trade_date = 20260105;
    r.side = o.request.side;
    r.symbol = o.request.symbol;
    r.cumulative_quantity = q(o.filled);
    if (kind != VenueReportKind::kCancelRejected) r.exec_id = ExecId("X" + std::to_string(++exec_));
    return r;
  }
  std::optional<VenueReport> answer(const VenueRequest& r) {
    Order& o = orders_[r.order.value];
    if (r.kind == VenueRequestKind::kNew) {
      CHECK(!o.known);  // an order twice
      o.known = true;
      o.request = r;
      o.quantity = r.quantity.units / kScale;
      if (random_.one_in(8)) return say(report(o, VenueReportKind::kRejected, r));
      o.open = true;
      return say(report(o, VenueReportKind::kAccepted, r));
    }
    CHECK(o.known);
    if (!o.open || random_.one_in(6)) return say(report(o, VenueReportKind::kCancelRejected, r));
    CHECK(r.original == o.request.wire);  // the chain of ClOrdIDs
    if (r.kind == VenueRequestKind::kCancel) {
      o.open = false;
      return say(report(o, VenueReportKind::kCancelled, r));
    }
    o.request.wire = r.wire;
    o.quantity = std::max(o.filled, r.quantity.units / kScale);
    if (o.quantity == o.filled) o.open = false;
    VenueReport replaced = report(o, VenueReportKind::kReplaced, r);
    replaced.price = r.price;
    replaced.quantity = r.quantity;
    return say(replaced);
  }
  VenueReport end(Order& o, VenueReportKind kind) {
    o.open = false;
    return say(report(o, kind, o.request));
  }
  VenueReport fill(Order& o) {
    const int64_t left = o.quantity - o.filled;
    const int64_t n = 1 + static_cast<int64_t>(random_.pick(static_cast<uint64_t>(left)));
    const int64_t at = 90 + static_cast<int64_t>(random_.pick(20));
    o.filled += n;
    o.notional += static_cast<__int128>(n) * at;
    if (o.filled == o.quantity) o.open = false;
    VenueReport r = report(o, VenueReportKind::kFill, o.request);
    r.last_quantity = q(n);
    r.last_price = p(at);
    return say(r);
  }

  RandomFlow& random_;
  std::deque<VenueRequest> inbox_;
  std::map<uint64_t, Order> orders_;
  std::optional<VenueReport> last_;
  uint64_t exec_ = 0;
};

}  // namespace holdfast::orders::testing
