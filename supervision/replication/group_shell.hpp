// One group's member on its node: does what the protocol core says, strictly in order, with the
// node's journal, arbiter and connections, and stands as a Log before the group's replica, which
// comes and goes as its actor is restarted. Decides nothing; everything from outside comes through
// hooks and interfaces, on the group's loop.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>

#include "supervision/replication/arbiter/arbiter.hpp"
#include "supervision/replication/journal/member_journal.hpp"

namespace holdfast::replication {

/// What the node provides.
struct GroupShellHooks {
  std::function<MonoTime()> now;
  std::function<void(MemberId, const PeerMessage&)> send;
  /// The process of an incarnation, when it is known and on a machine where it can be killed.
  std::function<std::optional<Victim>(const Incarnation&)> victim;
  /// Asks for the death of a superseded process by other means (its guard). Best effort.
  std::function<void(const Incarnation&)> fence;
  /// Leadership here has ended: reset the group's venue sockets now.
  std::function<void()> cut_egress;
  /// The leader, the epoch or the in-sync set may have changed.
  std::function<void()> changed;
  /// This copy was dropped: its incarnation is another from here on, peers have to be told.
  std::function<void()> renewed;
  std::function<void(const std::string& line, bool alarm)> report;
  /// Runs `work` on another thread, then `done` on the loop (on the loop's next turns, whatever
  /// became of the shell). `stop` becomes true when the process ends; no work may outlive the
  /// journal. None: everything is done on the loop.
  std::function<void(std::function<void(const std::atomic<bool>& stop)> work,
                     std::function<void()> done)>
      away = {};
  /// A replica has started, and had to apply so many entries for that.
  std::function<void(uint64_t entries)> replayed = {};
};

class GroupShell {
 public:
  /// `journal` and `arbiter` must outlive it. Settings are complete but for `self.data_dir`.
  GroupShell(MemberSettings settings, std::unique_ptr<MemberJournal> journal, Arbiter& arbiter,
             GroupShellHooks hooks);
  ~GroupShell();
  GroupShell(const GroupShell&) = delete;
  GroupShell& operator=(const GroupShell&) = delete;

  /// Reads what is on disk; then start() asks the arbiter.
  Result<> open();
  void start();

  // ---- inputs
  /// `format`: the highest entry format that its build knows.
  void link_up(const Incarnation& peer, uint16_t format = kEntryFormat);
  void link_down(MemberId peer, bool gone);
  void message(MemberId from, const PeerMessage& message);
  void tick();

  // ---- operators
  Result<> hand_over(MemberId to);
  /// Takes over from a leader that does not answer.
  Result<> cut_over();
  Result<> force();
  void resign();

  /// The log for a replica of this group; a later one takes its place.
  std::unique_ptr<Log> log();

  const Member& member() const { return *member_; }
  /// The digest of the replica's state after the last entry that is committed and applied here, as
  /// this replica took it or compared it. Index zero: none since it was rebuilt.
  struct StateHash {
    Index index;
    uint64_t digest = 0;
  };
  StateHash state_hash() const;
  const Incarnation& incarnation() const { return member_->settings().self; }
  /// Any thread: up to where a snapshot may reach.
  Index committed() const { return {committed_->load(std::memory_order_acquire)}; }
  /// Any thread: entries above must stay in the journal.
  Index needed() const { return {needed_.load(std::memory_order_relaxed)}; }
  /// Bytes of entries that came to the journal since the start.
  uint64_t bytes() const { return bytes_; }

 private:
  class GroupLog;
  class AwayReader;
  template <typename F>
  void input(F&& function);
  void carry_out();
  /// Calls the replica. What it throws ends the replica (its actor starts it again from the log),
  /// not the member's protocol, which others rely on.
  template <typename F>
  void tell(LogClient* client, F&& function);
  void start_member(Persisted persisted, const Uuid& data_dir);
  void persisted(Index index);
  void apply(Index upto);
  void catch_up();
  void lead_client();
  void fail(const Error& error);
  template <typename T>
  bool ok(const Result<T>& result);

  void execute(act::Send& a);
  void execute(act::Persist& a);
  void execute(act::PersistEpoch& a);
  void execute(act::Truncate& a);
  void execute(act::Install& a);
  void execute(act::ReadLog& a);
  void execute(act::ReadSnapshot& a);
  void execute(act::Commit& a);
  void execute(act::Lead& a);
  void execute(act::Format& a);
  void execute(act::StepDown& a);
  void execute(act::Park& a);
  void execute(act::CompareAndSet& a);
  void execute(act::ReadRecord& a);
  void execute(act::Unprotected& a);
  void execute(act::Wipe& a);
  void execute(act::Fence& a);
  void execute(act::Report& a);

  // -- from the replica's log
  Result<> join(GroupLog& log, LogClient& client, Index applied);
  void append(Index index, ByteView entry);
  void leave(GroupLog& log);
  void diverged(const std::string& why);
  bool away(std::function<void(const LogReader&)> work, std::function<void()> done);
  void log_replaced();
  void replica_gone();
  void installed(const Result<>& result);

  MemberSettings settings_;
  std::unique_ptr<MemberJournal> journal_;
  Arbiter& arbiter_;
  GroupShellHooks hooks_;
  std::shared_ptr<bool> alive_;  // answers that come after this is gone do nothing
  std::unique_ptr<Member> member_;
  bool carrying_ = false;
  struct Standing {
    MemberState state = MemberState::kStarting;
    Epoch epoch;
    std::optional<MemberId> leader;
    friend bool operator==(const Standing&, const Standing&) = default;
  } standing_;                        // as hooks.changed was last told
  std::deque<EntryRef> unpersisted_;  // handed to the journal; epochs of what is to come
  std::deque<EntryRef> undecided_;    // appended by this leader and not committed yet
  EntryRef settled_;                  // the last that is committed and applied; may have no bytes
  std::deque<EntryRef> unapplied_;    // followed and not applied yet

  GroupLog* log_ = nullptr;      // the replica's present one
  LogClient* client_ = nullptr;  // joined
  Index applied_;                // by the client
  bool client_leads_ = false;    // the present client was told to lead
  Epoch led_;                    // epoch that the latest client was told to lead
  Epoch lead_;                   // epoch to lead in; zero: none
  uint64_t generation_ = 0;      // of the log: another when it was replaced
  std::shared_ptr<void> kept_;   // by the last replica, for the next
  uint64_t bytes_ = 0;
  std::atomic<uint64_t> needed_{
      0};  // written on the loop now and then, read by who makes snapshots
  /// Written on the loop, read by the snapshot maker and by who rebuilds a replica.
  std::shared_ptr<std::atomic<uint64_t>> committed_ = std::make_shared<std::atomic<uint64_t>>(0);
};

}  // namespace holdfast::replication
