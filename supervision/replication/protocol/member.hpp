// One member of one replica group: primary-backup with the configuration kept by an arbiter (Lin et
// al., "PacificA: Replication in Log-Based Distributed Storage Systems", 2008). Time, messages,
// completions and the arbiter's answers go in; actions come out. It reads no clock, does no I/O and
// knows nothing of what entries mean, so the simulator runs this very code.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <string_view>

#include "supervision/replication/protocol/actions.hpp"

namespace holdfast::replication {

/// What happens to a leader whose in-sync set has shrunk to itself.
enum class Unprotected : uint8_t {
  kContinue,  // goes on with an alarm, while the arbiter confirms its epoch
  kHalt,      // commits nothing until another member is in sync
};

struct MemberSettings {
  std::string cluster;
  GroupId group;
  Incarnation self;
  /// Who belongs to the group when its record is founded, preferred leaders first.
  std::vector<MemberConfig> members;
  Unprotected unprotected = Unprotected::kContinue;
  uint16_t format = kEntryFormat;  // highest that this build reads and writes
  Duration beat = Duration::milliseconds(10);
  Duration egress_hold = Duration::milliseconds(100);
  Duration eject = Duration::milliseconds(150);
  Duration suspect = Duration::milliseconds(200);
  Duration retry = Duration::milliseconds(20);   // of the arbiter
  Duration stagger = Duration::milliseconds(3);  // between candidates, by preference
  Duration hand_over = Duration::milliseconds(500);
  /// Who would first have to rebuild its replica lets the others take over for so long; and a
  /// hand-over to it waits for it, before anything is parked, for as long as `hand_over_wait`.
  Duration rebuild_wait = Duration::milliseconds(30);
  Duration hand_over_wait = Duration::seconds(5);
  bool fence = true;  // ask for the death of a leader that is only suspected
};

/// kInvalid says which limits do not stand in their order.
Result<> check(const MemberSettings& settings);

/// What is on disk when a member starts.
struct Persisted {
  Epoch epoch_seen;
  Index last, committed;  // committed: at least the latest snapshot
  EpochHistory history;
};

enum class MemberState : uint8_t {
  kStarting,   // asks the arbiter
  kFollowing,  // takes entries, or waits for a leader
  kCandidate,  // asks to lead; acknowledges nobody
  kLeading,    // leads; its epoch start is not committed
  kServing,    // leads, and may release
  kFailed,     // its journal or its state can't go on
};
std::string_view to_text(MemberState state);

/// Why a transition was made; counted each.
enum class Why : uint8_t {
  kStarted,
  kRecordRead,
  kFounded,
  kLeaderLost,    // its connection ended and it answers no more
  kLeaderSilent,  // beats missed
  kOwnRecord,     // the record names a former life of this process
  kHandedOver,
  kLeaderResigned,
  kOrdered,  // an operator's fast cut: the leader does not answer
  kForced,
  kReleading,  // the leader's replica was rebuilt
  kWon,
  kLost,  // the compare-and-set
  kArbiterAway,
  kEpochCommitted,
  kSuperseded,   // a higher epoch was heard of
  kUnconfirmed,  // no acknowledgement and no arbiter
  kJournalFailed,
  kDiverged,
  kTooNew,  // the group writes a format that this build does not know
  kCount_,
};
std::string_view to_text(Why why);

/// For consoles, checkers and metrics.
struct MemberCounters {
  std::array<uint64_t, static_cast<std::size_t>(Why::kCount_)> transitions{};
  uint64_t appends_sent = 0, appends_taken = 0, acks_ignored = 0, stale_epochs = 0, gaps = 0;
  uint64_t ejected = 0, grown = 0, truncated = 0, snapshots_sent = 0, snapshots_installed = 0;
  uint64_t window_full = 0;     // appends that left no room for more before others acknowledge
  uint64_t egress_held = 0;     // commits that waited for a fresh round trip
  uint64_t egress_refused = 0;  // entries of a leader whose effects never left: deposed first
  uint64_t stale_acks = 0;      // acknowledgements of what was sent too long ago
  uint64_t late_ticks = 0;      // own late wake-ups that were discounted
  uint64_t records_refused = 0;
};

/// How a peer stands, as its leader sees it.
struct PeerView {
  MemberId member;
  bool linked = false, streaming = false, in_sync = false, rebuilding = false;
  Index acknowledged;
  MonoTime heard;
};

class Member {
 public:
  Member(MemberSettings settings, Persisted persisted);

  // ---- inputs, each at `now`; what shall be done is appended to `actions`

  void start(MonoTime now);
  /// The arbiter's record, read or watched; nothing when there is none.
  void on_record(const std::optional<GroupRecord>& record, MonoTime now);
  void on_read_failed(MonoTime now);
  void on_cas_won(uint64_t id, MonoTime now);
  void on_cas_lost(uint64_t id, const std::optional<GroupRecord>& current, MonoTime now);
  /// It may have happened or not: read again before anything else is asked.
  void on_cas_unknown(uint64_t id, MonoTime now);

  /// `format`: the highest entry format that its build knows.
  void on_link_up(const Incarnation& peer, MonoTime now, uint16_t format = kEntryFormat);
  /// `gone`: nothing listens there any more, so its process is dead.
  void on_link_down(MemberId peer, bool gone, MonoTime now);
  void on_message(MemberId from, const PeerMessage& message, MonoTime now);

  /// The replica led here has sealed an entry, and it was handed to the journal.
  void on_appended(const EntryRef& entry, MonoTime now);
  /// `epoch` is that of the entry: an answer for what was truncated since is recognised by it.
  void on_persisted(Index index, Epoch epoch, MonoTime now);
  /// Entries read for a peer. Empty: not written yet.
  void on_log_read(MemberId to, std::vector<EntryRef> entries, MonoTime now);
  /// They are below what the journal keeps: only a snapshot helps.
  void on_log_gone(MemberId to, MonoTime now);
  /// `total` zero: there is no snapshot to send.
  void on_snapshot_read(MemberId to, peer::SnapshotPart part, MonoTime now);
  /// The snapshot of the last Install has taken the log's place.
  void on_installed(MonoTime now);
  /// The journal takes nothing more.
  void on_log_failed(const std::string& why, MonoTime now);
  /// Applying showed that this copy is not what the leader has: it stops and asks for a snapshot.
  void on_diverged(const std::string& why, MonoTime now);
  void tick(MonoTime now);

  // ---- operators and the replica's shell

  /// Whether the replica here could lead at once. Who is not ready lets others lead first.
  void ready(bool ready, MonoTime now);
  /// Leads again under a new epoch: the replica was rebuilt here.
  void relead(MonoTime now);
  /// kConflict, kNotFound: why not. Progress shows in parked() and in state().
  Result<> hand_over(MemberId to, MonoTime now);
  /// Takes over now, whether or not the leader is suspected: fence, compare-and-set, lead. By the
  /// same rule as any take-over: only for a member that is in sync. kConflict: why not.
  Result<> cut_over(MonoTime now);
  /// Leads whatever the record says; `in_sync` becomes this member alone. The caller has proof that
  /// no listed member lives, or an operator's word for it.
  Result<> force(MonoTime now);
  /// The process ends in good order: who can, takes over now.
  void resign(MonoTime now);

  std::vector<Action>& actions() { return actions_; }

  // ---- views

  MemberState state() const { return state_; }
  bool leads() const { return state_ == MemberState::kLeading || state_ == MemberState::kServing; }
  Epoch epoch() const { return epoch_; }
  /// Of an entry in the log; zero below what is known.
  Epoch epoch_of(Index index) const { return history_.at(index); }
  Index last() const { return last_; }
  Index committed() const { return committed_; }
  Index released() const { return released_; }
  bool parked() const { return parked_; }
  /// Who is to lead after a hand-over under way, and when that is called off.
  std::optional<MemberId> hand_over_to() const { return hand_over_to_; }
  MonoTime hand_over_by() const { return hand_over_by_; }
  /// Entries above may be lacked by a member, as far as is known here, and at most
  /// kEntriesKeptMax of them: what a snapshot must not take out of the journal. Only a leader knows
  /// where others stand; everybody else keeps as many.
  Index needed() const;
  /// Leads, and a round trip not older than `egress_hold` says so.
  bool confirmed(MonoTime now) const { return leads() && fresh(now); }
  bool unprotected() const;
  const std::optional<GroupRecord>& record() const { return record_; }
  std::optional<MemberId> leader() const { return leader_; }
  const MemberSettings& settings() const { return settings_; }
  const MemberCounters& counters() const { return counters_; }
  std::vector<PeerView> peers() const;

 private:
  enum class Sync : uint8_t { kUnknown, kAsked, kStreaming, kSnapshot };
  struct Peer {
    MemberId member;
    std::optional<Incarnation> incarnation;  // of its present or last link
    bool linked = false, gone = false, resigned = false, rebuilding = false;
    uint16_t format = 0;  // that its build knows; of the present or last link
    MonoTime heard;       // anything at all
    // what a leader knows of it in this epoch
    Sync sync = Sync::kUnknown;
    Index sent, acked;
    struct Flight {
      Index last;
      std::size_t bytes = 0;
    };
    std::deque<Flight> flight;  // Appends with entries that it has not acknowledged
    std::size_t flight_bytes = 0;
    MonoTime followed;   // when Follow left; an Ack of what left since shows that it was taken
    bool taken = false;  // it was: more than the first part may be on its way
    Index known;         // that it was seen to hold, in whichever epoch
    bool reading = false;
    uint64_t round = 0;
    MonoTime fresh;  // when the newest acknowledged Append left
    MonoTime last_append;
    MonoTime level_since;
    uint32_t ejections = 0;
  };
  enum class Purpose : uint8_t { kFound, kTakeOver, kEject, kGrow, kRelead, kForce, kUpdate };
  struct Pending {
    uint64_t id;
    Purpose purpose;
    Why why;
    GroupRecord proposed;
    bool unresolved = false;  // the answer was lost: only a read can tell
  };

  void become(MemberState state, Why why, const std::string& text);
  template <typename A>
  void push(A&& action) {
    actions_.emplace_back(std::forward<A>(action));
  }
  void report(std::string text, bool alarm = false) { push(act::Report{std::move(text), alarm}); }
  Peer& peer(MemberId member);
  void see_epoch(Epoch epoch);

  // -- the record and the arbiter (member_record.cpp)
  bool listed() const;  // this incarnation is in sync by the record
  void ask(Purpose purpose, Why why, GroupRecord proposed);
  void ask_again();
  void note_change(const std::optional<GroupRecord>& before, MonoTime now);
  GroupRecord next_record() const;
  void adopt(const GroupRecord& record, MonoTime now);
  bool too_new(const GroupRecord& record, MonoTime now);
  uint16_t format_of_all() const;
  void won(MonoTime now);
  void not_won(Why why, MonoTime now);
  void read_record(MonoTime now);
  void found(MonoTime now);
  void take_over(Why why, bool keep_old, MonoTime now);
  void suspect(MonoTime now);
  Duration patience() const;

  // -- following (member_follower.cpp)
  void follow(MemberId leader, const peer::Lead& lead, MonoTime now);
  void stand(MonoTime now);
  void say_stand(MonoTime now);
  void stand_again(MonoTime now);
  /// The present leader was asked in this epoch and may still answer, or is sending a snapshot.
  bool asking() const { return (round_open_ || receiving_) && asked_of_ == leader_; }
  void take(MemberId from, const peer::Lead& lead, MonoTime now);
  void take(MemberId from, const peer::Follow& follow, MonoTime now);
  void take(MemberId from, const peer::Append& append, MonoTime now);
  void take(MemberId from, const peer::SnapshotPart& part, MonoTime now);
  void take(MemberId from, const peer::HandOver& offer, MonoTime now);
  void take(MemberId from, const peer::Resign& resign, MonoTime now);
  bool from_leader(MemberId from, Epoch epoch);
  void acknowledge();

  // -- leading (member_leader.cpp)
  void begin_to_lead(Epoch epoch, Why why, MonoTime now);
  void step_down(Why why, const std::string& text, MonoTime now);
  void take(MemberId from, const peer::Stand& stand, MonoTime now);
  void take(MemberId from, const peer::Ack& ack, MonoTime now);
  void take(MemberId from, const peer::Superseded& superseded, MonoTime now);
  void take(MemberId from, const peer::SnapshotAck& ack, MonoTime now);
  void greet(Peer& peer, MonoTime now);
  void pump(Peer& peer, MonoTime now);
  static bool has_room(const Peer& peer);
  static void rewind(Peer& peer, Index to);
  void send_append(Peer& peer, std::vector<EntryRef> entries, MonoTime now);
  void start_snapshot(Peer& peer);
  std::vector<Incarnation> commit_set() const;
  void advance_commit(MonoTime now);
  bool fresh(MonoTime now) const;
  void release(MonoTime now);
  void mend_in_sync(MonoTime now);
  void beat(MonoTime now);
  void watch_over(MonoTime now);
  void drive_hand_over(MonoTime now);
  void end_hand_over();

  MemberSettings settings_;
  std::vector<Action> actions_;
  MemberState state_ = MemberState::kStarting;
  MemberCounters counters_;

  // the log
  EpochHistory history_;
  Index last_, persisted_, committed_, released_;
  std::deque<EntryRef> window_;  // the log's tail, for peers that keep up
  std::size_t window_bytes_ = 0;

  // epochs and the record
  Epoch epoch_;  // highest seen, persisted
  std::optional<GroupRecord> record_;
  std::optional<Pending> pending_;
  MonoTime record_read_, read_asked_, asked_at_, tick_;
  bool reading_record_ = false;
  uint32_t unanswered_ = 0;  // questions to the arbiter since it last answered one
  bool ticked_ = false, unprotected_ = false, missing_reported_ = false;
  uint64_t asked_ = 0;
  // Leaders that were taken over and turned out to be alive: each makes suspicion slower.
  uint32_t flaps_ = 0;
  MonoTime flap_forgotten_;
  std::optional<MemberId> former_leader_;
  MonoTime former_until_;

  // following
  std::optional<MemberId> leader_;
  std::optional<MonoTime> suspected_;
  Why suspicion_ = Why::kLeaderSilent;
  MonoTime leader_heard_, sent_seen_;
  bool following_ = false;  // Follow was taken in this epoch
  uint64_t round_ = 0;
  bool round_open_ = false, receiving_ = false, ack_due_ = false;
  std::optional<MemberId> asked_of_;  // the latest Stand went to
  MonoTime stood_;
  Duration stand_wait_ = settings_.retry;  // for an answer; doubles until one comes in time
  Snapshot incoming_;
  uint64_t incoming_total_ = 0;
  std::optional<Position> installing_;  // the log is being replaced
  bool ready_ = true;

  // leading
  std::map<MemberId, Peer> peers_;
  Index epoch_start_;
  bool lead_asked_ = false;
  std::optional<MemberId> hand_over_to_;
  bool parked_ = false, handed_over_ = false;
  MonoTime hand_over_by_, unconfirmed_since_;
};

}  // namespace holdfast::replication
