#include "supervision/replication/journal/member_journal_rocksdb.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

namespace holdfast::replication {

namespace {

constexpr std::size_t kSavedFilesMax = 32;

/// The next file for what is dropped: never overwrites, and the oldest go when there are many.
std::string saved_file(const std::string& directory, GroupId group, const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(directory).parent_path() / "discarded";
  std::error_code ec;
  fs::create_directories(folder, ec);
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder, ec)) files.push_back(file.path());
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    std::error_code ignored;
    return fs::last_write_time(a, ignored) < fs::last_write_time(b, ignored);
  });
  for (std::size_t i = 0; i + kSavedFilesMax <= files.size(); ++i) fs::remove(files[i], ec);
  const std::string base = "group-" + std::to_string(group.value) + "-" + name;
  for (int n = 0;; ++n) {
    const fs::path file = folder / (base + (n ? "." + std::to_string(n) : "") + ".entries");
    if (!fs::exists(file, ec)) return file.string();
  }
}

/// Entries one after another, each behind its size: 4 bytes, little endian.
class SavedFile {
 public:
  SavedFile(const std::string& directory, GroupId group, const std::string& name)
      : path_(saved_file(directory, group, name)), stream_(path_, std::ios::binary) {}
  void add(ByteView entry) {
    const auto size = static_cast<uint32_t>(entry.size());
    stream_.write(reinterpret_cast<const char*>(&size), sizeof size);
    stream_.write(reinterpret_cast<const char*>(entry.data()),
                  static_cast<std::streamsize>(entry.size()));
  }
  Result<> close() {
    stream_.close();
    if (stream_) return success();
    return Error{ErrorCode::kIo,
                 "can't save what is dropped in " + path_ + ": nothing was dropped"};
  }

 private:
  std::string path_;
  std::ofstream stream_;
};

class RocksMemberJournal final : public MemberJournal {
 public:
  RocksMemberJournal(JournalRocksdb& journal, JournalAppender& appender, GroupId group,
                     Durability durability)
      : journal_(journal),
        appender_(appender),
        group_(group),
        durability_(durability),
        log_(appender.log(group, durability)) {}

  Result<Persisted> load() override {
    Persisted persisted;
    auto epoch = journal_.epoch(group_);
    if (!epoch) return epoch.error();
    persisted.epoch_seen = epoch.value();
    auto at = journal_.snapshot_position(group_);
    if (!at) return at.error();
    if (at.value().index) {
      persisted.last = persisted.committed = at.value().index;
      persisted.history.reset(at.value().epoch, at.value().index);
    }
    // Entries at and below the snapshot may be there too: their epochs reach further back. Where
    // they begin above it, it is part of the history: who was just sent it stands there.
    auto history = journal_.history(group_);
    if (!history) return history.error();
    if (history.value().last && history.value().last >= persisted.last) {
      const auto& starts = history.value().starts;
      if (starts.front().first <= at.value().index) persisted.history = {};
      for (const EpochStart& start : starts) persisted.history.note(start.epoch, start.first);
      persisted.last = history.value().last;
      persisted.committed = std::max(persisted.committed, history.value().committed);
    }
    // The log of a group that had one member: all of it is committed.
    persisted.committed = std::min(persisted.committed, persisted.last);
    for (const EpochStart& start : persisted.history.starts())
      persisted.epoch_seen = std::max(persisted.epoch_seen, start.epoch);
    return persisted;
  }
  Result<Uuid> data_dir() override {
    auto text = journal_.group_id(group_);
    if (!text) return text.error();
    return parse_uuid(text.value());
  }

  void append(const EntryRef& entry) override { log_->append(entry.index, *entry.bytes); }
  void flush() override { appender_.flush(); }
  void on_persisted(std::function<void(Index)> callback) override {
    log_->on_committed(std::move(callback));
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    log_->on_failed(std::move(callback));
  }

  Result<> put_epoch(Epoch epoch) override {
    return journal_.put_epoch(group_, epoch, durability_ == Durability::kFsynced);
  }
  Result<> truncate(Index last) override {
    flush();
    SavedFile file(journal_.directory(), group_, "above-" + std::to_string(last.value));
    auto read = journal_.read(group_, {last.value + 1}, [&](Index, ByteView bytes) {
      file.add(bytes);
      return success();
    });
    if (!read) return read;
    if (auto saved = file.close(); !saved) return saved;
    return journal_.truncate(group_, last);
  }
  Result<> install(const Snapshot& snapshot) override {
    return journal_.install_snapshot(group_, snapshot);
  }
  Result<> wipe() override {
    flush();
    SavedFile file(journal_.directory(), group_, "diverged");
    auto snapshot = journal_.latest_snapshot(group_);
    if (snapshot && snapshot.value()) file.add(snapshot.value()->state);
    auto read = journal_.read(group_, {1}, [&](Index, ByteView bytes) {
      file.add(bytes);
      return success();
    });
    if (!read) return read;
    if (auto saved = file.close(); !saved) return saved;
    return journal_.wipe(group_);
  }
  Result<> fsync_all(bool on) override {
    if (durability_ == Durability::kFsynced) return success();
    flush();
    appender_.durability(group_, on ? Durability::kFsynced : durability_);
    return on ? journal_.sync() : success();
  }

  Result<std::optional<std::vector<EntryRef>>> read_some(Index from,
                                                         std::size_t bytes_max) override {
    using Answer = std::optional<std::vector<EntryRef>>;
    std::vector<EntryRef> entries;
    std::size_t size = 0;
    bool gap = false;
    const auto visit = [&](Index index, ByteView bytes) -> Result<> {
      gap = entries.empty() && index != from;
      if (gap || size >= bytes_max) return Error{ErrorCode::kFull, ""};  // enough
      auto view = decode_entry(bytes);
      if (!view) return view.error();
      entries.push_back({index, view.value().header.at.epoch,
                         std::make_shared<const Bytes>(bytes.begin(), bytes.end())});
      size += bytes.size();
      return success();
    };
    auto read = journal_.read(group_, from, visit);
    if (!read && read.error().code != ErrorCode::kFull) return read.error();
    if (gap) return Answer{};
    if (entries.empty()) {
      // Nothing at or above: either not written yet, or the log is a snapshot alone.
      auto at = journal_.snapshot_position(group_);
      if (!at) return at.error();
      if (from <= at.value().index) return Answer{};
    }
    return Answer{std::move(entries)};
  }
  Result<peer::SnapshotPart> snapshot_part(uint64_t offset) override {
    return journal_.snapshot_part(group_, offset);
  }

  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return journal_.latest_snapshot(group_);
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    return journal_.read(group_, from, visit);
  }
  std::shared_ptr<const LogReader> reader() const override { return journal_.reader(group_); }
  Durability durability() const override { return durability_; }

 private:
  JournalRocksdb& journal_;
  JournalAppender& appender_;
  const GroupId group_;
  const Durability durability_;
  std::unique_ptr<Log> log_;
};

}  // namespace

std::unique_ptr<MemberJournal> make_member_journal(JournalRocksdb& journal,
                                                   JournalAppender& appender, GroupId group,
                                                   Durability durability) {
  return std::make_unique<RocksMemberJournal>(journal, appender, group, durability);
}

}  // namespace holdfast::replication
