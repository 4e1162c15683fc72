// One member's copy of a replicated core, and the gate of output commit. Commands are decided and
// applied at once (so the next decision sees them), their effects are held; the open batch becomes
// one entry; a commit of an index releases what waited for it, in order. Commit is asynchronous
// with many entries outstanding, also with one member. Knows nothing of journals, peers or clocks:
// the host moves entries and time.
#pragma once

#include <deque>
#include <utility>

#include "supervision/replication/core.hpp"

namespace holdfast::replication {

/// A batch that was closed: to be encoded, appended and, sooner or later, committed.
template <typename Core>
struct Sealed {
  EntryHeader header;  // `previous` is filled in by the host, which knows the chain
  std::vector<typename Core::Event> events;
};

template <typename C>
class Replica {
  static_assert(Core<C>);

 public:
  using State = typename C::State;
  using Command = typename C::Command;
  using Event = typename C::Event;
  using Effect = typename C::Effect;

  explicit Replica(GroupId group) : group_(group) {}

  const State& state() const { return state_; }
  GroupId group() const { return group_; }
  Epoch epoch() const { return epoch_; }
  bool leading() const { return leading_; }
  Index appended() const { return appended_; }  // last sealed or replayed
  Index committed() const { return committed_; }
  WallTime journaled_time() const { return time_; }
  std::size_t held() const { return held_.size(); }  // effects waiting for a commit
  std::size_t uncommitted() const { return appended_.value - committed_.value; }
  bool open() const { return !batch_.empty() || epoch_start_; }
  std::size_t open_events() const { return batch_.size(); }

  /// Takes over a snapshot's state. Only before anything was replayed.
  void install(State state, const Position& at) {
    CHECK(!leading_);
    CHECK(appended_.value == 0);
    state_ = std::move(state);
    epoch_ = at.epoch;
    time_ = at.time;
    appended_ = committed_ = at.index;
  }

  /// Applies a committed entry in order. kCorrupt on a gap or an epoch that goes back.
  Result<> replay(const EntryHeader& header, std::span<const Event> events) {
    CHECK(!leading_);
    if (header.group != group_) return Error{ErrorCode::kCorrupt, "entry of another group"};
    if (header.at.index.value != appended_.value + 1)
      return Error{ErrorCode::kCorrupt, "entry " + std::to_string(header.at.index.value) +
                                            " follows entry " + std::to_string(appended_.value)};
    if (header.at.epoch < epoch_) return Error{ErrorCode::kCorrupt, "epoch goes back"};
    if (header.at.time < time_) return Error{ErrorCode::kCorrupt, "journaled time goes back"};
    for (const Event& event : events) C::apply(state_, event, header.at);
    epoch_ = header.at.epoch;
    time_ = header.at.time;
    appended_ = committed_ = header.at.index;
    if (digests_differ(header.digest, digest_of<C>(std::as_const(state_))))
      return Error{ErrorCode::kConflict, "the state after entry " +
                                             std::to_string(header.at.index.value) +
                                             " is not what its leader had: this copy has diverged"};
    return success();
  }

  /// Begins a leadership: the next sealed entry is the epoch start, and everything outstanding is
  /// emitted when it is committed, before any other effect of this epoch. What was replayed above
  /// `committed` is the log's tail: whether the group has it is known when the epoch start is
  /// committed, and not before.
  void lead(Epoch epoch, Index committed = {UINT64_MAX}) {
    CHECK(!leading_);
    CHECK(epoch > epoch_);
    epoch_ = epoch;
    committed_ = std::min(committed_, committed);
    leading_ = true;
    epoch_start_ = true;
  }

  /// An entry without events, which changes nothing but what its header says. Nothing is open.
  Sealed<C> seal_empty(WallTime clock) {
    CHECK(leading_);
    CHECK(!open());
    batch_time_ = clock < time_ ? time_ : clock;
    return close_batch();
  }

  /// The state is exactly what was committed: nothing decided is on its way.
  bool settled() const { return committed_ == appended_ && !open(); }
  /// Ends a leadership with a settled state, which goes on as a follower's. What waits to be
  /// released is for the next leader.
  void retire() {
    CHECK(settled());
    leading_ = false;
    held_.clear();
  }

  /// Decides one command at `clock` and applies what it proposes. CHECKs that this member leads.
  void decide(const Command& command, WallTime clock) {
    CHECK(leading_);
    CHECK(!epoch_start_);  // seal the epoch start alone, first
    if (batch_.empty()) batch_time_ = clock < time_ ? time_ : clock;
    decision_.events.clear();
    decision_.replies.clear();
    C::decide(std::as_const(state_), command, batch_time_, decision_);
    const Position at{epoch_, {appended_.value + 1}, batch_time_};
    for (Event& event : decision_.events) {
      C::apply(state_, event, at);
      scratch_.clear();
      C::effects(std::as_const(state_), event, at, scratch_);
      for (Effect& effect : scratch_) hold(at.index, std::move(effect));
      batch_.push_back(std::move(event));
    }
    // A reply without an event waits for what was appended before it, the open batch included.
    const Index after = batch_.empty() ? appended_ : at.index;
    for (Effect& reply : decision_.replies) hold(after, std::move(reply));
  }

  /// Closes the open batch into an entry; nothing when the batch is empty.
  std::optional<Sealed<C>> seal(WallTime clock) {
    CHECK(leading_);
    if (!open()) return std::nullopt;
    if (epoch_start_) {
      batch_time_ = clock < time_ ? time_ : clock;
      scratch_.clear();
      C::outstanding(std::as_const(state_), scratch_);
      for (Effect& effect : scratch_) hold({appended_.value + 1}, std::move(effect));
    }
    return close_batch();
  }

  /// Everything up to `index` is committed: releases what waited for it. Older or repeated indexes
  /// are harmless; an index beyond what was appended is a bug.
  void commit(Index index, std::vector<Committed<Effect>>& out) {
    CHECK(index <= appended_);
    if (index > committed_) committed_ = index;
    release(out);
  }

  /// Releases replies that wait for nothing any more (a query while all is committed). Called each
  /// turn.
  void release(std::vector<Committed<Effect>>& out) {
    while (!held_.empty() && held_.front().first <= committed_) {
      out.push_back(Committed<Effect>(std::move(held_.front().second)));
      held_.pop_front();
    }
  }

 private:
  Sealed<C> close_batch() {
    Sealed<C> sealed;
    appended_.value += 1;
    time_ = batch_time_;
    sealed.header.group = group_;
    sealed.header.epoch_start = std::exchange(epoch_start_, false);
    sealed.header.at = {epoch_, appended_, time_};
    sealed.header.committed = committed_;
    sealed.header.digest = digest_of<C>(std::as_const(state_));
    sealed.events = std::move(batch_);
    batch_.clear();
    return sealed;
  }

  void hold(Index index, Effect effect) {
    CHECK(held_.empty() || held_.back().first <= index);
    held_.emplace_back(index, std::move(effect));
  }

  GroupId group_;
  State state_{};
  Epoch epoch_;
  Index appended_, committed_;
  WallTime time_, batch_time_;
  bool leading_ = false, epoch_start_ = false;
  std::vector<Event> batch_;
  std::deque<std::pair<Index, Effect>> held_;
  Decision<C> decision_;
  std::vector<Effect> scratch_;
};

}  // namespace holdfast::replication
