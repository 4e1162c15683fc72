// What outlives one incarnation of an order shard's actor: which input it was deciding when it
// died. An input that kills the actor, and kills it again after a rebuild, is set aside: its client
// hears so, a venue's stream stops there, and a person must look. Nothing is skipped silently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "messages/order_entry.hpp"

namespace holdfast::orders {

/// Names an input: the same request, or the same item of a venue's outbox, has the same.
uint64_t fingerprint(const OrderRequest& request);
uint64_t fingerprint(GroupId venue, OutboxSeq sequence);

/// Made by the node, one a shard; used on the shard's loop only.
class ShardMemory {
 public:
  static constexpr uint32_t kStrikes = 2;
  static constexpr std::size_t kStrikesKept = 256;

  /// Brackets the decision of one input.
  void begin(uint64_t fingerprint) { doing_ = fingerprint; }
  void end() { doing_ = 0; }
  /// A new incarnation begins: what the last one died over gets a strike. True: that input is set
  /// aside from now on.
  bool blame();
  bool poisonous(uint64_t fingerprint) const;
  /// A venue's stream stops before an input that is set aside. True: it did not stand there before.
  bool halt(GroupId venue) { return halted_.insert(venue.value).second; }
  /// An operator has looked: everything may come again.
  void forgive();

  uint64_t refused = 0;  // inputs that came again and were set aside

 private:
  uint64_t doing_ = 0;
  std::unordered_map<uint64_t, uint32_t> strikes_;
  std::unordered_set<uint32_t> halted_;  // venue groups
};

}  // namespace holdfast::orders
