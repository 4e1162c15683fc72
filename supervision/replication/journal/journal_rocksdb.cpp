#include "supervision/replication/journal/journal_rocksdb.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unordered_set>

#include "supervision/replication/journal/journal_parts_rocksdb.hpp"

namespace holdfast::replication {

namespace {

constexpr const char* kFormatKey = "format";
constexpr const char* kFormat = "1";
constexpr const char* kDirectoryIdKey = "directory-id";

rocksdb::ColumnFamilyOptions family_options(std::size_t write_buffer,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = write_buffer;
  options.max_write_buffer_number = 3;
  options.arena_block_size = 256 << 10;
  options.compression = rocksdb::kNoCompression;
  // Entries are written once, in order, and deleted by range: compaction has little to gain.
  options.level0_file_num_compaction_trigger = 8;
  options.level0_slowdown_writes_trigger = 64;
  options.level0_stop_writes_trigger = 128;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.checksum = rocksdb::kXXH3;
  table.block_size = 16 << 10;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

/// Deletes all but the last of `older` (by rising index), and the pieces that only they have.
void drop_unused(GroupId group, const StoredSnapshot& newest, std::span<const StoredSnapshot> older,
                 rocksdb::ColumnFamilyHandle* meta, rocksdb::ColumnFamilyHandle* pieces,
                 rocksdb::WriteBatch& drop) {
  const auto key = [&](const SnapshotPiece& row) {
    const JournalKey bytes = chunk_key(group, {row.index}, row.number);
    return std::string(bytes.bytes, bytes.size);
  };
  std::unordered_set<std::string> used;
  for (const StoredSnapshot* snapshot : {&newest, &older.back()})
    for (const SnapshotPiece& row : snapshot->pieces) used.insert(key(row));
  for (const StoredSnapshot& snapshot : older.first(older.size() - 1)) {
    const Index index{snapshot.header.index};
    drop.Delete(meta, snapshot_meta_key(group, index));
    if (snapshot.whole())
      drop.DeleteRange(pieces, slice_of(chunk_key(group, index, 0)),
                       slice_of(chunk_key(group, index, UINT32_MAX)));
    for (const SnapshotPiece& row : snapshot.pieces)
      if (const auto piece = key(row); !used.contains(piece)) drop.Delete(pieces, piece);
  }
}
/// Lengths of the pieces of a state: as it was cut, but none longer than the longest.
std::vector<std::size_t> piece_lengths(const Snapshot& snapshot) {
  std::vector<std::size_t> lengths;
  std::size_t at = 0;
  const auto upto = [&](std::size_t end) {
    for (; at < end; at += lengths.back())
      lengths.push_back(std::min(kSnapshotPieceBytesMax, end - at));
  };
  for (const std::size_t cut : snapshot.cuts) upto(std::min(cut, snapshot.state.size()));
  upto(snapshot.state.size());
  return lengths;
}

}  // namespace

// ---- opening ------------------------------------------------------------------------------------

namespace {
/// Room for what is still in logs (it goes into tables while the journal opens), and some more.
Result<> check_room(const JournalSettings& settings) {
  uint64_t wanted = settings.room_min;
  std::error_code ec;
  for (const auto& file : std::filesystem::directory_iterator(settings.directory, ec))
    if (file.path().extension() == ".log")
      if (const auto size = file.file_size(ec); !ec) wanted += size;
  const auto space = std::filesystem::space(settings.directory, ec);
  if (ec || space.available >= wanted) return success();
  return Error{ErrorCode::kUnavailable, "the disk of " + settings.directory + " has " +
                                            std::to_string(space.available >> 20) +
                                            " MiB free, opening the journal may take " +
                                            std::to_string((wanted >> 20) + 1) +
                                            ": make room on it. What the journal holds is safe."};
}
}  // namespace

Result<std::unique_ptr<JournalRocksdb>> JournalRocksdb::open(JournalSettings settings) {
  std::error_code ec;
  std::filesystem::create_directories(settings.directory, ec);
  if (ec)
    return Error{ErrorCode::kUnavailable, "can't make the journal's directory " +
                                              settings.directory + ": " + ec.message() +
                                              ". Make it, or name another in the configuration."};
  if (auto room = check_room(settings); !room) return room.error();
  rocksdb::DBOptions options;
  options.create_if_missing = settings.create;
  options.create_missing_column_families = true;
  options.manual_wal_flush = true;  // one write(2) a turn, when we say so
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.paranoid_checks = true;
  options.max_background_jobs = 2;
  options.max_open_files = 128;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 4 << 20;
  options.stats_dump_period_sec = 0;
  options.max_total_wal_size = 64 << 20;
  options.bytes_per_sync = 1 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  // Opening is part of a failover, and every block has a checksum that is read with it.
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  auto cache = rocksdb::NewLRUCache(4 << 20);
  std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, family_options(1 << 20, cache)},
      {"entries", family_options(settings.write_buffer_bytes, cache)},
      {"snapshots", family_options(settings.write_buffer_bytes, cache)}};
  std::unique_ptr<JournalRocksdb> journal(new JournalRocksdb);
  rocksdb::DB* db = nullptr;
  const auto status =
      rocksdb::DB::Open(options, settings.directory, families, &journal->handles_, &db);
  if (!status.ok()) return error_of(status, settings.directory, "opening");
  journal->db_.reset(db);
  journal->meta_ = journal->handles_[0];
  journal->entries_ = journal->handles_[1];
  journal->snapshots_ = journal->handles_[2];
  journal->settings_ = std::move(settings);
  auto loaded = journal->load_directory_id();
  if (!loaded) return loaded.error();
  journal->sync_thread_ = std::thread([raw = journal.get()] { raw->sync_loop(); });
  return journal;
}

Result<> JournalRocksdb::load_directory_id() {
  std::string format;
  auto status = db_->Get({}, meta_, kFormatKey, &format);
  if (status.ok() && format != kFormat)
    return Error{ErrorCode::kInvalid, "the journal in " + settings_.directory + " has format " +
                                          format + ", this build reads format " + kFormat};
  if (status.ok()) status = db_->Get({}, meta_, kDirectoryIdKey, &directory_id_);
  if (status.ok()) return success();
  if (!status.IsNotFound()) return error_of(status, settings_.directory, "reading");
  std::ifstream random("/proc/sys/kernel/random/uuid");
  if (!std::getline(random, directory_id_) || directory_id_.empty())
    return Error{ErrorCode::kUnavailable,
                 "can't read a random id from /proc/sys/kernel/random/uuid"};
  rocksdb::WriteBatch batch;
  batch.Put(meta_, kFormatKey, kFormat);
  batch.Put(meta_, kDirectoryIdKey, directory_id_);
  status = db_->Write({}, &batch);
  if (status.ok()) status = db_->FlushWAL(true);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "writing"));
}

JournalRocksdb::~JournalRocksdb() {
  {
    std::lock_guard lock(sync_mutex_);
    stopping_ = true;
  }
  sync_wanted_.notify_all();
  if (sync_thread_.joinable()) sync_thread_.join();
  if (db_) {
    db_->FlushWAL(true);
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    db_->Close();
  }
}

// ---- reading ------------------------------------------------------------------------------------

Result<> JournalRocksdb::read(GroupId group, Index from,
                              const std::function<Result<>(Index, ByteView)>& visit) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 1 << 20;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, entries_));
  for (it->Seek(slice_of(entry_key(group, from))); it->Valid(); it->Next()) {
    const rocksdb::Slice key = it->key();
    if (key.size() != 12 || get_big_endian<uint32_t>(key.data()) != group.value) break;
    auto visited = visit({get_big_endian<uint64_t>(key.data() + 4)}, view_of(it->value()));
    if (!visited) return visited;
  }
  return it->status().ok() ? success()
                           : Result<>(error_of(it->status(), settings_.directory, "reading"));
}

Result<std::optional<Snapshot>> JournalRocksdb::latest_snapshot(GroupId group) const {
  const std::string prefix = meta_key("snapshot", group) + "/";
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, meta_));
  it->SeekForPrev(prefix + "~");
  if (!it->Valid() || !it->key().starts_with(prefix)) {
    if (!it->status().ok()) return error_of(it->status(), settings_.directory, "reading");
    return std::optional<Snapshot>{};
  }
  const auto corrupt = [&](const char* what) {
    return Error{ErrorCode::kCorrupt, "snapshot of group " + std::to_string(group.value) + " in " +
                                          settings_.directory + ": " + what +
                                          ". Restore the latest backup (holdfast restore)."};
  };
  const auto stored = parse_snapshot(it->value());
  if (!stored) return corrupt("its header has the wrong size");
  const SnapshotHeader& header = stored->header;
  Snapshot snapshot;
  snapshot.at = {{header.epoch}, {header.index}, {header.time}};
  snapshot.chain = {header.chain_high, header.chain_low};
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  rocksdb::PinnableSlice piece;
  const auto append = [&](uint64_t index, uint32_t number) {
    const auto status =
        db_->Get(options, snapshots_, slice_of(chunk_key(group, {index}, number)), &piece);
    if (!status.ok() || piece.empty()) return false;
    const auto bytes = view_of(piece);
    snapshot.state.insert(snapshot.state.end(), bytes.begin(), bytes.end());
    return true;
  };
  if (stored->whole()) {
    for (uint32_t n = 0; snapshot.state.size() < header.size; ++n)
      if (!append(header.index, n)) return corrupt("a piece is missing");
    if (snapshot.state.size() != header.size ||
        hash_of(snapshot.state) != ChainHash{header.hash_high, header.hash_low})
      return corrupt("its hash does not match");
    return std::optional<Snapshot>{std::move(snapshot)};
  }
  uint64_t size = 0;
  for (const SnapshotPiece& row : stored->pieces) size += row.size;
  if (size != header.size) return corrupt("its pieces do not add up");
  snapshot.state.reserve(size);
  for (const SnapshotPiece& row : stored->pieces) {
    const std::size_t at = snapshot.state.size();
    if (!append(row.index, row.number)) return corrupt("a piece is missing");
    const ByteView bytes = ByteView(snapshot.state).subspan(at);
    if (bytes.size() != row.size || hash_of(bytes) != ChainHash{row.hash_high, row.hash_low})
      return corrupt("the hash of a piece does not match");
  }
  return std::optional<Snapshot>{std::move(snapshot)};
}

Result<Epoch> JournalRocksdb::epoch(GroupId group) const {
  std::string stored;
  const auto status = db_->Get({}, meta_, meta_key("epoch", group), &stored);
  if (status.IsNotFound()) return Epoch{0};
  if (!status.ok()) return error_of(status, settings_.directory, "reading");
  if (stored.size() != 8) return Error{ErrorCode::kCorrupt, "the stored epoch has the wrong size"};
  return Epoch{get_big_endian<uint64_t>(stored.data())};
}

Result<std::vector<GroupExtent>> JournalRocksdb::extents() const {
  std::vector<GroupExtent> extents;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, entries_));
  for (it->SeekToFirst(); it->Valid();) {
    GroupExtent extent;
    extent.group = {get_big_endian<uint32_t>(it->key().data())};
    extent.first = {get_big_endian<uint64_t>(it->key().data() + 4)};
    it->SeekForPrev(slice_of(entry_key(extent.group, {UINT64_MAX})));
    extent.last = {get_big_endian<uint64_t>(it->key().data() + 4)};
    auto stored = epoch(extent.group);
    if (!stored) return stored.error();
    extent.epoch = stored.value();
    const std::string prefix = meta_key("snapshot", extent.group) + "/";
    std::unique_ptr<rocksdb::Iterator> meta(db_->NewIterator({}, meta_));
    meta->SeekForPrev(prefix + "~");
    if (meta->Valid() && meta->key().starts_with(prefix))
      extent.snapshot = {std::stoull(meta->key().ToString().substr(prefix.size()))};
    extents.push_back(extent);
    it->Seek(slice_of(entry_key(extent.group, {UINT64_MAX})));
  }
  if (!it->status().ok()) return error_of(it->status(), settings_.directory, "reading");
  return extents;
}

namespace {
class GroupReader final : public LogReader {
 public:
  GroupReader(const JournalRocksdb& journal, GroupId group) : journal_(journal), group_(group) {}
  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return journal_.latest_snapshot(group_);
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    return journal_.read(group_, from, visit);
  }

 private:
  const JournalRocksdb& journal_;
  GroupId group_;
};
}  // namespace

std::unique_ptr<LogReader> JournalRocksdb::reader(GroupId group) const {
  return std::make_unique<GroupReader>(*this, group);
}

// ---- writing ------------------------------------------------------------------------------------

namespace {
/// For how long something takes, only.
MonoTime clock_now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::steady_clock::now().time_since_epoch())
              .count()};
}
}  // namespace

Result<> JournalRocksdb::write(rocksdb::WriteBatch& batch) {
  const MonoTime begun = clock_now();
  auto status = db_->Write({}, &batch);
  if (status.ok()) status = db_->FlushWAL(false);  // write(2): the kernel has it
  writes_.fetch_add(1, std::memory_order_relaxed);
  write_latency_.add(clock_now() - begun);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "writing"));
}

Result<> JournalRocksdb::sync() {
  syncs_.fetch_add(1, std::memory_order_relaxed);
  const MonoTime begun = clock_now();
  const auto status = db_->FlushWAL(true);
  sync_latency_.add(clock_now() - begun);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "syncing"));
}

Result<Epoch> JournalRocksdb::raise_epoch(GroupId group, Epoch seen) {
  auto stored = epoch(group);
  if (!stored) return stored;
  const Epoch raised{std::max(stored.value().value, seen.value) + 1};
  char value[8];
  put_big_endian(value, raised.value);
  auto status = db_->Put({}, meta_, meta_key("epoch", group), {value, sizeof value});
  if (status.ok()) status = db_->FlushWAL(true);
  if (!status.ok()) return error_of(status, settings_.directory, "writing");
  return raised;
}

// Pieces go around the WAL, which is for what a crash must not lose: a snapshot counts only once
// its pieces are flushed. Flushed by halves of a memtable, so that no append ever waits for room.
Result<> JournalRocksdb::put_pieces(GroupId group, Index index,
                                    const std::vector<std::pair<uint32_t, ByteView>>& pieces) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  std::size_t unflushed = 0;
  rocksdb::Status status;
  for (const auto& [number, bytes] : pieces) {
    status =
        db_->Put(options, snapshots_, slice_of(chunk_key(group, index, number)), slice_of(bytes));
    if (!status.ok()) break;
    snapshot_bytes_.fetch_add(bytes.size(), std::memory_order_relaxed);
    unflushed += bytes.size();
    if (unflushed < settings_.write_buffer_bytes / 2) continue;
    status = db_->Flush({}, snapshots_);
    if (!status.ok()) break;
    unflushed = 0;
  }
  if (status.ok() && unflushed != 0) status = db_->Flush({}, snapshots_);
  return status.ok() ? success()
                     : Result<>(error_of(status, settings_.directory, "writing a snapshot to"));
}

/// Stores the pieces that `base` does not have; the value of the header, with which they count.
Result<std::string> JournalRocksdb::put_content(GroupId group, const Snapshot& snapshot,
                                                const StoredSnapshot* base) {
  struct HashOfHash {
    std::size_t operator()(const ChainHash& hash) const { return hash.low; }
  };
  std::unordered_map<ChainHash, SnapshotPiece, HashOfHash> known;
  if (base)
    for (const SnapshotPiece& row : base->pieces)
      known.try_emplace({row.hash_high, row.hash_low}, row);

  const SnapshotHeader header{snapshot.at.epoch.value,
                              snapshot.at.index.value,
                              snapshot.at.time.ns,
                              snapshot.chain.high,
                              snapshot.chain.low,
                              snapshot.state.size(),
                              0,
                              0};
  std::string value(reinterpret_cast<const char*>(&header), sizeof header);
  std::vector<std::pair<uint32_t, ByteView>> fresh;
  std::size_t at = 0;
  for (const std::size_t length : piece_lengths(snapshot)) {
    const ByteView bytes = ByteView(snapshot.state).subspan(at, length);
    at += length;
    const ChainHash hash = hash_of(bytes);
    const auto [row, is_new] = known.try_emplace(hash);
    if (is_new) {
      row->second = {snapshot.at.index.value, static_cast<uint32_t>(fresh.size()),
                     static_cast<uint32_t>(length), hash.high, hash.low};
      fresh.emplace_back(row->second.number, bytes);
    }
    value.append(reinterpret_cast<const char*>(&row->second), sizeof row->second);
  }
  if (auto put = put_pieces(group, snapshot.at.index, fresh); !put) return put.error();
  return value;
}

Result<> JournalRocksdb::put_snapshot(GroupId group, const Snapshot& snapshot, Index needed) {
  // What is stored: pieces that are there already are not written again.
  const std::string prefix = meta_key("snapshot", group) + "/";
  std::vector<StoredSnapshot> older;
  {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, meta_));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      auto stored = parse_snapshot(it->value());
      if (stored && stored->header.index < snapshot.at.index.value)
        older.push_back(std::move(*stored));
    }
  }
  // A crash may have left pieces of a snapshot that never came to count.
  const JournalKey behind =
      chunk_key(group, {older.empty() ? 0 : older.back().header.index + 1}, 0);
  const JournalKey here = chunk_key(group, snapshot.at.index, UINT32_MAX);
  {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, snapshots_));
    it->Seek(slice_of(behind));
    if (it->Valid() && it->key().compare(slice_of(here)) < 0) {
      const auto status = db_->DeleteRange({}, snapshots_, slice_of(behind), slice_of(here));
      if (!status.ok()) return error_of(status, settings_.directory, "trimming");
    }
  }
  auto content = put_content(group, snapshot, older.empty() ? nullptr : &older.back());
  if (!content) return content.error();
  const std::string& value = content.value();
  auto status = db_->Put({}, meta_, snapshot_meta_key(group, snapshot.at.index), value);
  if (status.ok()) status = db_->FlushWAL(true);
  if (!status.ok()) return error_of(status, settings_.directory, "writing a snapshot to");

  // Only now that the new one is on disk.
  if (!older.empty()) {
    rocksdb::WriteBatch drop;
    const uint64_t kept = older.back().header.index;  // a second way back
    drop_unused(group, *parse_snapshot(value), older, meta_, snapshots_, drop);
    drop.DeleteRange(entries_, slice_of(entry_key(group, {0})),
                     slice_of(entry_key(group, {std::min(kept, needed.value) + 1})));
    status = db_->Write({}, &drop);
    if (!status.ok()) return error_of(status, settings_.directory, "trimming");
  }
  // What the WAL still holds is read at the next open: from here on, only what comes after.
  status = db_->Flush({}, {meta_, entries_, snapshots_});
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "flushing"));
}

void JournalRocksdb::request_sync(std::function<void(const Result<>&)> done) {
  {
    std::lock_guard lock(sync_mutex_);
    sync_waiting_.push_back(std::move(done));
  }
  sync_wanted_.notify_one();
}

void JournalRocksdb::sync_loop() {
  std::vector<std::function<void(const Result<>&)>> batch;
  for (;;) {
    {
      std::unique_lock lock(sync_mutex_);
      sync_wanted_.wait(lock, [this] { return stopping_ || !sync_waiting_.empty(); });
      if (sync_waiting_.empty()) return;
      batch.swap(sync_waiting_);
    }
    const auto synced = sync();  // one for all who asked meanwhile
    for (auto& done : batch) done(synced);
    batch.clear();
  }
}

// ---- backup -------------------------------------------------------------------------------------

Result<> JournalRocksdb::backup(const std::string& directory) {
  auto synced = sync();
  if (!synced) return synced;
  rocksdb::Checkpoint* raw = nullptr;
  auto status = rocksdb::Checkpoint::Create(db_.get(), &raw);
  std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
  if (!status.ok())
    return Error{status.IsInvalidArgument() ? ErrorCode::kConflict : ErrorCode::kIo,
                 "backing up to " + directory + ": " + status.ToString() +
                     ". The directory must not exist yet."};
  return success();
}

Result<> restore_backup(const std::string& backup, const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code ec;
  if (!fs::exists(backup + "/CURRENT"))
    return Error{ErrorCode::kNotFound,
                 backup + " holds no backup of a journal (no CURRENT file in it)"};
  if (fs::exists(directory, ec) && !fs::is_empty(directory, ec))
    return Error{ErrorCode::kConflict, directory +
                                           " is not empty. Stop the node and move its old journal "
                                           "away first: it is never overwritten."};
  fs::create_directories(directory, ec);
  fs::copy(backup, directory, fs::copy_options::recursive, ec);
  if (ec)
    return Error{ErrorCode::kIo, "copying " + backup + " to " + directory + ": " + ec.message()};
  JournalSettings settings;
  settings.directory = directory;
  settings.create = false;
  auto opened = JournalRocksdb::open(settings);
  return opened ? success() : Result<>(opened.error());
}

Result<uint64_t> JournalRocksdb::free_bytes() const {
  std::error_code ec;
  const auto space = std::filesystem::space(settings_.directory, ec);
  if (ec)
    return Error{ErrorCode::kIo, "free space of " + settings_.directory + ": " + ec.message()};
  return static_cast<uint64_t>(space.available);
}

}  // namespace holdfast::replication
