// An order shard as a replicated core: orders, then risk, then routing, for the accounts that hash
// to it. Submit runs the whole sequence in one decision (the simulator, and the oracle of tests);
// Admit takes the verdicts of the risk and routing actors, where the node cuts the sequence at its
// two hops. Both make the same events. Once an order is routed only its venue group's answer ends
// it. No clock, I/O, randomness or configuration inside.
#pragma once

#include <deque>
#include <unordered_map>

#include "actors/orders/order_book_of_record.hpp"
#include "actors/orders/shard/shard_events.hpp"
#include "actors/risk/state.hpp"
#include "supervision/replication/core.hpp"
#include "supervision/replication/outbox.hpp"

namespace holdfast::orders {

/// What a shard owes to and has heard from one venue group.
struct VenueLink {
  VenueName name;
  GroupId group;
  uint32_t in_flight_max = 0;
  uint32_t unanswered = 0;  // new orders that the venue has not answered
  replication::Outbox<VenueRequest> outbox;
  replication::InboxCursor inbox;
};

/// A mass cancel or kill on its way through the open orders.
struct Sweep {
  bool is_kill = false;
  KillSwitch kill;
  Ref request = 0;  // the mass cancel's record
  Account account;
  std::deque<Ref> left;  // by account, then by rising number
  uint64_t orders = 0, cancelled = 0, pending = 0, refused = 0;
  Index index;                   // where it was journaled
  RequestTicket ticket;          // known only where it was asked
  uint64_t operator_ticket = 0;  // as well
};

/// What went on, counted over the shard's life.
struct ShardCounters {
  uint64_t admitted = 0, refused = 0;
  uint64_t anomalies = 0, late_fills = 0, overfills = 0, unsolicited = 0;
  uint64_t duplicate_reports = 0, orphan_reports = 0;
  uint64_t refused_risk_unavailable = 0, refused_deadline = 0;
  friend bool operator==(const ShardCounters&, const ShardCounters&) = default;
};

struct ShardState {
  ShardState();
  ShardState(ShardState&&) noexcept = default;
  ShardState& operator=(ShardState&&) noexcept = default;

  OrderBookOfRecord book;
  risk::RiskState risk;
  std::vector<VenueLink> links;
  std::vector<VenueName> venue_names;  // of links
  std::deque<Sweep> sweeps;
  ShardCounters counters;
  uint64_t unknown = 0;  // orders whose outcome is not known
  uint64_t reference_version = 0;
  std::shared_ptr<const ReferenceData> reference;
  replication::Position last;  // of the last applied event

  // Derived from `reference`.
  std::unordered_map<Symbol, std::size_t> instruments;

  /// What the event just applied led to, for effects(). Not part of the state proper.
  struct Fresh {
    std::vector<std::pair<Ref, ReportSeq>> reports;
    std::vector<DeliverEffect> deliveries;
    std::vector<RiskEffect> risk;
    std::vector<AnomalyEffect> anomalies;
    std::vector<Sweep> swept;  // finished
    void clear();
  } fresh;
  uint64_t risk_deltas = 0;  // numbers RiskEffects of this process

  const Instrument* instrument(const Symbol& symbol) const;
  VenueLink* link(GroupId group);
  const VenueLink* link(GroupId group) const;
  /// Of the venue that the order was handed to; CHECKs that there is one.
  VenueLink& link_of(const OrderRecord& order) {
    CHECK(order.venue >= 1 && order.venue <= links.size());
    return links[order.venue - 1u];
  }
  const VenueLink& link_of(const OrderRecord& order) const {
    return const_cast<ShardState*>(this)->link_of(order);
  }
  /// After `reference` was set: links, names, tables.
  void adopt_reference();
};

/// Equal on every member that has applied the same entries. Walks the whole state.
uint64_t state_hash(const ShardState& state);

/// Sets what routing knows to be in flight to the shard's own exact counts. Before every batch, so
/// that a gateway that reports late holds nothing up. Says nothing of venues not heard yet.
void refresh(routing::RoutingState& venues, const ShardState& state);

/// Before risk: what an order manager must find out about a request.
struct Triage {
  bool books = false;        // it leaves an event; else it is answered from the book
  bool ask_routing = false;  // a new order: `route` is the question, if risk approves
  risk::RiskOrder order;     // if it books: the question to risk, or the message to count
  routing::RouteRequest route;
  bool ask_risk() const { return order.kind != risk::RiskOrderKind::kMessage; }
};

struct ShardCore {
  using State = ShardState;
  using Command = ShardCommand;
  using Event = ShardEvent;
  using Effect = ShardEffect;

  static void decide(const State& state, const Command& command, WallTime now,
                     replication::Decision<ShardCore>& decision);
  static void apply(State& state, const Event& event, const replication::Position& at);
  static void effects(const State& state, const Event& event, const replication::Position& at,
                      std::vector<Effect>& out);
  static void outstanding(const State& state, std::vector<Effect>& out);
  static std::optional<WallTime> next_deadline(const State& state);
  static constexpr uint8_t kDigestVersion = 1;
  static uint64_t digest(const State& state);

  /// The cut shard's first half: how far `request` gets, were it decided now with `new_orders` new
  /// orders booked before it. decide(Admit) repeats the checks.
  static Triage triage(const State& state, const OrderRequest& request, uint32_t new_orders);
  static constexpr uint32_t kSweepStep = 512;
};

}  // namespace holdfast::orders
