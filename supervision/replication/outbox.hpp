// At-least-once delivery between groups, as state: what a sender still owes a peer group, and how
// far a receiver has come. Both live inside the cores and change only by events, so a new leader
// re-emits exactly what is outstanding, same sequence, same content, in order, and a receiver takes
// each item once.
#pragma once

#include <deque>

#include "messages/ids.hpp"

namespace holdfast::replication {

/// The sender's side towards one peer group. Sequences start at 1 and never repeat, over all
/// epochs.
template <typename Item>
class Outbox {
 public:
  OutboxSeq last() const { return {acknowledged_.value + items_.size()}; }
  OutboxSeq acknowledged() const { return acknowledged_; }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  bool full() const { return items_.size() >= limits::kOutboxItemsMax; }

  /// Appends; returns the item's sequence. CHECKs the bound: look at full() first.
  OutboxSeq push(Item item) {
    CHECK(!full());
    items_.push_back(std::move(item));
    return last();
  }
  /// The item of a sequence that is outstanding.
  const Item& at(OutboxSeq seq) const {
    CHECK(seq > acknowledged_ && seq <= last());
    return items_[seq.value - acknowledged_.value - 1];
  }
  /// The receiver has journaled everything up to `seq`. Old news is harmless; a cursor beyond what
  /// was ever pushed is a bug or a foreign peer: look at last() first.
  void acknowledge(OutboxSeq seq) {
    CHECK(seq <= last());
    while (acknowledged_ < seq) {
      items_.pop_front();
      acknowledged_.value += 1;
    }
  }
  /// For snapshots: an outbox whose first item will have sequence acknowledged + 1.
  void restore(OutboxSeq acknowledged) {
    CHECK(items_.empty());
    acknowledged_ = acknowledged;
  }
  friend bool operator==(const Outbox&, const Outbox&) = default;

 private:
  std::deque<Item> items_;
  OutboxSeq acknowledged_;
};

/// The receiver's side for one sender group.
struct InboxCursor {
  Epoch epoch;       // highest seen of the sender
  OutboxSeq cursor;  // last taken

  enum class Verdict : uint8_t {
    kTake,        // take the items from `skip` on
    kNothingNew,  // all at or below the cursor: acknowledge again
    kStaleEpoch,  // a superseded leader: refuse, count
    kGap,         // something before it is missing: refuse, say GroupLeads/cursor to the sender
  };
  struct Judgement {
    Verdict verdict = Verdict::kNothingNew;
    std::size_t skip = 0;
  };
  /// Judges a delivery of `count` items from `first` on under `sender_epoch`. Changes nothing.
  Judgement judge(Epoch sender_epoch, OutboxSeq first, std::size_t count) const {
    if (sender_epoch < epoch) return {Verdict::kStaleEpoch, 0};
    if (count == 0) return {Verdict::kNothingNew, 0};
    if (first.value > cursor.value + 1) return {Verdict::kGap, 0};
    const uint64_t last = first.value + count - 1;
    if (last <= cursor.value) return {Verdict::kNothingNew, 0};
    return {Verdict::kTake, static_cast<std::size_t>(cursor.value + 1 - first.value)};
  }
  friend bool operator==(const InboxCursor&, const InboxCursor&) = default;
};

}  // namespace holdfast::replication
