// Planted bug: effects leave before their entry is in the journal. The log reports what was
// appended as committed while the last entries are still only in memory, so a kill takes back what
// the world has been told.
#include <deque>

#include <symbols.hpp>
#include "supervision/replication/journal/journal_rocksdb.hpp"

namespace holdfast::replication {

class EarlyLog final : public Log {
 public:
  explicit EarlyLog(std::unique_ptr<Log> log) : log_(std::move(log)) {}
  void append(Index index, ByteView entry) override {
    appended_ = index;
    waiting_.emplace_back(index, Bytes(entry.begin(), entry.end()));
    // Every tenth append writes nothing, until forty entries lag behind.
    if (++count_ % 10 == 0 && waiting_.size() < 40) return;
    log_->append(waiting_.front().first, waiting_.front().second);
    waiting_.pop_front();
  }
  void on_committed(std::function<void(Index)> callback) override {
    log_->on_committed([this, callback](Index) { callback(appended_); });
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    log_->on_failed(std::move(callback));
  }
  Durability durability() const override { return log_->durability(); }
  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return log_->latest_snapshot();
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    return log_->read(from, visit);
  }
  Result<Epoch> raise_epoch(Epoch seen) override { return log_->raise_epoch(seen); }

 private:
  std::unique_ptr<Log> log_;
  std::deque<std::pair<Index, Bytes>> waiting_;
  Index appended_;
  uint64_t count_ = 0;
};

std::unique_ptr<Log> real_log(JournalAppender*, GroupId, Durability) asm(LOG_REAL);
std::unique_ptr<Log> planted_log(JournalAppender*, GroupId, Durability) asm(LOG_WRAP);

std::unique_ptr<Log> planted_log(JournalAppender* appender, GroupId group, Durability durability) {
  return std::make_unique<EarlyLog>(real_log(appender, group, durability));
}

}  // namespace holdfast::replication
