#include "nodes/node/healing/audit_keeper_actor.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "nodes/node/healing/audit_page.hpp"
#include "nodes/node/healing/catch_up.hpp"
#include "supervision/orchestrator/audit/notes.hpp"

namespace holdfast::node {

namespace {
struct AuditTick {};
}  // namespace
}  // namespace holdfast::node
HOLDFAST_LOCAL_MESSAGE(holdfast::node::AuditTick)
namespace holdfast::node {

namespace {

using audit::Record;
using orchestrator::healing::Note;

constexpr Duration kTick = Duration::milliseconds(100);
constexpr Duration kOpenAgain = Duration::seconds(10);
constexpr Duration kTellAgain = Duration::seconds(1);
constexpr Duration kReaderKept = Duration::seconds(30);
constexpr Duration kReaderAnew = Duration::milliseconds(500);
constexpr Duration kGapToldAfter = Duration::seconds(5);  // shorter ones are an ordinary day's
// Twice what the loop keeps for the audit; what is beyond is told again later.
constexpr std::size_t kHeldMax = 2 * orchestrator::healing::kNotesMax;
constexpr std::size_t kHeldBytesMax = 64u << 20;
constexpr std::size_t kPagedKept = 4 * orchestrator::healing::kNotesMax;

/// Where in the log's file a member is that fetches records from here.
struct Reading {
  audit::LogReader reader;
  uint64_t place = 1;           // number of the record that is next in the file
  std::optional<Record> ahead;  // the one before it, not given yet
  MonoTime opened, used;
};

class AuditKeeperActor final : public PoolActor {
 public:
  AuditKeeperActor(ActorConfig& config, std::shared_ptr<const AuditKeeperSetup> setup)
      : PoolActor(config),
        setup_(std::move(setup)),
        redactor_(setup_->redaction),
        catch_up_(setup_->others) {}

  Behavior make_behavior() override {
    send(this, AuditTick{});
    return {
        [this](const KeepNotes& notes) { keep(notes); },
        [this](const MeshWord& word) { hear(word); },
        [this](AuditTick) { tick(); },
        [this](AuditKeeperQuery) { return view(); },
    };
  }
  const char* name() const override { return "audit keeper"; }
  std::string detail() const override {
    return std::to_string(told_) + " records durable, " + std::to_string(held_.size()) + " held" +
           (trouble_.empty() ? "" : "; " + trouble_);
  }

 private:
  struct Held {
    Record record;
    bool own = false;  // from this node's journal; else another member gave it
  };

  void keep(const KeepNotes& notes);
  void page(const Note& note);
  void hold(Record record, bool own);
  void compare(const Record& record);
  void make_room(uint64_t number);
  void forget(std::map<uint64_t, Held>::iterator held);
  void differs(uint64_t number);
  void conflict(uint64_t number);

  void tick();
  void open(MonoTime now);
  void failed(const std::string& why);
  void write();
  std::optional<Held> next_record(uint64_t number) const;
  void tell_durable(MonoTime now);
  void look_for_gaps(MonoTime now);
  void lose(uint64_t upto);

  void hear(const MeshWord& word);
  void give(const std::string& to, const WantRecords& want);
  bool read(const std::string& to, const WantRecords& want, uint64_t upto, GivenRecords& given);
  void receive(const std::string& from, GivenRecords given);

  AuditKeeperAnswer view() const;
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override {
    readings_.clear();
    log_.reset();  // before whoever comes next opens it
    return PoolActor::cleanup(std::move(reason), host);
  }

  std::shared_ptr<const AuditKeeperSetup> setup_;
  audit::Redactor redactor_;
  std::shared_ptr<audit::AuditLog> log_;  // null: it is not open
  audit::AuditState state_;               // of the log, as it was last
  MonoTime open_at_;                      // not before
  std::string trouble_;

  std::map<uint64_t, Held> held_;  // not yet durable, or beyond a gap
  std::size_t held_bytes_ = 0;
  uint64_t compared_ = 0;     // up to here the log's records were compared with this node's journal
  uint64_t last_ = 0;         // the last note that was ever made
  uint64_t conflict_at_ = 0;  // another record stands there; nothing more is written
  uint64_t told_ = 0;         // durable, and said so
  bool tell_again_ = false;
  MonoTime told_at_;
  std::set<uint64_t> paged_;

  CatchUp catch_up_;
  std::optional<MonoTime> gap_since_;
  bool gap_told_ = false;
  uint64_t lost_upto_ = 0;  // up to here, what is missing is lost
  Record lost_after_;       // the record after those
  std::map<std::string, std::unique_ptr<Reading>> readings_;
  AuditKeeperView counts_;
};

// ---- what is noted

void AuditKeeperActor::keep(const KeepNotes& notes) {
  last_ = std::max(last_, notes.last);
  if (!notes.notes) return;
  for (const Note& note : *notes.notes) {
    if (note.number == 0) continue;
    last_ = std::max(last_, note.number);
    if (note.page && notes.leads) page(note);
    if (note.number <= told_ && notes.leads) tell_again_ = true;
    const auto held = held_.find(note.number);
    if (held != held_.end() ? held->second.own
                            : log_ && note.number <= std::min(state_.durable, compared_))
      continue;
    hold(audit::record_of(note, redactor_), true);
  }
  write();
}

void AuditKeeperActor::page(const Note& note) {
  if (!paged_.insert(note.number).second) return;
  if (paged_.size() > kPagedKept) paged_.erase(paged_.begin());
  setup_->say(redactor_.text(page_text(note)), true);
}

void AuditKeeperActor::hold(Record record, bool own) {
  const uint64_t number = record.sequence;
  const auto held = held_.find(number);
  if (held != held_.end()) {
    if (held->second.record != record) differs(number);
    if (!own || held->second.own) return;
    held->second.own = true;
    if (held->second.record == record) return;
    if (log_ && number <= state_.appended) return conflict(number);
    held_bytes_ += record.payload.size();
    held_bytes_ -= held->second.record.payload.size();
    held->second.record = std::move(record);
    return;
  }
  if (log_ && number <= state_.appended) {
    if (own) compare(record);
    return;
  }
  make_room(number);
  if (held_.size() >= kHeldMax || held_bytes_ > kHeldBytesMax) return;
  held_bytes_ += record.payload.size();
  held_.emplace(number, Held{std::move(record), own});
}

/// With what stands in the log under its number.
void AuditKeeperActor::compare(const Record& record) {
  const auto same = log_->append(record);
  if (!same && same.error().code == ErrorCode::kCorrupt) return conflict(record.sequence);
  if (same) compared_ = std::max(compared_, record.sequence);
}

/// The records that come last go first: they are told again.
void AuditKeeperActor::make_room(uint64_t number) {
  while ((held_.size() >= kHeldMax || held_bytes_ > kHeldBytesMax) &&
         std::prev(held_.end())->first > number)
    forget(std::prev(held_.end()));
}

void AuditKeeperActor::forget(std::map<uint64_t, Held>::iterator held) {
  held_bytes_ -= held->second.record.payload.size();
  held_.erase(held);
}

void AuditKeeperActor::differs(uint64_t number) {
  if (counts_.conflicts++ > 0) return;
  setup_->say(
      "audit: record " + std::to_string(number) +
          " of another member is not the one that this node's journal tells, which is kept: "
          "are audit.toml, its secret and the accounts of risk.toml the same on all members?",
      true);
}

void AuditKeeperActor::conflict(uint64_t number) {
  counts_.conflicts += 1;
  if (conflict_at_ != 0) {
    conflict_at_ = std::min(conflict_at_, number);
    return;
  }
  conflict_at_ = number;
  const std::string& folder = setup_->log.directory;
  trouble_ = "record " + std::to_string(number) + " in " + folder +
             " is not the one that the journal tells";
  setup_->say(
      "audit: " + trouble_ +
          ": nothing more is written there. Compare it with another member's "
          "(`holdfast audit verify " +
          folder +
          " --checkpoint FILE`) and keep a copy; to go on, move records.log and checkpoints "
          "out of the folder and restart this child: the others' records are fetched",
      true);
}

// ---- the log

void AuditKeeperActor::tick() {
  delayed_send(this, to_chrono(kTick), AuditTick{});
  const MonoTime now = setup_->mono();
  std::erase_if(readings_, [&](const auto& one) { return now - one.second->used >= kReaderKept; });
  if (!log_ && now >= open_at_) open(now);
  if (log_) {
    state_ = log_->state();
    if (!state_.failure.empty()) failed(state_.failure);
  }
  write();
  if (!log_) return;
  tell_durable(now);
  look_for_gaps(now);
}

void AuditKeeperActor::open(MonoTime now) {
  open_at_ = now + kOpenAgain;
  auto opened = setup_->open(setup_->log);
  if (!opened) {
    const std::string why = opened.error().text;
    if (opened.error().code == ErrorCode::kCorrupt)
      failed(why +
             ". Nothing is written to it. Keep a copy, then move records.log and checkpoints "
             "out of the folder: the records are fetched from the other members");
    else
      failed(why);
    return;
  }
  log_ = std::move(opened).value();
  state_ = log_->state();
  counts_.open = true;
  if (!trouble_.empty()) setup_->say("audit: the log takes records again", false);
  trouble_.clear();
  compared_ = 0;
  // Files that are others than before are filled by asking anew.
  if (lost_upto_ > state_.appended) lost_upto_ = 0;
  if (state_.torn_bytes > 0)
    setup_->say("audit: " + std::to_string(state_.torn_bytes) +
                    " bytes that a crash tore off the log are kept beside it",
                false);
  // What was held meanwhile may stand there already.
  for (auto held = held_.begin(); held != held_.end() && held->first <= state_.appended;) {
    if (held->second.own) compare(held->second.record);
    forget(held++);
  }
}

/// The log is closed, and opened again after a while.
void AuditKeeperActor::failed(const std::string& why) {
  readings_.clear();
  log_.reset();
  counts_.open = false;
  open_at_ = std::max(open_at_, setup_->mono() + kOpenAgain);
  if (trouble_ == why) return;
  trouble_ = why;
  setup_->say("audit: " + why + " (tried again each " + std::to_string(kOpenAgain.ms() / 1'000) +
                  " s; until then notes wait, and no new remedy begins when they are too many)",
              true);
}

std::optional<AuditKeeperActor::Held> AuditKeeperActor::next_record(uint64_t number) const {
  const auto held = held_.find(number);
  if (held != held_.end()) return held->second;
  if (number <= lost_upto_) return Held{audit::lost_note(number, lost_after_), false};
  return std::nullopt;
}

void AuditKeeperActor::write() {
  if (!log_ || conflict_at_ != 0) return;
  while (const auto next = next_record(state_.appended + 1)) {
    const auto taken = log_->append(next->record);
    if (!taken && taken.error().code == ErrorCode::kFull) return;  // the next tick tries again
    if (!taken && taken.error().code == ErrorCode::kCorrupt) return conflict(state_.appended + 1);
    if (!taken) return failed(taken.error().text);
    state_.appended = taken.value();
    if (next->own) compared_ = std::max(compared_, state_.appended);
    if (next->record.kind == audit::RecordKind::kLost) counts_.lost += 1;
  }
}

void AuditKeeperActor::tell_durable(MonoTime now) {
  while (!held_.empty() && held_.begin()->first <= state_.durable) forget(held_.begin());
  const uint64_t durable =
      conflict_at_ == 0 ? state_.durable : std::min(state_.durable, conflict_at_ - 1);
  const bool again = tell_again_ && now - told_at_ >= kTellAgain;
  if (durable <= told_ && !again) return;
  told_ = std::max(told_, durable);
  told_at_ = now;
  tell_again_ = false;
  if (told_ > 0) setup_->durable(told_);
}

// ---- what is missing

void AuditKeeperActor::look_for_gaps(MonoTime now) {
  uint64_t from = std::max(state_.appended, lost_upto_) + 1;
  auto held = held_.lower_bound(from);
  for (; held != held_.end() && held->first == from; ++held) from += 1;
  const uint64_t upto = held == held_.end() ? last_ : held->first - 1;
  if (from > upto || conflict_at_ != 0) {
    gap_since_.reset();
    if (std::exchange(gap_told_, false))
      setup_->say("audit: whole up to record " + std::to_string(from - 1), false);
    return catch_up_.nothing_missing();
  }
  if (!gap_since_) gap_since_ = now;
  if (!gap_told_ && now - *gap_since_ >= kGapToldAfter) {
    gap_told_ = true;
    setup_->say("audit: the records from " + std::to_string(from) + " to " + std::to_string(upto) +
                    " are not told by this node's journal; the other members are asked for them",
                false);
  }
  catch_up_.missing(from, upto, now);
  if (const uint64_t lost = catch_up_.lost_upto(now); lost != 0 && held_.contains(lost + 1))
    return lose(lost);
  if (from != state_.appended + 1) return;  // the disk first: what is there is not yet taken
  if (const auto ask = catch_up_.next(now))
    setup_->send(ask->to, kAuditWantTopic, encode(ask->want));
}

void AuditKeeperActor::lose(uint64_t upto) {
  setup_->say("audit: the records from " + std::to_string(catch_up_.from()) + " to " +
                  std::to_string(upto) +
                  " are in no journal and no log that can be reached: marked as lost",
              true);
  lost_after_ = held_.at(upto + 1).record;
  lost_upto_ = upto;
  write();
}

// ---- other members

void AuditKeeperActor::hear(const MeshWord& word) {
  const bool known = std::count(setup_->others.begin(), setup_->others.end(), word.from) > 0;
  if (known && word.topic == kAuditWantTopic) {
    if (const auto want = decode_want(word.bytes)) return give(word.from, want.value());
  } else if (known && word.topic == kAuditRecordsTopic) {
    if (auto given = decode_given(word.bytes)) return receive(word.from, std::move(given).value());
  }
  counts_.ignored += 1;
}

void AuditKeeperActor::give(const std::string& to, const WantRecords& want) {
  // Where the log is not there nobody can tell what it holds: no answer is "no answer", not "none".
  if (!log_) return;
  GivenRecords given;
  given.ask = want.ask;
  given.from = want.from;
  const uint64_t durable =
      conflict_at_ == 0 ? state_.durable : std::min(state_.durable, conflict_at_ - 1);
  if (want.from <= durable) {
    if (!read(to, want, durable, given)) return;
  } else {
    auto held = held_.lower_bound(want.from);
    std::size_t bytes = 0;
    for (uint64_t number = held == held_.end() ? 0 : held->first;
         held != held_.end() && held->first == number && given.records.size() < kGivenRecordsMax &&
         (given.records.empty() || number <= want.upto);
         ++held, ++number) {
      bytes += audit::encode(held->second.record).size();
      if (bytes > kGivenBytesMax && !given.records.empty()) break;
      given.records.push_back(held->second.record);
    }
    if (!given.records.empty()) given.next = given.records.front().sequence;
  }
  counts_.served += given.records.size();
  setup_->send(to, kAuditRecordsTopic, encode(given));
}

/// From the log's file, up to `upto`. False: there is nothing to answer with now.
bool AuditKeeperActor::read(const std::string& to, const WantRecords& want, uint64_t upto,
                            GivenRecords& given) {
  const MonoTime now = setup_->mono();
  auto& reading = readings_[to];
  const bool behind = reading && reading->place - (reading->ahead ? 1 : 0) > want.from;
  if (behind && now - reading->opened < kReaderAnew) return false;
  if (!reading || behind) {
    reading.reset();
    auto reader = audit::LogReader::open(setup_->log.directory);
    if (!reader) return false;
    reading = std::unique_ptr<Reading>(new Reading{std::move(reader).value(), 1, {}, now, now});
  }
  reading->used = now;
  std::size_t bytes = 0;
  const uint64_t last = std::min(upto, want.upto);
  while (given.records.size() < kGivenRecordsMax) {
    if (!reading->ahead) {
      if (reading->place > last) break;
      const auto next = reading->reader.next();
      if (!next) break;
      reading->place += 1;
      if (reading->place <= want.from) continue;  // before what is wanted
      auto record = audit::decode(*next);
      if (!record || record.value().sequence != reading->place - 1) break;
      reading->ahead = std::move(record).value();
    }
    bytes += audit::encode(*reading->ahead).size();
    if (bytes > kGivenBytesMax && !given.records.empty()) break;
    given.records.push_back(*std::exchange(reading->ahead, std::nullopt));
  }
  if (given.records.empty()) {
    readings_.erase(to);
    return false;
  }
  given.next = given.records.front().sequence;
  return true;
}

void AuditKeeperActor::receive(const std::string& from, GivenRecords given) {
  if (!catch_up_.take(from, given)) {
    counts_.ignored += 1;
    return;
  }
  if (!log_) return;
  for (Record& record : given.records) {
    if (record.sequence > state_.appended && !held_.contains(record.sequence)) counts_.fetched += 1;
    hold(std::move(record), false);
  }
  write();
  if (log_) look_for_gaps(setup_->mono());
}

AuditKeeperAnswer AuditKeeperActor::view() const {
  auto view = std::make_shared<AuditKeeperView>(counts_);
  view->log = log_ ? log_->state() : state_;
  view->trouble = trouble_;
  view->pending =
      static_cast<uint64_t>(std::distance(held_.upper_bound(view->log.appended), held_.end()));
  view->missing_from = catch_up_.from();
  return view;
}

}  // namespace

ChildDefinition audit_child(AuditKeeperSetup setup) {
  CHECK(setup.send && setup.durable && setup.say && setup.mono && !setup.log.directory.empty());
  if (!setup.open)
    setup.open = [](const audit::AuditSettings& log) -> Result<std::shared_ptr<audit::AuditLog>> {
      auto opened = audit::AuditLog::open(log);
      if (!opened) return opened.error();
      return std::shared_ptr<audit::AuditLog>(std::move(opened).value());
    };
  auto shared = std::make_shared<const AuditKeeperSetup>(std::move(setup));
  return {{.id = "audit"}, [shared](const ChildContext& context) -> ActorHandle {
            return context.system.spawn<AuditKeeperActor>(shared);
          }};
}

}  // namespace holdfast::node
