// A member that leads: bringing peers to its log, counting acknowledgements, releasing what is
// committed while its own leadership is freshly confirmed, and keeping the in-sync set true.
#include <algorithm>

#include "supervision/replication/protocol/member.hpp"

namespace holdfast::replication {

namespace {
constexpr std::size_t kWindowBytesMax = 16u << 20;
constexpr std::size_t kWindowEntriesMax = limits::kEntriesInFlightMax;
constexpr std::size_t kPartBytesMax = 1u << 20;  // of one Append, but for one entry that is longer
constexpr std::size_t kFirstPartBytesMax = 64u << 10;  // until the answer to Stand was taken
constexpr std::size_t kFlightBytesMax = 4u << 20;      // unacknowledged, to one peer
constexpr std::size_t kAppendEntriesMax = 256;
constexpr Duration kBeatMax = Duration::seconds(1);  // to who is not heard
constexpr int64_t kBeatsInSilence = 16;
constexpr Duration kLevelFor = Duration::milliseconds(50);  // before a member joins the set
}  // namespace

void Member::begin_to_lead(Epoch epoch, Why why, MonoTime now) {
  CHECK(epoch == epoch_);
  become(MemberState::kLeading, why == Why::kFounded ? why : Why::kWon,
         "because=" + std::string(to_text(why)));
  leader_ = settings_.self.member;
  following_ = round_open_ = ack_due_ = false;
  suspected_.reset();
  epoch_start_ = {};
  end_hand_over();
  window_.clear();
  window_bytes_ = 0;
  unconfirmed_since_ = now;
  for (auto& [member, p] : peers_) {
    p.sync = Sync::kUnknown;
    rewind(p, {});
    p.reading = p.rebuilding = false;
    p.fresh = p.last_append = {};
    if (p.linked || !p.gone) p.heard = now;
  }
  push(act::Lead{epoch});
  for (auto& [member, p] : peers_)
    if (p.linked) greet(p, now);
  mend_in_sync(now);
}

void Member::step_down(Why why, const std::string& text, MonoTime now) {
  if (!leads()) return;
  end_hand_over();
  // Should the arbiter still make that change, the next read shows it.
  if (pending_ && pending_->purpose != Purpose::kTakeOver) pending_.reset();
  if (std::exchange(unprotected_, false)) push(act::Unprotected{false});
  push(act::StepDown{std::string(to_text(why)) + (text.empty() ? "" : ": " + text)});
  become(MemberState::kFollowing, why, text);
  counters_.egress_refused += last_.value - std::min(released_, last_).value;
  leader_.reset();
  leader_heard_ = now;
  following_ = false;
  released_ = committed_;
  window_.clear();
  window_bytes_ = 0;
}

// ---- bringing peers along

void Member::greet(Peer& p, MonoTime) {
  p.sync = Sync::kAsked;
  p.reading = false;
  push(act::Send{p.member, peer::Lead{epoch_, settings_.self}});
}

void Member::take(MemberId from, const peer::Superseded& superseded, MonoTime now) {
  if (superseded.epoch <= epoch_) return;
  if (leads())
    step_down(Why::kSuperseded, "member " + std::to_string(from.value) + " says so", now);
  read_record(now);
}

void Member::take(MemberId from, const peer::Stand& stand, MonoTime now) {
  if (!leads()) return;
  Peer& p = peer(from);
  if (stand.epoch > epoch_) return take(from, peer::Superseded{stand.epoch}, now);
  if (stand.epoch < epoch_) return greet(p, now);
  if (!p.incarnation || *p.incarnation != stand.member) return;
  const bool answered = p.sync == Sync::kStreaming || p.sync == Sync::kSnapshot;
  if (answered && stand.round <= p.round) return;  // asked before
  p.round = stand.round;
  const auto common = common_index(history_, last_, EpochHistory(stand.starts), stand.last);
  if (!common) return start_snapshot(p);
  p.sync = Sync::kStreaming;
  p.reading = false;
  rewind(p, *common);
  p.followed = now;
  p.level_since = now;
  if (*common < committed_ && is_in_sync(*record_, stand.member) && epoch_start_ &&
      committed_ >= epoch_start_)
    report("member " + std::to_string(from.value) + " is in sync by the record and lacks entries " +
               std::to_string(common->value + 1) + " to " + std::to_string(committed_.value),
           true);
  push(act::Send{from, peer::Follow{epoch_, stand.round, *common}});
  send_append(p, {}, now);  // answered at once: then more than one part may be on its way
  pump(p, now);
}

void Member::rewind(Peer& p, Index to) {
  p.sent = p.acked = to;
  p.flight.clear();
  p.flight_bytes = 0;
  p.taken = false;
}

/// What is on its way to a peer is bounded, in entries and in bytes, whatever it does. Of an answer
/// to Stand only the first part is, until something that left since was acknowledged: who asks
/// again and again because it is slow is not sent the log again and again.
bool Member::has_room(const Peer& p) {
  if (!p.taken) return p.flight.empty();
  return p.sent.value - p.acked.value < kWindowEntriesMax && p.flight_bytes < kFlightBytesMax;
}

void Member::pump(Peer& p, MonoTime now) {
  while (p.sync == Sync::kStreaming && p.linked && !p.reading && p.sent < last_) {
    if (!has_room(p)) return;  // it does not keep up
    const Index next{p.sent.value + 1};
    const std::size_t most = p.taken ? kPartBytesMax : kFirstPartBytesMax;
    if (window_.empty() || next < window_.front().index) {
      p.reading = true;
      push(act::ReadLog{p.member, next, most});
      return;
    }
    std::vector<EntryRef> entries;
    std::size_t bytes = 0;
    for (std::size_t i = next.value - window_.front().index.value;
         i < window_.size() && entries.size() < kAppendEntriesMax; ++i) {
      bytes += window_[i].bytes->size();
      if (bytes > most && !entries.empty()) break;
      entries.push_back(window_[i]);
    }
    p.sent = entries.back().index;
    send_append(p, std::move(entries), now);
  }
}

void Member::send_append(Peer& p, std::vector<EntryRef> entries, MonoTime now) {
  p.last_append = now;
  counters_.appends_sent += 1;
  // Who waits for a snapshot that got lost lacks all of it, and asks again.
  const Index last = p.sync == Sync::kSnapshot ? last_
                     : entries.empty()         ? p.sent
                                               : entries.back().index;
  if (!entries.empty()) {
    std::size_t bytes = 0;
    for (const EntryRef& entry : entries) bytes += entry.bytes->size();
    p.flight.push_back({last, bytes});
    p.flight_bytes += bytes;
  }
  push(act::Send{p.member, peer::Append{epoch_, std::move(entries), last, committed_, now}});
}

void Member::on_log_read(MemberId to, std::vector<EntryRef> entries, MonoTime now) {
  Peer& p = peer(to);
  if (!leads() || !p.reading || p.sync != Sync::kStreaming) return;
  p.reading = false;
  if (entries.empty()) return;  // the next beat asks again
  if (entries.front().index.value != p.sent.value + 1) return pump(p, now);
  while (!entries.empty() && entries.back().index > last_) entries.pop_back();
  if (entries.empty()) return;
  p.sent = entries.back().index;
  send_append(p, std::move(entries), now);
  pump(p, now);
}

void Member::on_log_gone(MemberId to, MonoTime) {
  Peer& p = peer(to);
  if (leads() && p.reading && p.sync == Sync::kStreaming) start_snapshot(p);
}

void Member::start_snapshot(Peer& p) {
  p.sync = Sync::kSnapshot;
  p.acked = {};
  p.reading = true;
  counters_.snapshots_sent += 1;
  push(act::ReadSnapshot{p.member, {}, 0});
}

void Member::on_snapshot_read(MemberId to, peer::SnapshotPart part, MonoTime now) {
  Peer& p = peer(to);
  if (!leads() || p.sync != Sync::kSnapshot || !p.reading) return;
  p.reading = false;
  if (part.total == 0) {
    report("member " + std::to_string(to.value) +
               " needs a snapshot and there is none yet: it is served when one was made",
           true);
    p.sync = Sync::kAsked;
    return;
  }
  part.epoch = epoch_;
  part.round = p.round;
  (void)now;
  push(act::Send{to, std::move(part)});
}

void Member::take(MemberId from, const peer::SnapshotAck& ack, MonoTime) {
  Peer& p = peer(from);
  if (!leads() || ack.epoch != epoch_ || p.sync != Sync::kSnapshot || p.reading ||
      ack.round != p.round)
    return;
  p.reading = true;
  push(act::ReadSnapshot{from, {}, ack.offset});
}

// ---- entries and commits

void Member::on_appended(const EntryRef& entry, MonoTime now) {
  CHECK(leads());
  CHECK(entry.epoch == epoch_);
  CHECK(entry.index.value == last_.value + 1);
  history_.note(entry.epoch, entry.index);
  last_ = entry.index;
  if (!epoch_start_) epoch_start_ = entry.index;
  window_.push_back(entry);
  window_bytes_ += entry.bytes->size();
  if (last_.value - released_.value >= limits::kEntriesInFlightMax) counters_.window_full += 1;
  Index sent = last_;
  for (auto& [member, p] : peers_) {
    if (p.sync != Sync::kStreaming || !p.linked) continue;
    pump(p, now);
    sent = std::min(sent, p.sent);
  }
  // The tail is kept for who keeps up; the others are served from the journal, where it has to be
  // by then.
  sent = std::min(sent, persisted_);
  while (!window_.empty() && (window_.front().index <= sent || window_bytes_ > kWindowBytesMax ||
                              window_.size() > kWindowEntriesMax)) {
    window_bytes_ -= window_.front().bytes->size();
    window_.pop_front();
  }
}

void Member::take(MemberId from, const peer::Ack& ack, MonoTime now) {
  Peer& p = peer(from);
  if (!leads() || ack.epoch != epoch_ || !p.incarnation || *p.incarnation != ack.member ||
      p.sync != Sync::kStreaming || ack.index > p.sent) {
    counters_.acks_ignored += 1;
    if (leads() && ack.epoch > epoch_) take(from, peer::Superseded{ack.epoch}, now);
    return;
  }
  if (now - ack.sent > settings_.egress_hold) counters_.stale_acks += 1;
  p.rebuilding = ack.rebuilding;
  p.fresh = std::max(p.fresh, ack.sent);
  p.taken |= ack.sent >= p.followed;
  if (ack.index > p.acked) p.acked = p.known = ack.index;
  for (; !p.flight.empty() && p.flight.front().last <= p.acked; p.flight.pop_front())
    p.flight_bytes -= p.flight.front().bytes;
  pump(p, now);
  advance_commit(now);
  drive_hand_over(now);
}

std::vector<Incarnation> Member::commit_set() const {
  std::vector<Incarnation> set = record_->in_sync;
  if (pending_ && (pending_->purpose == Purpose::kGrow || pending_->purpose == Purpose::kEject))
    for (const Incarnation& i : pending_->proposed.in_sync)
      if (std::find(set.begin(), set.end(), i) == set.end()) set.push_back(i);
  return set;
}

void Member::advance_commit(MonoTime now) {
  if (!leads() || !epoch_start_) return;
  const auto set = commit_set();
  std::size_t sync_members = 0;
  for (const MemberConfig& config : record_->members) sync_members += config.role == Role::kSync;
  const bool alone = set.size() == 1 && sync_members > 1;
  if (alone != unprotected_) {
    unprotected_ = alone;
    push(act::Unprotected{alone});
    if (alone)
      report(
          settings_.unprotected == Unprotected::kContinue
              ? "unprotected: no other member is in sync; every entry is fsynced before it counts"
              : "halted: no other member is in sync; nothing is committed until one is",
          true);
    else
      report("protected again");
  }
  if (alone && settings_.unprotected == Unprotected::kHalt) return;
  Index index = persisted_;
  for (const Incarnation& i : set) {
    if (i == settings_.self) continue;
    const auto found = peers_.find(i.member);
    if (found == peers_.end() || found->second.incarnation != i ||
        found->second.sync != Sync::kStreaming)
      return;
    index = std::min(index, found->second.acked);
  }
  if (index < epoch_start_) return;
  if (index > committed_) committed_ = index;
  if (state_ == MemberState::kLeading) become(MemberState::kServing, Why::kEpochCommitted, "");
  release(now);
}

bool Member::fresh(MonoTime now) const {
  const auto set = commit_set();
  for (const Incarnation& i : set) {
    if (i == settings_.self) continue;
    const auto found = peers_.find(i.member);
    if (found == peers_.end() || now - found->second.fresh > settings_.egress_hold) return false;
  }
  if (unprotected_ && now - record_read_ > settings_.egress_hold) return false;
  return true;
}

void Member::release(MonoTime now) {
  if (!leads() || state_ != MemberState::kServing || released_ >= committed_) return;
  if (fresh(now)) {
    released_ = committed_;
    push(act::Commit{released_});
    return;
  }
  // What is committed is in the next leader's log too, so holding it loses nothing. It leaves after
  // a round trip that begins now, or never, because somebody else leads.
  counters_.egress_held += 1;
  for (auto& [member, p] : peers_)
    if (p.sync == Sync::kStreaming && p.linked && now - p.last_append > Duration::milliseconds(1) &&
        now - p.fresh > settings_.egress_hold)
      send_append(p, {}, now);
  if (unprotected_) read_record(now);
}

// ---- the in-sync set

void Member::mend_in_sync(MonoTime now) {
  if (!leads() || pending_ || !record_ || record_->epoch != epoch_) return;
  GroupRecord next = next_record();
  std::string names;
  std::erase_if(next.in_sync, [&](const Incarnation& i) {
    if (i == settings_.self) return false;
    Peer& p = peer(i.member);
    const bool other_life = p.linked && p.incarnation && *p.incarnation != i;
    const bool member = role_of(*record_, i.member).has_value();
    const bool out =
        other_life || !member || (p.gone && !p.linked) || now - p.heard > settings_.eject;
    if (out) {
      names += " " + std::to_string(i.member.value);
      p.ejections = std::min(p.ejections + 1, 6u);
    }
    return out;
  });
  if (!names.empty()) {
    counters_.ejected += 1;
    report("member" + names + " leaves the in-sync set: it is not heard", true);
    ask(Purpose::kEject, Why::kLeaderSilent, std::move(next));
    return;
  }
  if (!epoch_start_ || parked_) return;
  for (auto& [member, p] : peers_) {
    if (p.sync != Sync::kStreaming || !p.linked || !p.incarnation) continue;
    if (p.acked < committed_ || p.acked < epoch_start_) {
      p.level_since = p.acked.value + kWindowEntriesMax < committed_.value ? now : p.level_since;
      continue;
    }
    if (is_in_sync(*record_, *p.incarnation)) continue;
    if (role_of(*record_, member) != Role::kSync) continue;
    // Who fell out lately waits longer, so that one bad link does not change the set all the time.
    if (now - p.level_since < kLevelFor * (int64_t{1} << p.ejections) && p.ejections > 0) continue;
    next.in_sync.push_back(*p.incarnation);
    counters_.grown += 1;
    report("member " + std::to_string(member.value) + " joins the in-sync set");
    ask(Purpose::kGrow, Why::kRecordRead, std::move(next));
    return;
  }
  next.format = format_of_all();
  if (state_ != MemberState::kServing || next.format <= record_->format) return;
  report("all members know entry format " + std::to_string(next.format) +
         ": it is written from "
         "here on");
  ask(Purpose::kUpdate, Why::kRecordRead, std::move(next));
}

/// The highest that all know, by members that are here; the record's as long as one is missing.
uint16_t Member::format_of_all() const {
  uint16_t known = settings_.format;
  for (const MemberConfig& config : record_->members) {
    if (config.member == settings_.self.member) continue;
    const auto found = peers_.find(config.member);
    if (found == peers_.end() || !found->second.linked) return record_->format;
    known = std::min(known, found->second.format);
  }
  return known;
}

void Member::beat(MonoTime now) {
  for (auto& [member, p] : peers_) {
    // Beats to who takes nothing wait in front of the first one that it will take.
    const Duration silence{(now - p.heard).ns / kBeatsInSilence};
    const Duration every = std::clamp(silence, settings_.beat, std::max(settings_.beat, kBeatMax));
    if (!p.linked || now - p.last_append < every) continue;
    if (p.sync == Sync::kStreaming) {
      pump(p, now);
      if (now - p.last_append >= every) send_append(p, {}, now);
    } else if (p.sync == Sync::kSnapshot) {
      send_append(p, {}, now);
    } else {
      p.last_append = now;
      greet(p, now);
    }
  }
}

// A leader that nobody acknowledges and that can't ask the arbiter does not know that it leads.
void Member::watch_over(MonoTime now) {
  bool silent = false;
  for (const Incarnation& i : commit_set()) {
    if (i == settings_.self) continue;
    const Peer& p = peer(i.member);
    silent |= now - std::max(p.fresh, p.heard) > settings_.suspect;
  }
  silent |= unprotected_ && now - record_read_ > settings_.suspect;
  if (!silent) {
    unconfirmed_since_ = now;
    return;
  }
  if (now - record_read_ <= settings_.suspect) return;
  if (now - unconfirmed_since_ <= settings_.suspect) return;
  step_down(Why::kUnconfirmed, "no acknowledgement and no answer of the arbiter", now);
}

// ---- planned hand-over

Result<> Member::hand_over(MemberId to, MonoTime now) {
  if (state_ != MemberState::kServing)
    return Error{ErrorCode::kConflict, "this member does not lead"};
  if (hand_over_to_) return Error{ErrorCode::kConflict, "a hand-over is under way"};
  const auto found = peers_.find(to);
  if (found == peers_.end())
    return Error{ErrorCode::kNotFound, "no member " + std::to_string(to.value)};
  const Peer& p = found->second;
  if (!p.linked || !p.incarnation || !is_in_sync(*record_, *p.incarnation))
    return Error{ErrorCode::kConflict, "member " + std::to_string(to.value) + " is not in sync"};
  hand_over_to_ = to;
  hand_over_by_ = now + settings_.hand_over_wait;
  drive_hand_over(now);
  return success();
}

void Member::end_hand_over() {
  hand_over_to_.reset();
  handed_over_ = false;
  if (std::exchange(parked_, false)) push(act::Park{false});
}

void Member::drive_hand_over(MonoTime now) {
  if (!hand_over_to_) return;
  const Peer& p = peer(*hand_over_to_);
  if (now > hand_over_by_) {
    report("hand-over to member " + std::to_string(hand_over_to_->value) +
           " did not end in time: this member leads on");
    end_hand_over();
    return;
  }
  if (!parked_) {
    // Nobody waits for a replica that is rebuilt over there.
    if (p.rebuilding) return;
    parked_ = true;
    hand_over_by_ = now + settings_.hand_over;
    push(act::Park{true});
    return;  // what is open is sealed by that
  }
  if (handed_over_ || pending_ || released_ != last_ || p.acked != last_) return;
  handed_over_ = true;
  push(act::Send{*hand_over_to_, peer::HandOver{epoch_}});
}

void Member::resign(MonoTime now) {
  if (!leads()) return;
  for (auto& [member, p] : peers_)
    if (p.linked) push(act::Send{member, peer::Resign{epoch_}});
  step_down(Why::kLeaderResigned, "the process ends", now);
  become(MemberState::kFailed, Why::kLeaderResigned, "");
}

}  // namespace holdfast::replication
