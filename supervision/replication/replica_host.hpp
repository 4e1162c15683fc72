// Joins a Replica to its log, on one loop: commands of one turn become one entry, commits release
// effects. The shell (an actor) owns it, turns messages into commands and committed effects into
// sends. Everything from outside (time, end of turn) comes through hooks, so tests and the
// simulator drive it as they like.
#pragma once

#include <memory>

#include "supervision/replication/recovery.hpp"

namespace holdfast::replication {

template <typename C>
class ReplicaHost : private LogClient {
 public:
  using Command = typename C::Command;
  using Effect = typename C::Effect;

  struct Hooks {
    std::function<WallTime()> wall;                    // the node's clock
    std::function<void(std::function<void()>)> defer;  // run at the end of this loop turn
    std::function<void(Committed<Effect>&&)> release;  // the only way out for effects
    std::function<void(const Error&)> failed;          // the log can't go on: stop serving
    // Of groups with more members; may be empty elsewhere.
    std::function<void()> led = {};  // leadership has begun, also of a group of one
    std::function<void(const std::string&)> deposed = {};  // end, and start again from the log
    std::function<void(bool)> parked = {};                 // a hand-over begins, or was called off
  };

  /// `log` and `codec` must outlive the host.
  ReplicaHost(GroupId group, Log& log, const Codec<C>& codec, Hooks hooks)
      : replica_(group),
        log_(log),
        codec_(codec),
        hooks_(std::move(hooks)),
        alive_(std::make_shared<bool>(true)) {
    log_.on_committed([this, alive = std::weak_ptr<bool>(alive_)](Index index) {
      if (!alive.expired()) committed(index);
    });
    log_.on_failed([this, alive = std::weak_ptr<bool>(alive_)](const Error& error) {
      if (alive.expired()) return;
      failed_ = true;
      if (hooks_.failed) hooks_.failed(error);
    });
  }
  /// A leader that handed over leaves its state to the next replica of the log: all of it is
  /// committed.
  ~ReplicaHost() {
    if (!deposed_ || !replica_.leading() || !replica_.settled()) return;
    replica_.retire();
    log_.keep(std::make_shared<Kept>(Kept{std::move(replica_), chain_}));
  }
  ReplicaHost(const ReplicaHost&) = delete;
  ReplicaHost& operator=(const ReplicaHost&) = delete;

  /// Rebuilds the state from the log, as far as it is committed. Once, before join() or lead().
  Result<Recovered> recover() {
    auto recovered = replication::recover(replica_, log_, codec_, log_.known_committed());
    if (recovered) chain_ = recovered.value().chain;
    return recovered;
  }
  /// From here on the log says what to do: follow, or lead (Hooks::led), which a group of one
  /// member does before this returns.
  Result<> join() { return log_.join(*this, replica_.appended(), replica_.epoch()); }

  /// recover() and join(), without holding up the loop where the log has another thread for it;
  /// `done` then comes later, on the loop, and the host only follows or leads from there on.
  /// Elsewhere `done` runs before this returns. Errors are recover()'s and join()'s.
  void start(std::shared_ptr<const Codec<C>> codec,
             std::function<void(const Result<Recovered>&)> done) {
    auto job = std::make_shared<Rebuild>(replica_.group(), std::move(codec));
    if (auto kept = std::static_pointer_cast<Kept>(log_.kept())) {
      replica_ = std::move(kept->replica);
      chain_ = kept->chain;
      job->recovered = Recovered{chain_, {}, 0};
      return joined(*job, done);
    }
    const bool away = log_.away([job](const LogReader& reader) { job->run(reader); },
                                [this, alive = std::weak_ptr<bool>(alive_), job, done] {
                                  if (alive.expired()) return;
                                  if (job->recovered) {
                                    replica_ = std::move(job->replica);
                                    chain_ = job->recovered.value().chain;
                                  }
                                  joined(*job, done);
                                });
    if (away) return;
    job->recovered = recover();
    joined(*job, done);
  }

  /// Begins to serve under `epoch`; what is outstanding is emitted when the epoch start is
  /// committed. What the log has beyond what was followed is applied first.
  void lead(Epoch epoch) override {
    const Index committed = replica_.committed();
    auto read = log_.read({replica_.appended().value + 1},
                          [this](Index index, ByteView entry) { return replay(index, entry); });
    if (!read) return fail(read.error());
    if (failed_) return;
    replica_.lead(epoch, committed);
    flush();
    if (hooks_.led) hooks_.led();
  }
  /// As join() for a group of one member, without the hooks' help: how tests and benchmarks start.
  Result<> lead_alone() {
    auto epoch = log_.raise_epoch(replica_.epoch());
    if (!epoch) return epoch.error();
    replica_.lead(epoch.value());
    flush();
    return success();
  }

  /// True while commands may be decided: leading, the log healthy, and not too much uncommitted.
  bool serving() const {
    return replica_.leading() && !failed_ && !parked_ &&
           replica_.uncommitted() < limits::kEntriesInFlightMax;
  }

  /// Leads in good health, and too much is uncommitted: what comes has to wait, as during a
  /// hand-over. Commits make room.
  bool full() const {
    return replica_.leading() && !failed_ && replica_.uncommitted() >= limits::kEntriesInFlightMax;
  }

  /// Decides a command now; its events join the turn's entry, its effects wait for the commit.
  void submit(const Command& command) {
    CHECK(!failed_);
    replica_.decide(command, hooks_.wall());
    if (++commands_ >= limits::kCommandsPerEntryMax ||
        replica_.open_events() >= limits::kEventsPerEntryMax / 2)
      return flush();
    if (!flush_due_) {
      flush_due_ = true;
      hooks_.defer([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired() && flush_due_) flush();
      });
    }
  }

  /// Closes the open batch and appends it. Called by itself at the end of a turn.
  void flush() {
    flush_due_ = false;
    commands_ = 0;
    if (failed_) return;
    if (auto sealed = replica_.seal(hooks_.wall())) append(*sealed);
    hand_out();
  }

  const typename C::State& state() const { return replica_.state(); }
  const Replica<C>& replica() const { return replica_; }
  Durability durability() const { return log_.durability(); }
  bool failed() const { return failed_; }
  /// A hand-over is under way: what comes waits.
  bool parked() const { return parked_; }
  /// Entries that start() had to apply.
  uint64_t replayed() const { return entries_replayed_; }
  uint64_t entries_appended() const { return entries_; }
  uint64_t bytes_appended() const { return bytes_; }

 private:
  struct Kept {
    Replica<C> replica;
    ChainHash chain;
  };
  /// A replica that is made ready on another thread. It shares nothing with the host.
  struct Rebuild {
    Rebuild(GroupId group, std::shared_ptr<const Codec<C>> with)
        : replica(group), codec(std::move(with)) {}
    void run(const LogReader& reader) {
      recovered = replication::recover(replica, reader, *codec, reader.known_committed());
      // What was committed meanwhile: the loop shall find only a little left.
      for (int i = 0; i < kRounds && recovered; ++i) {
        const Index upto = reader.known_committed();
        if (upto.value < replica.appended().value + kLittle) return;
        const auto more =
            reader.read({replica.appended().value + 1}, [&](Index at, ByteView bytes) {
              if (at > upto) return success();
              recovered.value().entries_replayed += 1;
              return replay_entry(replica, *codec, at, bytes, recovered.value().chain, events);
            });
        if (!more) recovered = more.error();
      }
    }
    static constexpr int kRounds = 16;
    static constexpr uint64_t kLittle = 64;  // entries
    Replica<C> replica;
    std::shared_ptr<const Codec<C>> codec;
    std::vector<typename C::Event> events;
    Result<Recovered> recovered = Error{ErrorCode::kUnavailable, "not begun"};
  };
  void joined(Rebuild& job, const std::function<void(const Result<Recovered>&)>& done) {
    if (log_.replaced()) {
      replica_ = Replica<C>(replica_.group());
      return start(std::move(job.codec), done);
    }
    if (job.recovered) {
      entries_replayed_ = job.recovered.value().entries_replayed;
      if (const auto joined = join(); !joined)
        job.recovered = joined.error();
      else
        log_.replayed(entries_replayed_);
    }
    done(job.recovered);
  }

  // -- LogClient
  void follow(Index index, ByteView entry) override {
    if (failed_ || index <= replica_.appended()) return;
    if (auto replayed = replay(index, entry); !replayed) fail(replayed.error());
  }
  void format(uint16_t format) override {
    CHECK(format >= kEntryFormatLowest && format <= kEntryFormat);
    if (format == format_) return;
    if (!replica_.leading() || failed_) {
      format_ = format;
      return;
    }
    flush();  // as it was
    format_ = format;
    auto sealed = replica_.seal_empty(hooks_.wall());
    sealed.header.raises = true;
    append(sealed);
  }
  void deposed(const std::string& why) override {
    failed_ = deposed_ = true;
    if (hooks_.deposed) hooks_.deposed(why);
  }
  void park(bool parked) override {
    if (parked && replica_.leading()) flush();
    parked_ = parked;
    if (hooks_.parked) hooks_.parked(parked);
  }
  void append(Sealed<C>& sealed) {
    body_.clear();
    if (!sealed.header.epoch_start && !sealed.header.raises)
      codec_.encode_events(sealed.events, body_);
    sealed.header.previous = chain_;
    sealed.header.format = format_;
    entry_.clear();
    chain_ = encode_entry(sealed.header, body_, entry_);
    entries_ += 1;
    bytes_ += entry_.size();
    log_.append(sealed.header.at.index, entry_);
  }
  Result<> replay(Index index, ByteView entry) {
    return replay_entry(replica_, codec_, index, entry, chain_, replayed_);
  }
  void fail(const Error& error) {
    failed_ = true;
    if (hooks_.failed) hooks_.failed(error);
    log_.diverged(error.text);  // may end this host
  }
  void committed(Index index) {
    replica_.commit(index, released_);
    hand_out_released();
  }
  void hand_out() {
    replica_.release(released_);
    hand_out_released();
  }
  void hand_out_released() {
    // A released effect may lead back here (it makes a command, which makes a commit). What that
    // releases comes after everything already released, never in between.
    if (handing_out_) return;
    handing_out_ = true;
    while (!released_.empty()) {
      std::swap(released_, handing_);
      for (auto& effect : handing_) hooks_.release(std::move(effect));
      handing_.clear();
    }
    handing_out_ = false;
  }

  Replica<C> replica_;
  Log& log_;
  const Codec<C>& codec_;
  Hooks hooks_;
  std::shared_ptr<bool> alive_;  // callbacks that come after this host is gone do nothing
  ChainHash chain_;
  Bytes body_, entry_;
  std::vector<Committed<Effect>> released_, handing_;
  std::size_t commands_ = 0;
  uint64_t entries_ = 0, bytes_ = 0, entries_replayed_ = 0;
  std::vector<typename C::Event> replayed_;
  uint16_t format_ = kEntryFormat;
  bool deposed_ = false;
  bool flush_due_ = false, failed_ = false, handing_out_ = false, parked_ = false;
};

}  // namespace holdfast::replication
