#include "supervision/replication/group_shell.hpp"

#include <utility>

namespace holdfast::replication {

/// What a replica holds. The shell knows the latest; an older one does nothing any more.
class GroupShell::GroupLog final : public Log {
 public:
  explicit GroupLog(GroupShell& shell)
      : shell_(&shell), alive_(shell.alive_), generation_(shell.generation_) {}
  ~GroupLog() override {
    if (!alive_.expired()) shell_->leave(*this);
  }
  void append(Index index, ByteView entry) override {
    if (current()) shell_->append(index, entry);
  }
  void on_committed(std::function<void(Index)> callback) override {
    committed = std::move(callback);
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    failed = std::move(callback);
  }
  Durability durability() const override { return shell_->journal_->durability(); }
  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return shell_->journal_->latest_snapshot();
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    shell_->journal_->flush();
    return shell_->journal_->read(from, visit);
  }
  Index known_committed() const override { return shell_->member_->released(); }
  Result<> join(LogClient& client, Index applied, Epoch) override {
    return shell_->join(*this, client, applied);
  }
  void diverged(const std::string& why) override {
    if (current()) shell_->diverged(why);
  }
  bool away(std::function<void(const LogReader&)> work, std::function<void()> done) override {
    return current() && shell_->away(std::move(work), std::move(done));
  }
  bool replaced() override {
    return current() && std::exchange(generation_, shell_->generation_) != shell_->generation_;
  }
  void keep(std::shared_ptr<void> state) override {
    if (current() && generation_ == shell_->generation_) shell_->kept_ = std::move(state);
  }
  std::shared_ptr<void> kept() override {
    return current() ? std::exchange(shell_->kept_, nullptr) : nullptr;
  }
  void replayed(uint64_t entries) override {
    if (current() && shell_->hooks_.replayed) shell_->hooks_.replayed(entries);
  }
  /// A group of more members has its epochs from the arbiter.
  Result<Epoch> raise_epoch(Epoch) override {
    return Error{ErrorCode::kConflict, "this group's epochs come from the arbiter"};
  }

  std::function<void(Index)> committed;
  std::function<void(const Error&)> failed;

 private:
  bool current() const { return !alive_.expired() && shell_->log_ == this; }
  GroupShell* shell_;
  std::weak_ptr<bool> alive_;
  uint64_t generation_;
};

/// The journal for who reads it on another thread, up to what is committed by then.
class GroupShell::AwayReader final : public LogReader {
 public:
  AwayReader(std::shared_ptr<const LogReader> journal,
             std::shared_ptr<const std::atomic<uint64_t>> committed, const std::atomic<bool>& stop)
      : journal_(std::move(journal)), committed_(std::move(committed)), stop_(stop) {}
  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return journal_->latest_snapshot();
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    return journal_->read(from, [&](Index index, ByteView bytes) -> Result<> {
      if (stop_.load(std::memory_order_relaxed))
        return Error{ErrorCode::kUnavailable, "the process ends"};
      return visit(index, bytes);
    });
  }
  Index known_committed() const override { return {committed_->load(std::memory_order_acquire)}; }

 private:
  std::shared_ptr<const LogReader> journal_;
  std::shared_ptr<const std::atomic<uint64_t>> committed_;
  const std::atomic<bool>& stop_;
};

GroupShell::GroupShell(MemberSettings settings, std::unique_ptr<MemberJournal> journal,
                       Arbiter& arbiter, GroupShellHooks hooks)
    : settings_(std::move(settings)),
      journal_(std::move(journal)),
      arbiter_(arbiter),
      hooks_(std::move(hooks)),
      alive_(std::make_shared<bool>(true)) {}

GroupShell::~GroupShell() { arbiter_.unwatch(settings_.group); }

Result<> GroupShell::open() {
  auto persisted = journal_->load();
  if (!persisted) return persisted.error();
  auto data_dir = journal_->data_dir();
  if (!data_dir) return data_dir.error();
  journal_->on_persisted([this](Index index) { this->persisted(index); });
  journal_->on_failed([this](const Error& error) { fail(error); });
  start_member(std::move(persisted).value(), data_dir.value());
  return success();
}

void GroupShell::start_member(Persisted persisted, const Uuid& data_dir) {
  settings_.self.data_dir = data_dir;
  unpersisted_.clear();
  unapplied_.clear();
  undecided_.clear();
  settled_ = {};
  lead_ = led_ = {};
  member_ = std::make_unique<Member>(settings_, std::move(persisted));
  member_->ready(client_ != nullptr, hooks_.now());
  committed_->store(member_->released().value, std::memory_order_release);
}

void GroupShell::start() {
  arbiter_.watch(settings_.group,
                 [this, alive = std::weak_ptr<bool>(alive_)](const GroupRecord& record) {
                   if (alive.expired()) return;
                   input([&](MonoTime now) { member_->on_record(record, now); });
                 });
  input([&](MonoTime now) { member_->start(now); });
}

// ---- inputs and actions

template <typename F>
void GroupShell::input(F&& function) {
  function(hooks_.now());
  carry_out();
}

void GroupShell::carry_out() {
  if (std::exchange(carrying_, true)) return;  // what comes up meanwhile is done in its turn
  for (std::size_t i = 0; i < member_->actions().size(); ++i) {
    Action action = std::move(member_->actions()[i]);
    const Member* acting = member_.get();
    std::visit([this](auto& a) { execute(a); }, action);
    if (member_.get() != acting) i = static_cast<std::size_t>(-1);  // a new member's actions
  }
  member_->actions().clear();
  carrying_ = false;
  committed_->store(member_->released().value, std::memory_order_release);
  const Standing now{member_->state(), member_->epoch(), member_->leader()};
  if (now == standing_) return;
  standing_ = now;
  if (hooks_.changed) hooks_.changed();
}

template <typename F>
void GroupShell::tell(LogClient* client, F&& function) {
  if (!client) return;
  try {
    function(*client);
  } catch (const std::exception& error) {
    hooks_.report(std::string("its replica threw: ") + error.what(), true);
    if (log_ && log_->failed) log_->failed(Error{ErrorCode::kConflict, error.what()});
  }
}

template <typename T>
bool GroupShell::ok(const Result<T>& result) {
  if (result) return true;
  fail(result.error());
  return false;
}

void GroupShell::fail(const Error& error) {
  input([&](MonoTime now) { member_->on_log_failed(error.text, now); });
  if (log_ && log_->failed) log_->failed(error);
}

void GroupShell::link_up(const Incarnation& peer, uint16_t format) {
  input([&](MonoTime now) { member_->on_link_up(peer, now, format); });
}
void GroupShell::link_down(MemberId peer, bool gone) {
  input([&](MonoTime now) { member_->on_link_down(peer, gone, now); });
}
void GroupShell::message(MemberId from, const PeerMessage& message) {
  input([&](MonoTime now) { member_->on_message(from, message, now); });
}
void GroupShell::tick() {
  input([&](MonoTime now) {
    member_->tick(now);
    // It could not be asked for while another question was open.
    if (client_ && !client_leads_ && member_->leads() && led_ == lead_) member_->relead(now);
  });
  needed_.store(member_->needed().value, std::memory_order_relaxed);
}
void GroupShell::resign() {
  input([&](MonoTime now) { member_->resign(now); });
}
Result<> GroupShell::hand_over(MemberId to) {
  auto begun = member_->hand_over(to, hooks_.now());
  carry_out();
  return begun;
}
Result<> GroupShell::cut_over() {
  auto begun = member_->cut_over(hooks_.now());
  carry_out();
  return begun;
}
Result<> GroupShell::force() {
  auto begun = member_->force(hooks_.now());
  carry_out();
  return begun;
}

void GroupShell::execute(act::Send& a) { hooks_.send(a.to, a.message); }

void GroupShell::execute(act::Persist& a) {
  for (EntryRef& entry : a.entries) {
    bytes_ += entry.bytes->size();
    journal_->append(entry);
    unpersisted_.push_back({entry.index, entry.epoch, nullptr});
    unapplied_.push_back(std::move(entry));
  }
}

void GroupShell::persisted(Index index) {
  Epoch epoch;
  while (!unpersisted_.empty() && unpersisted_.front().index <= index) {
    epoch = unpersisted_.front().epoch;
    unpersisted_.pop_front();
  }
  if (!epoch) return;  // of what was dropped since
  input([&](MonoTime now) { member_->on_persisted(index, epoch, now); });
}

void GroupShell::execute(act::PersistEpoch& a) { (void)ok(journal_->put_epoch(a.epoch)); }

void GroupShell::execute(act::Truncate& a) {
  unpersisted_.clear();
  while (!unapplied_.empty() && unapplied_.back().index > a.last) unapplied_.pop_back();
  if (ok(journal_->truncate(a.last))) {
    // What is at or below and was on its way is written now.
    input([&](MonoTime now) { member_->on_persisted(a.last, member_->epoch_of(a.last), now); });
  }
}

void GroupShell::execute(act::Install& a) {
  unpersisted_.clear();
  unapplied_.clear();
  settled_ = {};
  journal_->flush();
  log_replaced();  // what is read of it from here on may be of both
  // Ten and more milliseconds, which are not the other groups'.
  auto snapshot = std::make_shared<Snapshot>(std::move(a.snapshot));
  auto result = std::make_shared<Result<>>(success());
  const auto work = [this, snapshot, result] { *result = journal_->install(*snapshot); };
  if (!hooks_.away) {
    work();
    return installed(*result);
  }
  hooks_.away([work](const std::atomic<bool>&) { work(); },
              [this, result, alive = std::weak_ptr<bool>(alive_)] {
                if (!alive.expired()) installed(*result);
              });
}

void GroupShell::installed(const Result<>& result) {
  if (!ok(result)) return;
  log_replaced();
  replica_gone();
  tell(std::exchange(client_, nullptr), [](LogClient& client) {
    client.deposed("a snapshot of the leader's takes the place of this state");
  });
  input([&](MonoTime now) { member_->on_installed(now); });
}

void GroupShell::execute(act::ReadLog& a) {
  journal_->flush();
  auto entries = journal_->read_some(a.from, a.bytes_max);
  if (!ok(entries)) return;
  const MonoTime now = hooks_.now();
  if (entries.value())
    member_->on_log_read(a.to, std::move(*entries.value()), now);
  else
    member_->on_log_gone(a.to, now);
}

void GroupShell::execute(act::ReadSnapshot& a) {
  auto part = journal_->snapshot_part(a.offset);
  if (!ok(part)) return;
  member_->on_snapshot_read(a.to, std::move(part).value(), hooks_.now());
}

void GroupShell::execute(act::Commit& a) {
  if (member_->leads()) {
    for (; !undecided_.empty() && undecided_.front().index <= a.index; undecided_.pop_front())
      settled_ = std::move(undecided_.front());
    // A replica that came after the one which led here has not applied what that one appended: it
    // reads it when it is told to lead.
    if (log_ && log_->committed && client_leads_ && led_ == member_->epoch())
      tell(client_, [&](LogClient&) { log_->committed(a.index); });
    return;
  }
  apply(a.index);
  catch_up();  // what was on disk before the start, and is known to be committed only now
}

void GroupShell::apply(Index upto) {
  while (!unapplied_.empty() && unapplied_.front().index <= upto) {
    const EntryRef entry = std::move(unapplied_.front());
    unapplied_.pop_front();
    // Without a replica there is nobody to tell: the next one reads the journal.
    if (!client_ || entry.index <= applied_) continue;
    if (entry.index.value != applied_.value + 1) {
      // It joined before these were written: read what lies between.
      auto read = journal_->read({applied_.value + 1}, [&](Index index, ByteView bytes) {
        if (index >= entry.index) return success();
        applied_ = index;
        tell(client_, [&](LogClient& client) { client.follow(index, bytes); });
        return success();
      });
      if (!ok(read) || !client_) return;
    }
    applied_ = entry.index;
    tell(client_, [&](LogClient& client) { client.follow(entry.index, *entry.bytes); });
    if (client_) settled_ = entry;
  }
}

void GroupShell::execute(act::Lead& a) {
  lead_ = a.epoch;
  undecided_.clear();
  unapplied_.clear();  // the replica reads the tail from the journal
  lead_client();
}

void GroupShell::lead_client() {
  if (!client_ || !lead_ || !member_->leads()) return;
  if (led_ == lead_) return;
  led_ = lead_;
  client_leads_ = true;
  tell(client_, [&](LogClient& client) {
    client.format(member_->record()->format);
    client.lead(lead_);
  });
}

void GroupShell::execute(act::Format& a) {
  if (!client_ || !member_->leads() || led_ != member_->epoch()) return;  // lead_client() tells it
  tell(client_, [&](LogClient& client) { client.format(a.format); });
}

void GroupShell::execute(act::StepDown& a) {
  lead_ = {};
  replica_gone();
  undecided_.clear();
  if (hooks_.cut_egress) hooks_.cut_egress();
  tell(std::exchange(client_, nullptr), [&](LogClient& client) { client.deposed(a.why); });
}

void GroupShell::execute(act::Park& a) {
  tell(client_, [&](LogClient& client) { client.park(a.parked); });
}

void GroupShell::execute(act::CompareAndSet& a) {
  std::optional<Victim> victim;
  const auto& record = member_->record();
  // A leader that puts out a silent member asks in the same words: it is no victim of its own.
  if (a.fence && record && record->leader && *record->leader != member_->settings().self &&
      hooks_.victim)
    victim = hooks_.victim(*record->leader);
  arbiter_.compare_and_set(
      a.proposed, a.expected, arbiter_.fences() ? victim : std::nullopt,
      [this, id = a.id, alive = std::weak_ptr<bool>(alive_)](CasResult result) {
        if (alive.expired()) return;
        input([&](MonoTime now) {
          switch (result.outcome) {
            case CasOutcome::kWon:
              return member_->on_cas_won(id, now);
            case CasOutcome::kLost:
              return member_->on_cas_lost(id, result.current, now);
            case CasOutcome::kUnknown:
              return member_->on_cas_unknown(id, now);
            case CasOutcome::kRefused:
              break;
          }
          hooks_.report("the arbiter refused: " + result.error.text, true);
          member_->on_cas_lost(id, std::nullopt, now);
        });
      });
}

void GroupShell::execute(act::ReadRecord&) {
  arbiter_.read(settings_.group, [this, alive = std::weak_ptr<bool>(alive_)](
                                     Result<std::optional<GroupRecord>> record) {
    if (alive.expired()) return;
    input([&](MonoTime now) {
      record ? member_->on_record(record.value(), now) : member_->on_read_failed(now);
    });
  });
}

void GroupShell::execute(act::Unprotected& a) { (void)ok(journal_->fsync_all(a.on)); }

void GroupShell::execute(act::Wipe& a) {
  replica_gone();
  tell(std::exchange(client_, nullptr), [&](LogClient& client) { client.deposed(a.why); });
  log_replaced();
  if (!ok(journal_->wipe())) return;
  auto data_dir = journal_->data_dir();
  if (!ok(data_dir)) return;
  start_member({}, data_dir.value());
  member_->start(hooks_.now());
  if (hooks_.renewed) hooks_.renewed();
}

void GroupShell::execute(act::Fence& a) {
  if (hooks_.fence) hooks_.fence(a.whom);
}

void GroupShell::execute(act::Report& a) { hooks_.report(a.text, a.alarm); }

// ---- the replica's side

bool GroupShell::away(std::function<void(const LogReader&)> work, std::function<void()> done) {
  std::shared_ptr<const LogReader> reader = hooks_.away ? journal_->reader() : nullptr;
  if (!reader) return false;
  hooks_.away([work = std::move(work), reader = std::move(reader), committed = committed_](
                  const std::atomic<bool>& stop) { work(AwayReader(reader, committed, stop)); },
              std::move(done));
  return true;
}

void GroupShell::replica_gone() {
  if (member_) member_->ready(false, hooks_.now());
}

void GroupShell::log_replaced() {
  generation_ += 1;
  kept_.reset();
}

std::unique_ptr<Log> GroupShell::log() {
  auto log = std::make_unique<GroupLog>(*this);
  if (log_) leave(*log_);
  log_ = log.get();
  return log;
}

void GroupShell::leave(GroupLog& log) {
  if (log_ != &log) return;
  log_ = nullptr;
  client_ = nullptr;
  replica_gone();
  carry_out();
}

Result<> GroupShell::join(GroupLog& log, LogClient& client, Index applied) {
  if (log_ != &log) return Error{ErrorCode::kConflict, "another replica has taken this log"};
  if (log.replaced()) return Error{ErrorCode::kConflict, "the log was replaced meanwhile"};
  client_ = &client;
  client_leads_ = false;
  applied_ = applied;
  settled_ = {};
  if (!member_->leads()) {
    // What it read from the journal was compared as well.
    if (auto last = journal_->read_some(applied, 1);
        applied && last && last.value() && !last.value()->empty())
      settled_ = last.value()->front();
    apply(member_->released());
    catch_up();
    input([&](MonoTime now) { member_->ready(client_ != nullptr, now); });
    return success();
  }
  member_->ready(true, hooks_.now());
  if (led_ != lead_)
    lead_client();
  else  // a replica that led in this epoch is gone, with what it had decided
    member_->relead(hooks_.now());
  carry_out();
  return success();
}

/// What was committed while there was no replica to tell, or was not known to be committed when it
/// came: without it a quiet group's copy would
/// stay behind until the next entry.
void GroupShell::catch_up() {
  const Index upto = member_->released();
  if (!client_ || applied_ >= upto) return;
  journal_->flush();
  auto read = journal_->read({applied_.value + 1}, [&](Index index, ByteView bytes) {
    if (index > upto || !client_) return success();
    applied_ = index;
    tell(client_, [&](LogClient& client) { client.follow(index, bytes); });
    if (client_ && index == upto)
      settled_ = {index, {}, std::make_shared<const Bytes>(bytes.begin(), bytes.end())};
    return success();
  });
  (void)ok(read);
}

void GroupShell::append(Index index, ByteView entry) {
  // Under an epoch that was superseded in this very turn: dropped, like the state that made it.
  if (!member_->leads() || led_ != member_->epoch()) return;
  bytes_ += entry.size();
  EntryRef ref{index, led_, std::make_shared<const Bytes>(entry.begin(), entry.end())};
  journal_->append(ref);
  unpersisted_.push_back({ref.index, ref.epoch, nullptr});
  undecided_.push_back(ref);
  input([&](MonoTime now) { member_->on_appended(ref, now); });
}

GroupShell::StateHash GroupShell::state_hash() const {
  if (!settled_.bytes) return {};
  const auto entry = decode_entry(*settled_.bytes);
  if (!entry) return {};
  return {settled_.index, entry.value().header.digest};
}

void GroupShell::diverged(const std::string& why) {
  input([&](MonoTime now) { member_->on_diverged(why, now); });
}

}  // namespace holdfast::replication
