// Order flow for one shard, without actors and sockets: reference data, limits, orders, and a venue
// that accepts and fills each of them. What the parts that need a shard's commands and events
// share.
#pragma once

#include "actors/orders/shard/shard.hpp"

namespace holdfast::bench {

inline constexpr GroupId kShardGroup{1}, kVenueGroup{1001};
inline constexpr int kAccounts = 8;

std::shared_ptr<const ReferenceData> flow_reference();
std::shared_ptr<const RiskLimits> flow_limits();
WallTime wall_now();

/// The n-th order (from 1) of the flow: limit orders of eight accounts, one symbol.
NewOrder flow_order(uint64_t number);

/// The commands of the flow, in the shape in which a shell hands them to the shard. What a command
/// points to stays valid until the next call.
class ShardFlow {
 public:
  ShardFlow();

  /// What a shard is told before it trades.
  std::vector<orders::ShardCommand> opening() const;
  /// The next order, uncut: risk and routing are judged inside the decision.
  orders::ShardCommand submit(const orders::ShardState& state);
  /// The venue's next report about an order that was delivered to it.
  orders::ShardCommand accepted(const VenueRequest& request);
  orders::ShardCommand filled(const VenueRequest& request);
  /// The venue group has journaled everything that it was sent.
  static orders::ShardCommand acknowledged(const orders::ShardState& state);
  /// The newest request towards the venue.
  static const VenueRequest& last_request(const orders::ShardState& state);

  uint64_t orders() const { return orders_; }

 private:
  orders::ShardCommand report(const VenueRequest& request, VenueReportKind kind);

  routing::RoutingState venues_;
  OrderRequest request_;
  Delivery<VenueReport> delivery_;
  uint64_t orders_ = 0, reports_ = 0;
};

}  // namespace holdfast::bench
