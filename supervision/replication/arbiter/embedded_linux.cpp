#include "supervision/replication/arbiter/embedded_linux.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "messages/limits.hpp"
#include "supervision/replication/arbiter/fence_linux.hpp"
#include "supervision/replication/arbiter/record_files_linux.hpp"

namespace holdfast::replication {

namespace {
using Clock = std::chrono::steady_clock;
constexpr auto kLockPause = std::chrono::microseconds(200);
// Not inotify: closing such a descriptor takes the kernel 5 to 30 ms, and a process that dies keeps
// its other sockets open meanwhile, so that nobody learns of it.
constexpr auto kLook = std::chrono::milliseconds(20);  // for another file in a record's place

Clock::duration span(Duration d) { return std::chrono::nanoseconds(d.ns); }
MonoTime mono(Clock::time_point t) {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count()};
}
std::string number(uint64_t value) { return std::to_string(value); }

/// A call that waits for its answer. Its phase changes under the arbiter's mutex only.
struct Call {
  enum class Phase {
    kWaiting,     // in the queue
    kRunning,     // the worker has it; nothing is written
    kInstalling,  // from here on it may have been written
    kDone,        // answered
  };
  GroupId group;
  Clock::time_point deadline;
  Phase phase = Phase::kWaiting;
  std::string obstacle;  // why it is not done yet, for the error of a deadline
  Arbiter::ReadCallback read;
  Arbiter::CasCallback cas;
  GroupRecord proposed;
  uint64_t expected = 0;
  std::optional<Victim> victim;
};
using CallPtr = std::shared_ptr<Call>;

/// Since when we see the same process with the lock that we want.
struct Contention {
  LockHolder holder;
  Clock::time_point since;
};

class EmbeddedArbiter final : public Arbiter {
 public:
  EmbeddedArbiter(EmbeddedSettings settings, Post post, RecordFiles files)
      : settings_(std::move(settings)), post_(std::move(post)), files_(std::move(files)) {
    stats_.engine = "embedded " + settings_.directory;
    wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(wake_fd_ >= 0);
    worker_ = std::thread([this] { work(); });
    keeper_ = std::thread([this] { keep(); });
  }

  ~EmbeddedArbiter() override {
    {
      const std::lock_guard hold(mutex_);
      stopping_ = true;
    }
    work_there_.notify_all();
    wake_keeper();
    worker_.join();
    keeper_.join();
    ::close(wake_fd_);
  }

  void read(GroupId group, ReadCallback done) override {
    auto call = std::make_shared<Call>();
    call->group = group;
    call->read = std::move(done);
    submit(std::move(call));
  }

  using Arbiter::compare_and_set;
  void compare_and_set(const GroupRecord& proposed, uint64_t expected, std::optional<Victim> victim,
                       CasCallback done) override {
    auto call = std::make_shared<Call>();
    call->group = proposed.group;
    call->proposed = proposed;
    call->expected = expected;
    call->victim = std::move(victim);
    call->cas = std::move(done);
    submit(std::move(call));
  }

  void watch(GroupId group, WatchCallback changed) override {
    {
      const std::lock_guard hold(mutex_);
      watches_[group] = Watch{std::make_shared<WatchCallback>(std::move(changed)), 0};
      stale_.insert(group);
    }
    wake_keeper();
  }

  void unwatch(GroupId group) override {
    const std::lock_guard hold(mutex_);
    watches_.erase(group);
  }

  bool fences() const override { return true; }

  ArbiterStats stats() const override {
    const std::lock_guard hold(mutex_);
    ArbiterStats now = stats_;
    now.calls_waiting = open_.size();
    return now;
  }

 private:
  struct Watch {
    std::shared_ptr<WatchCallback> changed;
    uint64_t told = 0;  // the version last told
  };

  // ---- calls: submitted by anybody, answered once

  void submit(CallPtr call) {
    call->deadline = Clock::now() + span(settings_.deadline);
    {
      const std::lock_guard hold(mutex_);
      ++(call->cas ? stats_.cas : stats_.reads);
      if (open_.size() < limits::kArbiterCallsMax) {
        open_.push_back(call);
        queue_.push_back(call);
        call = nullptr;
      }
    }
    if (call) {
      fail(call, {ErrorCode::kFull, number(limits::kArbiterCallsMax) + " calls wait already"});
      return;
    }
    work_there_.notify_one();
    wake_keeper();
  }

  /// Marks the call as answered; false if it already is, because its deadline passed.
  bool close_call(const CallPtr& call) {
    if (call->phase == Call::Phase::kDone) {
      ++stats_.late;
      return false;
    }
    call->phase = Call::Phase::kDone;
    std::erase(open_, call);
    return true;
  }

  void answer(const CallPtr& call, CasResult result) {
    {
      const std::lock_guard hold(mutex_);
      if (!close_call(call)) return;
      count(result);
    }
    post_([call, result = std::move(result)]() mutable { call->cas(std::move(result)); });
  }

  void answer(const CallPtr& call, Result<std::optional<GroupRecord>> result) {
    {
      const std::lock_guard hold(mutex_);
      if (!close_call(call)) return;
      if (result.ok())
        contact();
      else
        trouble(result.error()), ++stats_.read_errors;
    }
    post_([call, result = std::move(result)]() mutable { call->read(std::move(result)); });
  }

  void fail(const CallPtr& call, Error error) {
    if (call->cas)
      answer(call, CasResult{CasOutcome::kRefused, std::nullopt, std::move(error)});
    else
      answer(call, Result<std::optional<GroupRecord>>(std::move(error)));
  }

  void count(const CasResult& result) {
    switch (result.outcome) {
      case CasOutcome::kWon:
        ++stats_.won;
        return contact();
      case CasOutcome::kLost:
        ++stats_.lost;
        return contact();
      case CasOutcome::kUnknown:
        ++stats_.unknown;
        return trouble(result.error);
      case CasOutcome::kRefused:
        ++stats_.refused;
        return trouble(result.error);
    }
  }
  void contact() {
    stats_.healthy = true;
    stats_.last_ok = mono(Clock::now());
  }
  void trouble(const Error& error) {
    stats_.last_error = error.text;
    // A proposal or a record that is wrong says nothing about the directory.
    if (error.code == ErrorCode::kIo || error.code == ErrorCode::kUnavailable)
      stats_.healthy = false;
  }

  // ---- the worker: reads and writes, one call at a time

  void work() {
    std::unique_lock hold(mutex_);
    while (!stopping_) {
      if (queue_.empty()) {
        work_there_.wait(hold);
        continue;
      }
      const CallPtr call = queue_.front();
      queue_.pop_front();
      if (call->phase == Call::Phase::kDone) continue;
      call->phase = Call::Phase::kRunning;
      hold.unlock();
      const bool finished = call->cas ? run_cas(call) : run_read(call);
      hold.lock();
      // The lock is held by another: other groups first, then again until the deadline.
      if (!finished && call->phase != Call::Phase::kDone) {
        call->phase = Call::Phase::kWaiting;
        queue_.push_back(call);
        if (queue_.size() == 1 && !stopping_) work_there_.wait_for(hold, kLockPause);
      }
    }
  }

  bool run_read(const CallPtr& call) {
    answer(call, load(call->group));
    return true;
  }

  /// The record of the group as it stands, checked.
  Result<std::optional<GroupRecord>> load(GroupId group) {
    const auto text = files_.read(group);
    if (!text.ok()) return text.error();
    if (!text.value()) return std::optional<GroupRecord>{};
    const std::string name = settings_.directory + "/" + RecordFiles::record_name(group);
    auto record = decode_record(*text.value());
    if (!record.ok()) {
      const std::lock_guard hold(mutex_);
      ++stats_.invalid_records;
      return Error{record.error().code, name + ": " + record.error().text};
    }
    if (record.value().cluster != settings_.cluster || record.value().group != group) {
      const std::lock_guard hold(mutex_);
      ++stats_.foreign_records;
      return Error{ErrorCode::kDenied, name + ": is group " + number(record.value().group.value) +
                                           " of cluster " + record.value().cluster + ", not ours"};
    }
    return std::optional(std::move(record.value()));
  }

  /// False if the lock was not to be had within lock_try.
  bool run_cas(const CallPtr& call) {
    if (auto valid = check_proposal(*call); !valid.ok()) {
      fail(call, valid.error());
      return true;
    }
    const auto locked = lock(call);
    if (!locked.ok()) {
      if (locked.error().code == ErrorCode::kConflict) return false;
      fail(call, locked.error());
      return true;
    }
    step(EmbeddedStep::kLocked);
    CasResult result = replace(call);
    files_.unlock(call->group);
    answer(call, std::move(result));
    return true;
  }

  Result<> check_proposal(const Call& call) const {
    if (auto valid = check_record(call.proposed); !valid.ok())
      return Error{ErrorCode::kInvalid, "the proposed record: " + valid.error().text};
    if (call.proposed.cluster != settings_.cluster)
      return Error{ErrorCode::kDenied, "the proposed record is of cluster " +
                                           call.proposed.cluster + ", not " + settings_.cluster};
    if (call.proposed.version != call.expected + 1)
      return Error{ErrorCode::kInvalid,
                   "the proposed record has version " + number(call.proposed.version) +
                       ", which is not one more than the expected " + number(call.expected)};
    return success();
  }

  /// kConflict after lock_try.
  Result<> lock(const CallPtr& call) {
    const auto until = std::min(Clock::now() + span(settings_.lock_try), call->deadline);
    for (;;) {
      auto taken = files_.try_lock(call->group);
      if (taken.ok() || taken.error().code != ErrorCode::kConflict) {
        contentions_.erase(call->group);
        return taken;
      }
      look_at_holder(call);
      if (Clock::now() >= until) return taken;
      std::this_thread::sleep_for(kLockPause);
    }
  }

  /// Kills who holds the lock without end: only for the group's sake, so only if we are in sync.
  void look_at_holder(const CallPtr& call) {
    const auto holder = files_.holder(call->group);
    if (!holder) return;
    auto& seen = contentions_[call->group];
    if (!(seen.holder == *holder)) seen = {*holder, Clock::now()};
    const auto age = Clock::now() - seen.since;
    const bool stopped = is_stopped(holder->process);
    obstacle(call, "the lock is held by process " + to_text(holder->process) +
                       (stopped ? ", which is stopped" : ""));
    if (age < span(stopped ? settings_.stopped_after : settings_.hung_after)) return;
    if (holder->process == this_process() || !settings_.self) return;
    // A member whose data was dropped is another incarnation since: as which it asks, it is.
    const auto& asks = call->proposed.leader;
    const bool renewed = asks && asks->member == settings_.self->member;
    const auto record = load(call->group);
    if (!record.ok() || !record.value() ||
        !is_in_sync(*record.value(), renewed ? *asks : *settings_.self))
      return;
    const auto left = std::chrono::nanoseconds(call->deadline - Clock::now()).count();
    const auto killed = fence(Victim{{}, holder->process.pid, holder->process.start_ticks},
                              Duration::nanoseconds(std::max<int64_t>(left, 0)));
    const std::lock_guard hold(mutex_);
    if (killed.ok())
      ++stats_.fenced;
    else
      call->obstacle = killed.error().text;
  }

  /// The compare-and-set itself, under the lock.
  CasResult replace(const CallPtr& call) {
    const auto refused = [](Error error) {
      return CasResult{CasOutcome::kRefused, std::nullopt, std::move(error)};
    };
    auto current = load(call->group);
    if (!current.ok()) return refused(current.error());
    const auto& stands = current.value();
    if ((stands ? stands->version : 0) != call->expected)
      return CasResult{CasOutcome::kLost, stands, {}};
    if (stands) {
      if (auto allowed = check_step(*stands, call->proposed); !allowed.ok())
        return refused({ErrorCode::kInvalid, "the proposed record: " + allowed.error().text});
    }
    step(EmbeddedStep::kCompared);
    if (call->victim) {
      const auto left = std::chrono::nanoseconds(call->deadline - Clock::now()).count();
      const auto dead = fence(*call->victim, Duration::nanoseconds(std::max<int64_t>(left, 0)));
      if (!dead.ok()) return refused(dead.error());
      const std::lock_guard hold(mutex_);
      ++stats_.fenced;
    }
    step(EmbeddedStep::kFenced);
    if (!begin_install(call)) return refused({ErrorCode::kUnavailable, "its deadline passed"});
    obstacle(call, "the disk has not taken the record");
    const auto unknown = [](Error error) {
      return CasResult{CasOutcome::kUnknown, std::nullopt, std::move(error)};
    };
    const std::string text = encode_record(call->proposed);
    // A write that failed may still be found after a loss of power.
    if (auto secured = files_.secure(call->group, call->expected, call->proposed.version, text);
        !secured.ok())
      return unknown(secured.error());
    step(EmbeddedStep::kSecured);
    if (auto installed = files_.install(call->group, text); !installed.ok())
      return unknown(installed.error());
    step(EmbeddedStep::kInstalled);
    return CasResult{CasOutcome::kWon, call->proposed, {}};
  }

  /// False if the call has been answered meanwhile: then it must not be written any more.
  bool begin_install(const CallPtr& call) {
    const std::lock_guard hold(mutex_);
    if (call->phase == Call::Phase::kDone) return false;
    call->phase = Call::Phase::kInstalling;
    return true;
  }

  void obstacle(const CallPtr& call, std::string text) {
    const std::lock_guard hold(mutex_);
    call->obstacle = std::move(text);
  }

  void step(EmbeddedStep step) const {
    if (settings_.at_step) settings_.at_step(step);
  }

  // ---- the keeper: deadlines and watches, which must not wait for a slow disk

  void wake_keeper() const {
    const uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
  }

  void keep() {
    auto next_look = Clock::now();
    auto next_poll = next_look;
    std::map<GroupId, FileStamp> seen;
    while (true) {
      wait_until(std::min(next_look, first_deadline()));
      std::set<GroupId> changed;
      std::vector<GroupId> watched;
      {
        const std::lock_guard hold(mutex_);
        if (stopping_) return;
        changed.merge(std::exchange(stale_, {}));
        for (const auto& [group, watch] : watches_) watched.push_back(group);
      }
      if (Clock::now() >= next_look) {
        const bool all = Clock::now() >= next_poll;
        for (const GroupId group : watched) {
          // Taken before the record is read: what replaces it meanwhile has another.
          const FileStamp stamp = files_.stamp(group);
          if (std::exchange(seen[group], stamp) != stamp || all) changed.insert(group);
        }
        next_look = Clock::now() + kLook;
        if (all) next_poll = Clock::now() + span(settings_.poll);
      }
      for (const GroupId group : changed) tell(group);
      expire();
    }
  }

  Clock::time_point first_deadline() const {
    const std::lock_guard hold(mutex_);
    auto first = Clock::time_point::max();
    for (const auto& call : open_) first = std::min(first, call->deadline);
    return first;
  }

  void wait_until(Clock::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd source{wake_fd_, POLLIN, 0};
    ::poll(&source, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
    uint64_t count = 0;
    [[maybe_unused]] const auto drained = ::read(wake_fd_, &count, sizeof count);
  }

  /// Tells the watcher of `group` what stands, if it is newer than what it knows.
  void tell(GroupId group) {
    {
      const std::lock_guard hold(mutex_);
      if (!watches_.contains(group)) return;
    }
    auto record = load(group);
    if (!record.ok() || !record.value()) return;
    std::shared_ptr<WatchCallback> changed;
    {
      const std::lock_guard hold(mutex_);
      const auto found = watches_.find(group);
      if (found == watches_.end() || record.value()->version <= found->second.told) return;
      found->second.told = record.value()->version;
      ++stats_.watch_events;
      changed = found->second.changed;
    }
    post_([changed, record = std::move(*record.value())] { (*changed)(record); });
  }

  void expire() {
    std::vector<CallPtr> expired;
    {
      const std::lock_guard hold(mutex_);
      for (const auto& call : open_)
        if (call->deadline <= Clock::now()) expired.push_back(call);
    }
    for (const auto& call : expired) expire(call);
  }

  void expire(const CallPtr& call) {
    Error error{ErrorCode::kUnavailable,
                "no answer within " + number(settings_.deadline.ms()) + " ms"};
    CasResult result;
    {
      // In one piece: either it is answered here and never installed (begin_install), or it may
      // have been and the answer says so.
      const std::lock_guard hold(mutex_);
      if (call->phase == Call::Phase::kDone) return;
      if (!call->obstacle.empty()) error.text += ": " + call->obstacle;
      const bool installing = call->phase == Call::Phase::kInstalling;
      result = {installing ? CasOutcome::kUnknown : CasOutcome::kRefused, std::nullopt, error};
      close_call(call);
      std::erase(queue_, call);
      if (call->cas)
        count(result);
      else
        trouble(error), ++stats_.read_errors;
    }
    post_([call, result = std::move(result)]() mutable {
      if (call->cas)
        call->cas(std::move(result));
      else
        call->read(std::move(result.error));
    });
  }

  const EmbeddedSettings settings_;
  const Post post_;
  RecordFiles files_;                          // the worker's; the keeper only reads records
  std::map<GroupId, Contention> contentions_;  // the worker's
  int wake_fd_ = -1;

  mutable std::mutex mutex_;  // all that follows
  std::condition_variable work_there_;
  std::vector<CallPtr> open_;
  std::deque<CallPtr> queue_;
  std::map<GroupId, Watch> watches_;
  std::set<GroupId> stale_;  // watched since the keeper last looked
  ArbiterStats stats_;
  bool stopping_ = false;

  std::thread worker_;
  std::thread keeper_;
};
}  // namespace

Result<std::unique_ptr<Arbiter>> open_embedded_arbiter(EmbeddedSettings settings, Post post) {
  CHECK(post != nullptr);
  if (settings.directory.empty())
    return Error{ErrorCode::kInvalid, "the embedded arbiter has no directory"};
  if (settings.deadline <= settings.lock_try)
    return Error{ErrorCode::kInvalid, "the arbiter's deadline must exceed its lock_try"};
  if (!is_cluster_name(settings.cluster))
    return Error{ErrorCode::kInvalid, "the cluster's name is not 1 to 32 of [A-Za-z0-9._-]"};
  auto files = RecordFiles::open(settings.directory, settings.cluster);
  if (!files.ok()) return files.error();
  return std::unique_ptr<Arbiter>(std::make_unique<EmbeddedArbiter>(
      std::move(settings), std::move(post), std::move(files).value()));
}

}  // namespace holdfast::replication
