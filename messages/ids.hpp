// The names of things, each a type of its own so that none is passed for another.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include "messages/limits.hpp"
#include "messages/text.hpp"

namespace holdfast {

/// A number that names something. Zero means "none".
template <typename Tag, typename T = uint64_t>
struct Id {
  T value = 0;
  friend constexpr auto operator<=>(Id, Id) = default;
  explicit constexpr operator bool() const { return value != 0; }
};

using GroupId =
    Id<struct GroupTag, uint32_t>;  // a replica group: one order shard, one venue gateway
using MemberId = Id<struct MemberTag, uint32_t>;  // a member of replica groups: one node by name
using Epoch = Id<struct EpochTag>;                // term of a leadership; grows by one each
using Index = Id<struct IndexTag>;  // position of an entry in its group's journal, from 1
using OutboxSeq =
    Id<struct OutboxTag>;             // position in a group's outbox towards one peer group, from 1
using OrderId = Id<struct OrderTag>;  // (shard << 48) | number in the shard
using BatchId = Id<struct BatchTag>;
using TraceId = Id<struct TraceTag>;
using LimitsVersion = Id<struct LimitsVersionTag>;
using SessionId = Id<struct SessionTag>;  // a client's connection at one ingress
using ReportSeq =
    Id<struct ReportTag>;  // position in one account's stream of execution reports, from 1

using ClientId = Text<limits::kClientIdBytes>;
using Account = Text<limits::kAccountBytes>;
using Symbol = Text<limits::kSymbolBytes>;
using ClientOrderId = Text<limits::kClientOrderIdBytes>;  // what the client calls ClOrdID
using WireOrderId = Text<limits::kWireOrderIdBytes>;      // ClOrdID (11) on a venue session, ours
using VenueOrderId = Text<limits::kVenueTextBytes>;       // OrderID (37), the venue's
using ExecId = Text<limits::kVenueTextBytes>;             // ExecID (17)
using VenueName = Text<limits::kNameBytes>;
using Label = Text<limits::kNameBytes>;  // algo, trader, desk, operator

}  // namespace holdfast

template <typename Tag, typename T>
struct std::hash<holdfast::Id<Tag, T>> {
  std::size_t operator()(const holdfast::Id<Tag, T>& id) const noexcept {
    // Fibonacci hashing: ids are sequential, tables are powers of two.
    return static_cast<std::size_t>(static_cast<uint64_t>(id.value) * 0x9E3779B97F4A7C15ull);
  }
};
