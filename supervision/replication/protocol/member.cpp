#include "supervision/replication/protocol/member.hpp"

#include <algorithm>

namespace holdfast::replication {

namespace {
constexpr Duration kLateTick = Duration::milliseconds(30);
constexpr Duration kFlapForgotten = Duration::seconds(10);
}  // namespace

std::string_view to_text(MemberState state) {
  switch (state) {
    case MemberState::kStarting:
      return "starting";
    case MemberState::kFollowing:
      return "following";
    case MemberState::kCandidate:
      return "candidate";
    case MemberState::kLeading:
      return "leading";
    case MemberState::kServing:
      return "serving";
    case MemberState::kFailed:
      return "failed";
  }
  return "?";
}

std::string_view to_text(Why why) {
  switch (why) {
    case Why::kStarted:
      return "started";
    case Why::kRecordRead:
      return "record_read";
    case Why::kFounded:
      return "founded";
    case Why::kLeaderLost:
      return "leader_lost";
    case Why::kLeaderSilent:
      return "leader_silent";
    case Why::kOwnRecord:
      return "own_record";
    case Why::kHandedOver:
      return "handed_over";
    case Why::kLeaderResigned:
      return "leader_resigned";
    case Why::kOrdered:
      return "an operator ordered a fast cut";
    case Why::kForced:
      return "forced";
    case Why::kReleading:
      return "releading";
    case Why::kWon:
      return "won";
    case Why::kLost:
      return "lost";
    case Why::kArbiterAway:
      return "arbiter_away";
    case Why::kEpochCommitted:
      return "epoch_committed";
    case Why::kSuperseded:
      return "superseded";
    case Why::kUnconfirmed:
      return "unconfirmed";
    case Why::kJournalFailed:
      return "journal_failed";
    case Why::kDiverged:
      return "diverged";
    case Why::kTooNew:
      return "too_new";
    case Why::kCount_:
      break;
  }
  return "?";
}

Result<> check(const MemberSettings& s) {
  const auto bad = [](const char* text) { return Error{ErrorCode::kInvalid, text}; };
  if (!s.group || !s.self.member || !s.self.data_dir || !s.self.boot)
    return bad("replication: group, member, data directory and boot id must be set");
  if (s.members.empty()) return bad("replication: a group needs members");
  if (s.beat.ns <= 0 || s.beat.ns * 3 > s.egress_hold.ns)
    return bad("replication: egress_hold must be at least three beats");
  if (s.egress_hold >= s.eject || s.eject >= s.suspect)
    return bad("replication: egress_hold < eject < suspect must hold");
  return success();
}

Member::Member(MemberSettings settings, Persisted persisted)
    : settings_(std::move(settings)),
      history_(std::move(persisted.history)),
      last_(persisted.last),
      persisted_(persisted.last),
      committed_(persisted.committed),
      released_(persisted.committed),
      epoch_(persisted.epoch_seen) {
  CHECK(check(settings_).ok());
  CHECK(committed_ <= last_);
}

// ---- transitions: here and nowhere else

void Member::become(MemberState state, Why why, const std::string& text) {
  counters_.transitions[static_cast<std::size_t>(why)] += 1;
  if (state != state_)
    report(std::string(to_text(state_)) + " -> " + std::string(to_text(state)) +
           " reason=" + std::string(to_text(why)) + " epoch=" + std::to_string(epoch_.value) +
           " last=" + std::to_string(last_.value) +
           " committed=" + std::to_string(committed_.value) + (text.empty() ? "" : " " + text));
  state_ = state;
}

void Member::see_epoch(Epoch epoch) {
  if (epoch <= epoch_) return;
  epoch_ = epoch;
  following_ = false;
  round_open_ = receiving_ = false;
  stand_wait_ = settings_.retry;
  push(act::PersistEpoch{epoch});
}

Member::Peer& Member::peer(MemberId member) {
  const auto [it, fresh] = peers_.try_emplace(member);
  if (fresh) {
    it->second.member = member;
    it->second.heard = tick_;
  }
  return it->second;
}

std::vector<PeerView> Member::peers() const {
  std::vector<PeerView> views;
  for (const auto& [member, p] : peers_)
    views.push_back({member, p.linked, p.sync == Sync::kStreaming,
                     record_ && p.incarnation && is_in_sync(*record_, *p.incarnation), p.rebuilding,
                     p.acked, p.heard});
  return views;
}

Index Member::needed() const {
  Index needed = leads() ? last_ : Index{};
  if (leads() && record_)
    for (const MemberConfig& config : record_->members) {
      if (config.member == settings_.self.member) continue;
      const auto found = peers_.find(config.member);
      needed = std::min(needed, found == peers_.end() ? Index{} : found->second.known);
    }
  return {std::max(needed.value, last_.value - std::min(last_.value, kEntriesKeptMax))};
}

bool Member::unprotected() const { return leads() && unprotected_; }

// ---- links and messages

void Member::on_link_up(const Incarnation& incarnation, MonoTime now, uint16_t format) {
  if (incarnation.member == settings_.self.member) return;
  Peer& p = peer(incarnation.member);
  if (p.incarnation && *p.incarnation != incarnation)
    p.sync = Sync::kUnknown, p.acked = p.known = {};
  p.incarnation = incarnation;
  p.linked = true;
  p.format = format;
  p.gone = p.resigned = false;
  p.heard = now;
  if (leads()) {
    greet(p, now);
    mend_in_sync(now);
  } else if (state_ == MemberState::kFollowing && leader_ == incarnation.member) {
    stand(now);
  }
}

void Member::on_link_down(MemberId member, bool gone, MonoTime now) {
  Peer& p = peer(member);
  p.linked = false;
  p.gone = p.gone || gone;
  p.reading = false;
  if (leads()) {
    p.sync = Sync::kUnknown;
    mend_in_sync(now);
  } else {
    suspect(now);
  }
}

void Member::on_message(MemberId from, const PeerMessage& message, MonoTime now) {
  Peer& p = peer(from);
  p.heard = now;
  // Who is heard is there, whatever was said of its connection.
  if (!p.linked && p.incarnation) {
    p.linked = true;
    p.gone = false;
  }
  if (former_leader_ == from && std::holds_alternative<peer::Append>(message)) {
    if (now < former_until_) {
      flaps_ = std::min(flaps_ + 1, 4u);
      flap_forgotten_ = now + kFlapForgotten;
    }
    former_leader_.reset();
  }
  // Nothing is acknowledged before the arbiter was read, nor by a copy that can't go on.
  if (state_ == MemberState::kStarting || state_ == MemberState::kFailed) return;
  std::visit([&](const auto& m) { take(from, m, now); }, message);
}

// ---- the journal

void Member::on_persisted(Index index, Epoch epoch, MonoTime now) {
  if (index > last_ || history_.at(index) != epoch || index <= persisted_) return;
  persisted_ = index;
  if (leads()) return advance_commit(now);
  if (ack_due_) acknowledge();
}

void Member::on_log_failed(const std::string& why, MonoTime now) {
  if (state_ == MemberState::kFailed) return;
  if (leads()) {
    for (auto& [member, p] : peers_)
      if (p.linked) push(act::Send{member, peer::Resign{epoch_}});
    step_down(Why::kJournalFailed, why, now);
  }
  become(MemberState::kFailed, Why::kJournalFailed, why);
  report("the journal takes nothing more: " + why, true);
}

void Member::on_diverged(const std::string& why, MonoTime now) {
  if (state_ == MemberState::kFailed || installing_) return;
  if (leads()) step_down(Why::kDiverged, why, now);
  become(MemberState::kFailed, Why::kDiverged, why);
  report("this copy is not what the group has: " + why +
             "; it is saved for inspection and rebuilt from the leader",
         true);
  push(act::Wipe{why});
}

void Member::ready(bool ready, MonoTime now) {
  if (std::exchange(ready_, ready) == ready || state_ != MemberState::kFollowing) return;
  if (following_ && !ack_due_) acknowledge();
  suspect(now);
}

// ---- time

void Member::tick(MonoTime now) {
  if (ticked_ && now - tick_ > kLateTick) {
    // Whoever slept could not hear: that is not the others' silence. (What makes the wire safe,
    // the age of acknowledgements, is never discounted.)
    const Duration late = now - tick_ - settings_.beat;
    counters_.late_ticks += 1;
    leader_heard_ = leader_heard_ + late;
    for (auto& [member, p] : peers_) p.heard = p.heard + late;
  }
  ticked_ = true;
  tick_ = now;
  if (flaps_ > 0 && now >= flap_forgotten_) {
    flaps_ -= 1;
    flap_forgotten_ = now + kFlapForgotten;
  }
  if (state_ == MemberState::kFailed) return;
  const bool must_know =
      state_ == MemberState::kStarting || !record_ || (pending_ && pending_->unresolved);
  const bool alone = leads() && unprotected_;
  const Duration every = must_know ? settings_.retry
                         : alone   ? Duration{settings_.egress_hold.ns / 3}
                                   : settings_.suspect;
  if (now - read_asked_ >= every && (must_know || alone || !leads() || !fresh(now)))
    read_record(now);
  if (leads()) {
    beat(now);
    mend_in_sync(now);
    watch_over(now);
    drive_hand_over(now);
    release(now);
  } else if (state_ == MemberState::kFollowing) {
    suspect(now);
  } else if (state_ == MemberState::kCandidate && pending_ && pending_->unresolved && leader_ &&
             now - peer(*leader_).heard < settings_.beat * 2) {
    // The arbiter is away and the leader is there again. Should the question turn out to be won,
    // everything acknowledged meanwhile is in this log.
    become(MemberState::kFollowing, Why::kArbiterAway, "");
  }
}

}  // namespace holdfast::replication
