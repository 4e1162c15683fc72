// A member that follows: where it stands, what it takes, what it acknowledges.
#include <algorithm>

#include "supervision/replication/protocol/member.hpp"

namespace holdfast::replication {

namespace {
constexpr int64_t kStandWaitMax = 32;  // times `retry`
}  // namespace

bool Member::from_leader(MemberId from, Epoch epoch) {
  if (epoch < epoch_) {
    counters_.stale_epochs += 1;
    push(act::Send{from, peer::Superseded{epoch_}});
    return false;
  }
  return true;
}

void Member::follow(MemberId from, const peer::Lead& lead, MonoTime now) {
  if (leads()) {
    if (lead.epoch <= epoch_) return;  // two leaders of one epoch cannot be: foreign or damaged
    step_down(Why::kSuperseded, "member " + std::to_string(from.value) + " leads", now);
  }
  if (state_ == MemberState::kCandidate && lead.epoch <= epoch_) return;
  if (lead.epoch == epoch_ && leader_ == from && round_open_ && asking()) {
    // Asked again before it had this answer. Who was stopped finds hundreds of these in its socket:
    // each answered by a new question would have the log sent hundreds of times.
    leader_heard_ = now;
    suspected_.reset();
    if (!record_ || record_->epoch < lead.epoch) read_record(now);
    return say_stand(now);
  }
  see_epoch(lead.epoch);
  if (state_ == MemberState::kCandidate) become(MemberState::kFollowing, Why::kSuperseded, "");
  leader_ = from;
  leader_heard_ = now;
  suspected_.reset();
  // The record says who is in sync; what is known of it is of the former epoch.
  if (!record_ || record_->epoch < lead.epoch) read_record(now);
  stand(now);
}

void Member::stand(MonoTime now) {
  if (installing_ || !leader_ || *leader_ == settings_.self.member || !peer(*leader_).linked)
    return;
  round_ += 1;
  asked_of_ = leader_;
  round_open_ = true;
  following_ = false;  // what came after this could be dropped by its answer
  receiving_ = false;
  incoming_ = {};
  incoming_total_ = 0;
  sent_seen_ = {};  // may be of another leader's clock
  say_stand(now);
}

/// The open question, once more: a leader that has answered it does nothing.
void Member::say_stand(MonoTime now) {
  if (installing_ || !peer(*leader_).linked) return;
  stood_ = now;
  push(act::Send{
      *leader_, peer::Stand{epoch_, settings_.self, round_, last_, committed_, history_.starts()}});
}

/// The answer does not come. It may only be slow: a new question makes it void, so each waits
/// longer.
void Member::stand_again(MonoTime now) {
  if (now - stood_ <= stand_wait_) return;
  stand_wait_ = std::min(stand_wait_ * 2, settings_.retry * kStandWaitMax);
  stand(now);
}

void Member::take(MemberId from, const peer::Lead& lead, MonoTime now) {
  if (from_leader(from, lead.epoch)) follow(from, lead, now);
}

void Member::take(MemberId from, const peer::Follow& follow, MonoTime now) {
  if (follow.epoch != epoch_ || state_ != MemberState::kFollowing || leader_ != from) return;
  if (!round_open_ || follow.round != round_) return;  // answers an older question
  round_open_ = false;
  stand_wait_ = settings_.retry;
  if (follow.common > last_) return stand(now);
  if (follow.common < committed_)
    return on_diverged("the leader of epoch " + std::to_string(epoch_.value) +
                           " shares entries up to " + std::to_string(follow.common.value) +
                           ", committed here are " + std::to_string(committed_.value),
                       now);
  if (follow.common < last_) {
    counters_.truncated += last_.value - follow.common.value;
    push(act::Truncate{follow.common});
    history_.cut(follow.common);
    last_ = follow.common;
    persisted_ = std::min(persisted_, last_);
  }
  following_ = true;
  leader_heard_ = now;
  ack_due_ = true;
  if (persisted_ == last_) acknowledge();
}

void Member::take(MemberId from, const peer::Append& append, MonoTime now) {
  if (!from_leader(from, append.epoch)) return;
  if (leads() && append.epoch == epoch_) return;
  if (append.epoch > epoch_) return follow(from, {append.epoch, {}}, now);
  if (state_ != MemberState::kFollowing) return;
  if (leader_ != from) {
    leader_ = from;
    if (!asking()) return stand(now);
  }
  leader_heard_ = now;
  suspected_.reset();
  counters_.appends_taken += 1;
  if (!following_) {
    asking() ? stand_again(now) : stand(now);
    return;
  }
  std::vector<EntryRef> fresh;
  for (const EntryRef& entry : append.entries) {
    if (entry.index <= last_) continue;  // again
    if (entry.index.value != last_.value + 1) break;
    history_.note(entry.epoch, entry.index);
    last_ = entry.index;
    fresh.push_back(entry);
  }
  const bool beat = append.entries.empty();
  const bool new_entries = !fresh.empty();
  if (new_entries) push(act::Persist{std::move(fresh)});
  sent_seen_ = std::max(sent_seen_, append.sent);
  const Index commit = std::min(append.commit, last_);
  if (commit > committed_) {
    committed_ = released_ = commit;
    push(act::Commit{commit});
  }
  if (append.last > last_ && (!beat || now - stood_ > settings_.retry)) {
    // Something before this is missing. The connection keeps the order, so it was lost for good.
    counters_.gaps += 1;
    stand(now);
  }
  ack_due_ = true;
  // A beat is answered at once: how old it is counts. Entries are answered when they are persisted.
  if (beat || !new_entries) acknowledge();
}

void Member::acknowledge() {
  ack_due_ = persisted_ < last_;
  if (state_ != MemberState::kFollowing || !following_ || !leader_) return;
  push(act::Send{*leader_, peer::Ack{epoch_, settings_.self, persisted_, sent_seen_, !ready_}});
}

void Member::take(MemberId from, const peer::SnapshotPart& part, MonoTime now) {
  if (part.epoch != epoch_ || state_ != MemberState::kFollowing || leader_ != from) return;
  if (part.round != round_ || installing_) return;
  // Also after a Follow: the leader found out that it does not keep what comes next.
  following_ = round_open_ = false;
  receiving_ = true;
  leader_heard_ = stood_ = now;
  if (part.offset == 0) {
    incoming_ = {part.at, part.chain, {}};
    incoming_total_ = part.total;
  }
  const bool fits = part.at == incoming_.at && part.offset == incoming_.state.size() &&
                    part.offset + part.bytes.size() <= incoming_total_;
  if (!fits) return;  // again, or of another snapshot: the leader asks from its start
  incoming_.state.insert(incoming_.state.end(), part.bytes.begin(), part.bytes.end());
  if (incoming_.state.size() < incoming_total_) {
    push(act::Send{from, peer::SnapshotAck{epoch_, round_, incoming_.state.size()}});
    return;
  }
  if (incoming_.at.index <= committed_) {
    // The leader found nothing in common. With the very state that is here that can't be: asked
    // again, at the pace of what is lost. Otherwise it lacks what is committed here, as one that
    // was forced may.
    const Position at = std::exchange(incoming_, {}).at;
    if (at.index == committed_ && at.epoch == history_.at(committed_)) return;
    return on_diverged("the leader of epoch " + std::to_string(epoch_.value) +
                           " shares nothing above what its snapshot of entry " +
                           std::to_string(at.index.value) + " has, committed here are " +
                           std::to_string(committed_.value),
                       now);
  }
  installing_ = incoming_.at;
  receiving_ = false;
  push(act::Install{std::exchange(incoming_, {})});
}

void Member::on_installed(MonoTime now) {
  const auto at = std::exchange(installing_, std::nullopt);
  if (!at || state_ == MemberState::kFailed) return;
  last_ = persisted_ = committed_ = released_ = at->index;
  history_.reset(at->epoch, at->index);
  counters_.snapshots_installed += 1;
  stand(now);
}

void Member::take(MemberId from, const peer::HandOver& offer, MonoTime now) {
  if (offer.epoch != epoch_ || state_ != MemberState::kFollowing || leader_ != from) return;
  if (!listed() || pending_ || installing_ || !record_ || record_->epoch != epoch_) return;
  take_over(Why::kHandedOver, true, now);
}

void Member::take(MemberId from, const peer::Resign& resign, MonoTime now) {
  if (resign.epoch != epoch_ || leader_ != from) return;
  report("member " + std::to_string(from.value) + " resigned");
  peer(from).resigned = true;
  suspect(now);
}

}  // namespace holdfast::replication
