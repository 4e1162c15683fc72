// A member and the arbiter: reading, asking, winning and losing.
#include <algorithm>
#include <utility>

#include "supervision/replication/protocol/member.hpp"

namespace holdfast::replication {

namespace {
constexpr uint32_t kUnansweredAlarm = 6;  // some 1.2 s of `suspect` each
}

void Member::start(MonoTime now) {
  tick_ = now;
  flap_forgotten_ = now;
  become(MemberState::kStarting, Why::kStarted, "");
  read_record(now);
}

void Member::read_record(MonoTime now) {
  if (reading_record_ && now - read_asked_ < settings_.suspect) return;
  reading_record_ = true;
  if (++unanswered_ == kUnansweredAlarm)
    report(
        "the arbiter does not answer: trading goes on while all that are in sync are there, but "
        "nobody can take over",
        true);
  read_asked_ = now;
  push(act::ReadRecord{});
}

void Member::on_read_failed(MonoTime) { reading_record_ = false; }

bool Member::listed() const { return record_ && is_in_sync(*record_, settings_.self); }

GroupRecord Member::next_record() const {
  CHECK(record_.has_value());
  GroupRecord next = *record_;
  next.version += 1;
  return next;
}

void Member::ask(Purpose purpose, Why why, GroupRecord proposed) {
  CHECK(!pending_);
  asked_at_ = tick_;
  pending_ = Pending{0, purpose, why, std::move(proposed), false};
  ask_again();
}

void Member::ask_again() {
  pending_->unresolved = false;
  pending_->id = ++asked_;
  push(act::CompareAndSet{pending_->id, pending_->proposed, pending_->proposed.version - 1,
                          settings_.fence && pending_->why == Why::kLeaderSilent});
}

// A leader that lost its place by silence and is heard again soon was only slow. It counts against
// the next suspicion.
void Member::note_change(const std::optional<GroupRecord>& before, MonoTime now) {
  if (!before || !before->leader || !record_->leader || before->leader == record_->leader) return;
  if (in_sync_of(*record_, before->leader->member)) return;  // handed over
  former_leader_ = before->leader->member;
  former_until_ = now + Duration::seconds(1);
}

void Member::on_record(const std::optional<GroupRecord>& record, MonoTime now) {
  // A watch's news comes without having been asked for; its age is unknown, a read's is not.
  const bool asked = std::exchange(reading_record_, false);
  if (std::exchange(unanswered_, 0) >= kUnansweredAlarm) report("the arbiter answers again");
  if (!record) {
    if (record_) return report("the arbiter has lost the group's record", true);
    if (pending_ && pending_->unresolved && asked) return ask_again();
    return found(now);
  }
  if (record->cluster != settings_.cluster || record->group != settings_.group) {
    counters_.records_refused += 1;
    return report("the arbiter's record is of cluster " + record->cluster + ", group " +
                      std::to_string(record->group.value) + ": refused",
                  true);
  }
  if (too_new(*record, now)) return;
  if ((record_ && record->version < record_->version) || record->epoch < epoch_) {
    // An answer that was overtaken; or, if it stays so, a record that was put back by hand.
    counters_.records_refused += 1;
    return;
  }
  if (asked) record_read_ = read_asked_;
  if (pending_ && record->version >= pending_->proposed.version) {
    if (*record == pending_->proposed) {
      record_read_ = std::max(record_read_, asked_at_);
      return won(now);
    }
    if (pending_->unresolved) {
      adopt(*record, now);
      return not_won(Why::kLost, now);
    }
  } else if (pending_ && pending_->unresolved && asked && state_ != MemberState::kFollowing) {
    // Not there, and it may still come: only a new version makes it impossible. Ask the same again.
    ask_again();
  }
  adopt(*record, now);
  if (leads()) release(now);
}

// What this build can't read it can neither hold nor follow: it takes no part.
bool Member::too_new(const GroupRecord& record, MonoTime now) {
  if (record.format <= settings_.format) return false;
  counters_.records_refused += 1;
  if (state_ == MemberState::kFailed) return true;
  const std::string why = "the group writes entry format " + std::to_string(record.format) +
                          ", this build knows up to " + std::to_string(settings_.format) +
                          ": install the release that the other members run";
  step_down(Why::kTooNew, why, now);
  become(MemberState::kFailed, Why::kTooNew, "");
  report(why, true);
  return true;
}

void Member::adopt(const GroupRecord& record, MonoTime now) {
  const bool newer = !record_ || record.version > record_->version;
  if (record_ && !newer) return;
  const bool other_leader = !record_ || record_->leader != record.leader;
  const Epoch before = epoch_;
  const bool led = leads();
  const auto former = std::exchange(record_, record);
  note_change(former, now);
  see_epoch(record.epoch);
  if (led && record.epoch > before)
    step_down(Why::kSuperseded, "the arbiter's record says so", now);
  for (const MemberConfig& config : record.members)
    if (config.member != settings_.self.member) (void)peer(config.member);
  if (leads()) return advance_commit(now);
  if (other_leader && record.leader) {
    for (auto& [member, p] : peers_) p.resigned = false;
    leader_ = record.leader->member;
    leader_heard_ = now;
    suspected_.reset();
  }
  if (state_ == MemberState::kCandidate && pending_ && record.epoch >= pending_->proposed.epoch &&
      record.leader != settings_.self) {
    // Another leads the epoch that was asked for: no need to wait for the answer.
    pending_.reset();
    become(MemberState::kFollowing, Why::kLost, "");
  }
  if (state_ == MemberState::kStarting)
    become(MemberState::kFollowing, Why::kRecordRead,
           "leader=" + (leader_ ? std::to_string(leader_->value) : std::string("none")));
  if (state_ == MemberState::kFollowing) {
    if (!following_ && !asking()) stand(now);
    suspect(now);
  }
}

void Member::found(MonoTime now) {
  if (pending_ || state_ != MemberState::kStarting) return;
  if (last_) {
    if (!std::exchange(missing_reported_, true))
      report("the arbiter has no record of this group but its journal holds " +
                 std::to_string(last_.value) +
                 " entries: give the arbiter its data back, or force a leader",
             true);
    return;
  }
  // Whoever is preferred founds the group; the others when it does not come.
  std::size_t rank = 0;
  while (rank < settings_.members.size() && settings_.members[rank].member != settings_.self.member)
    ++rank;
  if (rank == settings_.members.size() || settings_.members[rank].role != Role::kSync) return;
  if (!ticked_) return;
  if (!suspected_) suspected_ = now;
  if (now - *suspected_ < Duration::milliseconds(500) * static_cast<int64_t>(rank)) return;
  GroupRecord record;
  record.cluster = settings_.cluster;
  record.group = settings_.group;
  record.version = 1;
  record.epoch = {std::max<uint64_t>(epoch_.value, 0) + 1};
  // Others may be of an older build; it rises when all are there.
  record.format = settings_.members.size() == 1 ? settings_.format : kEntryFormatLowest;
  record.leader = settings_.self;
  record.in_sync = {settings_.self};
  record.members = settings_.members;
  ask(Purpose::kFound, Why::kFounded, std::move(record));
}

void Member::on_cas_won(uint64_t id, MonoTime now) {
  if (!pending_ || pending_->id != id) return;
  record_read_ = std::max(record_read_, asked_at_);
  won(now);
}

void Member::won(MonoTime now) {
  const Pending pending = std::move(*pending_);
  pending_.reset();
  const Epoch before = epoch_;
  switch (pending.purpose) {
    case Purpose::kEject:
    case Purpose::kGrow:
    case Purpose::kUpdate:
      adopt(pending.proposed, now);
      if (leads()) {
        if (pending.purpose == Purpose::kUpdate) push(act::Format{record_->format});
        mend_in_sync(now);
        advance_commit(now);
      }
      return;
    case Purpose::kFound:
    case Purpose::kTakeOver:
    case Purpose::kRelead:
    case Purpose::kForce:
      note_change(std::exchange(record_, pending.proposed), now);
      if (pending.proposed.epoch < before) return;  // superseded while the answer was on its way
      see_epoch(pending.proposed.epoch);
      for (const MemberConfig& config : record_->members)
        if (config.member != settings_.self.member) (void)peer(config.member);
      return begin_to_lead(pending.proposed.epoch, pending.why, now);
  }
}

void Member::on_cas_lost(uint64_t id, const std::optional<GroupRecord>& current, MonoTime now) {
  if (!pending_ || pending_->id != id) return;
  if (current && *current == pending_->proposed) return won(now);
  not_won(Why::kLost, now);
  if (current)
    on_record(current, now);
  else
    read_record(now);
}

void Member::not_won(Why why, MonoTime now) {
  const Purpose purpose = pending_->purpose;
  pending_.reset();
  if (state_ == MemberState::kCandidate) {
    leader_heard_ = now;
    suspected_.reset();
    become(MemberState::kFollowing, why, "");
  }
  if (leads() && (purpose == Purpose::kEject || purpose == Purpose::kGrow)) advance_commit(now);
}

void Member::on_cas_unknown(uint64_t id, MonoTime now) {
  if (!pending_ || pending_->id != id) return;
  pending_->unresolved = true;
  read_record(now);
}

// ---- taking over

Duration Member::patience() const {
  // Each leader that turned out to be alive makes the next suspicion slower: one under load is not
  // taken over again and again.
  return settings_.suspect * static_cast<int64_t>(1 + flaps_);
}

void Member::suspect(MonoTime now) {
  if (state_ != MemberState::kFollowing || !record_ || !record_->leader || installing_) return;
  if (pending_ && !pending_->unresolved) return;
  if (pending_ && pending_->purpose != Purpose::kTakeOver) pending_.reset();
  const Incarnation& led_by = *record_->leader;
  if (!listed() || role_of(*record_, settings_.self.member) != Role::kSync) return;
  Why why = Why::kLeaderSilent;
  bool keep_old = false;
  if (led_by.member == settings_.self.member) {
    why = Why::kOwnRecord;
    keep_old = true;
  } else {
    const Peer& p = peer(led_by.member);
    const bool other_life = p.linked && p.incarnation && *p.incarnation != led_by;
    if (p.resigned) {
      why = Why::kLeaderResigned;
    } else if ((p.gone && !p.linked) || other_life) {
      why = Why::kLeaderLost;
    } else if (now - leader_heard_ <= patience()) {
      suspected_.reset();
      return;
    }
  }
  if (!suspected_) suspected_ = now;
  // Who can't be reached either is not waited for. Should it live, two ask, and one of them wins.
  int64_t rank = 0;
  for (const MemberConfig& config : record_->members) {
    if (config.member == settings_.self.member) break;
    if (config.member != led_by.member && in_sync_of(*record_, config.member) &&
        peer(config.member).linked)
      ++rank;
  }
  const Duration rebuild = ready_ ? Duration{} : settings_.rebuild_wait;
  if (now - *suspected_ < settings_.stagger * rank + rebuild) return;
  take_over(why, keep_old, now);
}

void Member::take_over(Why why, bool keep_old, MonoTime) {
  const Incarnation old = record_->leader.value_or(Incarnation{});
  become(MemberState::kCandidate, why, "");
  const bool may_live = why == Why::kLeaderSilent || why == Why::kOrdered;
  if (may_live && settings_.fence) push(act::Fence{old});
  if (pending_) {  // asked before, and the answer was lost: the same question again
    ask_again();
    return;
  }
  GroupRecord next = next_record();
  next.epoch = {record_->epoch.value + 1};
  next.leader = settings_.self;
  if (!keep_old)
    std::erase_if(next.in_sync, [&](const Incarnation& i) { return i.member == old.member; });
  ask(Purpose::kTakeOver, why, std::move(next));
}

Result<> Member::cut_over(MonoTime now) {
  if (leads()) return Error{ErrorCode::kConflict, "this member leads already"};
  if (state_ != MemberState::kFollowing || !record_ || !record_->leader)
    return Error{ErrorCode::kConflict, "this member follows no leader now"};
  if (pending_) return Error{ErrorCode::kConflict, "the arbiter is being asked: try again"};
  if (!ready_)
    return Error{ErrorCode::kConflict, "this member's replica is being rebuilt: try again"};
  if (!listed() || role_of(*record_, settings_.self.member) != Role::kSync)
    return Error{ErrorCode::kConflict,
                 "this member is not in sync: it may lack what was committed. Let one that is "
                 "take over, or force it with proof that no other lives"};
  take_over(Why::kOrdered, record_->leader->member == settings_.self.member, now);
  return success();
}

void Member::relead(MonoTime) {
  if (!leads() || pending_ || !record_) return;
  GroupRecord next = next_record();
  next.epoch = {record_->epoch.value + 1};
  ask(Purpose::kRelead, Why::kReleading, std::move(next));
}

Result<> Member::force(MonoTime) {
  if (!record_) return Error{ErrorCode::kUnavailable, "the arbiter's record was not read yet"};
  if (leads()) return Error{ErrorCode::kConflict, "this member leads already"};
  if (installing_) return Error{ErrorCode::kUnavailable, "a snapshot is being installed"};
  if (pending_) return Error{ErrorCode::kUnavailable, "a question to the arbiter is under way"};
  become(MemberState::kCandidate, Why::kForced, "");
  GroupRecord next = next_record();
  next.epoch = {record_->epoch.value + 1};
  next.leader = settings_.self;
  next.in_sync = {settings_.self};
  ask(Purpose::kForce, Why::kForced, std::move(next));
  return success();
}

}  // namespace holdfast::replication
