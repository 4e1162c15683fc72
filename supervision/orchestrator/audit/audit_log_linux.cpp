#include "supervision/orchestrator/audit/audit_log_linux.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "supervision/orchestrator/audit/log_files_linux.hpp"
#include "supervision/orchestrator/audit/verification.hpp"

namespace holdfast::audit {

namespace {

struct Queued {
  std::string frame;
  Hash leaf;
  WallTime at;
};

// What a log's folder holds when it is opened.
struct Found {
  Frontier frontier{sha256};
  std::deque<Hash> leaves;  // the last of them
  WallTime last_at;
  uint64_t signed_records = 0;
  uint64_t whole_bytes = 0;  // of the log: header and whole records
  uint64_t torn_bytes = 0;   // after them
  uint64_t whole_notes = 0;  // bytes of the checkpoints' file that are whole notes
};

Error corrupt(std::string text) { return {ErrorCode::kCorrupt, std::move(text)}; }

// The last note may be half written: what was signed last is then not told, but nothing is lost. A
// note has seven lines; a whole one that is none was damaged.
Result<std::vector<SignedCheckpoint>> whole_notes(const std::string& directory, uint64_t& bytes) {
  constexpr int kNoteLines = 7;
  auto text = read_file(checkpoints_file(directory));
  if (!text && text.error().code == ErrorCode::kNotFound) return std::vector<SignedCheckpoint>{};
  if (!text) return text.error();
  int lines = 0;
  for (std::size_t i = 0; i < text.value().size(); ++i)
    if (text.value()[i] == '\n' && ++lines % kNoteLines == 0) bytes = i + 1;
  auto notes = parse_checkpoints(std::string_view(text.value()).substr(0, bytes));
  if (!notes) return corrupt(checkpoints_file(directory) + ": " + notes.error().text);
  return notes;
}

Result<Found> look(const AuditSettings& settings, const Verifier& verifier) {
  Found found;
  const auto& directory = settings.directory;
  auto notes = whole_notes(directory, found.whole_notes);
  if (!notes) return notes.error();
  std::vector<Checkpoint> checkpoints;
  for (const auto& note : notes.value()) {
    if (auto good = check_signature(note, verifier); !good)
      return corrupt(checkpoints_file(directory) + ": a checkpoint of " +
                     std::to_string(note.checkpoint.size) + " records: " + good.error().text);
    if (note.checkpoint.origin != settings.origin)
      return corrupt(checkpoints_file(directory) + " is of another log: " + note.checkpoint.origin);
    checkpoints.push_back(note.checkpoint);
  }
  Verification verification(sha256, checkpoints);
  auto reader = LogReader::open(directory);
  if (!reader && reader.error().code != ErrorCode::kNotFound) return reader.error();
  std::string damage;
  uint64_t size = 0;
  if (reader) {
    auto& log = reader.value();
    auto offset = log.offset();
    while (const auto bytes = log.next()) {
      verification.take(*bytes, offset);
      offset = log.offset();
      const auto record = decode(*bytes);
      if (record) found.last_at = record.value().at;
      found.leaves.push_back(leaf_hash(sha256, *bytes));
      found.frontier.append(found.leaves.back());
      if (found.leaves.size() > kLeavesKept) found.leaves.pop_front();
    }
    found.whole_bytes = log.offset();
    damage = log.damage();
    struct stat status {};
    if (::stat(records_file(directory).c_str(), &status) == 0)
      size = static_cast<uint64_t>(status.st_size);
    found.torn_bytes = size - std::min(size, found.whole_bytes);
  }
  // A torn end is no longer than what is written at once; anything else is for a person to look at.
  const bool torn = found.torn_bytes <= kBatchBytesMax && (found.whole_bytes > 0 || damage.empty());
  const auto report = verification.finish(torn ? "" : damage, found.whole_bytes, 0);
  if (!report.clean())
    return corrupt(directory + ": " + report.problems.front() +
                   "; `holdfast audit verify` tells it all");
  found.signed_records = report.signed_records;
  return found;
}

}  // namespace

// Everything mutable that both sides use is under the one mutex; the files are the thread's alone.
class AuditLog::Writer {
 public:
  Writer(const AuditSettings& settings, SigningKey key, AppendFile log, AppendFile notes,
         Found found)
      : settings_(settings),
        key_(std::move(key)),
        log_(std::move(log)),
        notes_(std::move(notes)),
        frontier_(std::move(found.frontier)),
        last_at_(found.last_at),
        leaves_(std::move(found.leaves)) {
    state_.appended = state_.durable = frontier_.size();
    state_.signed_records = signed_now_ = found.signed_records;
    state_.root = frontier_.root();
    state_.torn_bytes = found.torn_bytes;
    thread_ = std::thread([this] { run(); });
  }

  ~Writer() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  Result<uint64_t> append(Record record) {
    std::lock_guard lock(mutex_);
    if (!state_.failure.empty()) return Error{ErrorCode::kIo, state_.failure};
    const auto next = state_.appended + 1;
    if (record.sequence == 0) record.sequence = next;
    if (auto valid = validate(record); !valid) return valid.error();
    if (record.sequence > next)
      return Error{ErrorCode::kConflict, "audit record " + std::to_string(record.sequence) +
                                             " before record " + std::to_string(next)};
    if (record.sequence == next && queue_.size() == kQueueMax) {
      ++state_.refused;
      return Error{ErrorCode::kFull, "the audit log's queue is full: the disk does not keep up"};
    }
    const auto bytes = encode(record);
    const auto leaf = leaf_hash(sha256, bytes);
    if (record.sequence < next) return known(record.sequence, leaf);
    queue_.push_back({frame(bytes), leaf, record.at});
    leaves_.push_back(leaf);
    if (leaves_.size() > kLeavesKept) leaves_.pop_front();
    state_.appended = next;
    wake_.notify_all();
    return next;
  }

  Result<> flush() {
    std::unique_lock lock(mutex_);
    const auto upto = state_.appended;
    sign_upto_ = std::max(sign_upto_, upto);
    wake_.notify_all();
    done_.wait(lock, [&] { return !state_.failure.empty() || state_.signed_records >= upto; });
    if (!state_.failure.empty()) return Error{ErrorCode::kIo, state_.failure};
    return success();
  }

  AuditState state() const {
    std::lock_guard lock(mutex_);
    return state_;
  }
  const Verifier& verifier() const { return key_.verifier(); }

 private:
  // The record is there already: the same?
  Result<uint64_t> known(uint64_t sequence, const Hash& leaf) const {
    const auto back = state_.appended - sequence;  // 0: the last
    if (back < leaves_.size() && leaves_[leaves_.size() - 1 - back] != leaf)
      return corrupt("audit record " + std::to_string(sequence) +
                     " is another one in this log: it was not made from the same journal");
    return sequence;
  }

  void run() {
    std::unique_lock lock(mutex_);
    auto signed_at = std::chrono::steady_clock::now();
    const auto interval = std::chrono::nanoseconds(settings_.checkpoint_interval.ns);
    for (;;) {
      const auto woken = [&] {
        return stop_ || !queue_.empty() || sign_upto_ > state_.signed_records;
      };
      if (state_.signed_records < state_.durable)
        wake_.wait_until(lock, signed_at + interval, woken);
      else
        wake_.wait(lock, woken);
      const auto batch = take_batch();
      const bool all = queue_.empty();
      const bool stopping = stop_, wanted = sign_upto_ > state_.signed_records;
      lock.unlock();
      auto result = write(batch);
      const auto now = std::chrono::steady_clock::now();
      const auto unsigned_records = frontier_.size() - signed_now_;
      const bool due = unsigned_records >= settings_.checkpoint_every ||
                       (all && (stopping || wanted)) || now - signed_at >= interval;
      if (result && unsigned_records > 0 && due) {
        result = sign();
        signed_at = now;
      }
      lock.lock();
      publish(result);
      if (!state_.failure.empty() || (stop_ && queue_.empty())) return;
    }
  }

  std::vector<Queued> take_batch() {
    std::vector<Queued> batch;
    std::size_t bytes = 0;
    while (!queue_.empty() && bytes + queue_.front().frame.size() <= kBatchBytesMax) {
      bytes += queue_.front().frame.size();
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    return batch;
  }

  Result<> write(const std::vector<Queued>& batch) {
    if (batch.empty()) return success();
    std::string bytes;
    for (const auto& each : batch) bytes += each.frame;
    if (auto written = log_.append(bytes); !written) return written.error();
    for (const auto& each : batch) {
      frontier_.append(each.leaf);
      last_at_ = each.at;
    }
    return success();
  }

  Result<> sign() {
    const auto note = key_.sign({settings_.origin, frontier_.size(), frontier_.root(), last_at_});
    if (auto written = notes_.append(text_of(note) + "\n"); !written) return written.error();
    signed_now_ = frontier_.size();
    return success();
  }

  void publish(const Result<>& result) {
    if (!result) {
      state_.failure = "the audit log has stopped: " + result.error().text;
      queue_.clear();
    }
    state_.durable = frontier_.size();
    state_.root = frontier_.root();
    state_.signed_records = signed_now_;
    done_.notify_all();
  }

  const AuditSettings settings_;
  const SigningKey key_;
  AppendFile log_, notes_;  // with frontier_, last_at_, signed_now_: the thread's
  Frontier frontier_;
  WallTime last_at_;
  uint64_t signed_now_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<Queued> queue_;
  std::deque<Hash> leaves_;  // of the last records taken
  AuditState state_;
  uint64_t sign_upto_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

std::string records_file(const std::string& directory) { return directory + "/records.log"; }
std::string checkpoints_file(const std::string& directory) { return directory + "/checkpoints"; }
std::string private_key_file(const std::string& directory) { return directory + "/audit.key"; }
std::string public_key_file(const std::string& directory) { return directory + "/audit.pub"; }

AuditLog::AuditLog(std::unique_ptr<Writer> writer) : writer_(std::move(writer)) {}
AuditLog::~AuditLog() = default;

Result<std::unique_ptr<AuditLog>> AuditLog::open(const AuditSettings& settings) {
  const auto& directory = settings.directory;
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return Error{ErrorCode::kIo, directory + ": cannot be made: " + std::strerror(errno)};
  auto log = AppendFile::open(records_file(directory));
  if (!log) return log.error();
  if (log.value().size() == 0)
    if (auto begun = log.value().append(kLogHeader); !begun) return begun.error();
  auto key = SigningKey::open(private_key_file(directory), settings.name);
  if (!key) return key.error();
  if (auto made = make_file(public_key_file(directory),
                            text_of(sha256, key.value().verifier()) + "\n", 0644);
      !made)
    return made.error();
  auto found = look(settings, key.value().verifier());
  if (!found) return found.error();
  if (found.value().torn_bytes > 0) {
    const auto offset = found.value().whole_bytes;
    const auto text = read_file(records_file(directory));
    if (!text) return text.error();
    const auto beside = directory + "/torn-" + std::to_string(offset);
    if (auto kept = make_file(beside, std::string_view(text.value()).substr(offset), 0600); !kept)
      return kept.error();
    if (auto cut = log.value().cut(offset); !cut) return cut.error();
    if (log.value().size() == 0)
      if (auto begun = log.value().append(kLogHeader); !begun) return begun.error();
  }
  auto notes = AppendFile::open(checkpoints_file(directory));
  if (!notes) return notes.error();
  if (notes.value().size() > found.value().whole_notes)
    if (auto cut = notes.value().cut(found.value().whole_notes); !cut) return cut.error();
  return std::unique_ptr<AuditLog>(new AuditLog(
      std::make_unique<Writer>(settings, std::move(key).value(), std::move(log).value(),
                               std::move(notes).value(), std::move(found).value())));
}

Result<uint64_t> AuditLog::append(Record record) { return writer_->append(std::move(record)); }
Result<> AuditLog::flush() { return writer_->flush(); }
AuditState AuditLog::state() const { return writer_->state(); }
const Verifier& AuditLog::verifier() const { return writer_->verifier(); }

}  // namespace holdfast::audit
