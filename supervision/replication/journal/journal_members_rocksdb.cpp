// The journal's part for members of larger groups: where a log stands without decoding it, and what
// a change of leader does to it.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstring>
#include <fstream>

#include "supervision/replication/journal/journal_parts_rocksdb.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"

namespace holdfast::replication {

namespace {
/// Drops all entries from `from` on and, when `snapshots`, every snapshot of the group, with their
/// pieces in `chunks`, if given.
void drop(rocksdb::WriteBatch& batch, rocksdb::DB& db, rocksdb::ColumnFamilyHandle* entries,
          rocksdb::ColumnFamilyHandle* chunks, rocksdb::ColumnFamilyHandle* meta, GroupId group,
          Index from, bool snapshots) {
  batch.DeleteRange(entries, slice_of(entry_key(group, from)),
                    slice_of(entry_key({group.value + 1}, {0})));
  if (!snapshots) return;
  if (chunks)
    batch.DeleteRange(chunks, slice_of(chunk_key(group, {0}, 0)),
                      slice_of(chunk_key({group.value + 1}, {0}, 0)));
  const std::string prefix = meta_key("snapshot", group) + "/";
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator({}, meta));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next())
    batch.Delete(meta, it->key());
}
}  // namespace

Result<Position> JournalRocksdb::snapshot_position(GroupId group) const {
  const std::string prefix = meta_key("snapshot", group) + "/";
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, meta_));
  it->SeekForPrev(prefix + "~");
  if (!it->status().ok()) return error_of(it->status(), settings_.directory, "reading");
  if (!it->Valid() || !it->key().starts_with(prefix)) return Position{};
  const auto stored = parse_snapshot(it->value());
  if (!stored) return Error{ErrorCode::kCorrupt, "the header of a snapshot has the wrong size"};
  return Position{{stored->header.epoch}, {stored->header.index}, {stored->header.time}};
}

Result<GroupHistory> JournalRocksdb::history(GroupId group) const {
  GroupHistory history;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, entries_));
  const auto header_at = [&](Index index) -> Result<EntryHeader> {
    it->Seek(slice_of(entry_key(group, index)));
    if (!it->Valid()) return Error{ErrorCode::kCorrupt, "an entry is missing"};
    auto view = decode_entry(view_of(it->value()));
    if (!view) return view.error();
    if (view.value().header.at.index != index)
      return Error{ErrorCode::kCorrupt, "entry " + std::to_string(index.value) + " is missing"};
    return view.value().header;
  };
  it->SeekForPrev(slice_of(entry_key(group, {UINT64_MAX})));
  if (!it->Valid() || get_big_endian<uint32_t>(it->key().data()) != group.value) return history;
  history.last = {get_big_endian<uint64_t>(it->key().data() + 4)};
  it->Seek(slice_of(entry_key(group, {0})));
  const Index first{get_big_endian<uint64_t>(it->key().data() + 4)};
  auto last = header_at(history.last);
  if (!last) return last.error();
  history.committed = last.value().committed;
  // Epochs only rise: each next start is found by halving.
  for (Index at = first; at <= history.last;) {
    auto here = header_at(at);
    if (!here) return here.error();
    const Epoch epoch = here.value().at.epoch;
    history.starts.push_back({epoch, at});
    Index low = at, high{history.last.value + 1};  // low has `epoch`, high another or is the end
    while (low.value + 1 < high.value) {
      const Index middle{low.value + (high.value - low.value) / 2};
      auto there = header_at(middle);
      if (!there) return there.error();
      (there.value().at.epoch == epoch ? low : high) = middle;
    }
    at = high;
  }
  return history;
}

Result<peer::SnapshotPart> JournalRocksdb::snapshot_part(GroupId group, uint64_t offset) const {
  peer::SnapshotPart part;
  const std::string prefix = meta_key("snapshot", group) + "/";
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, meta_));
  it->SeekForPrev(prefix + "~");
  if (!it->Valid() || !it->key().starts_with(prefix)) return part;
  const auto stored = parse_snapshot(it->value());
  if (!stored) return Error{ErrorCode::kCorrupt, "the header of a snapshot has the wrong size"};
  const SnapshotHeader& header = stored->header;
  part.at = {{header.epoch}, {header.index}, {header.time}};
  part.chain = {header.chain_high, header.chain_low};
  part.total = header.size;
  // The piece that begins at `offset`; of another snapshot than was begun with, the first.
  uint64_t index = header.index, at = 0;
  uint32_t number = 0;
  if (stored->whole()) {
    if (offset % kSnapshotPieceBytesMax == 0 && offset < header.size) {
      at = offset;
      number = static_cast<uint32_t>(offset / kSnapshotPieceBytesMax);
    }
  } else {
    const SnapshotPiece* piece = &stored->pieces.front();
    uint64_t begins = 0;
    for (const SnapshotPiece& row : stored->pieces) {
      if (begins == offset) {
        piece = &row;
        at = offset;
      }
      begins += row.size;
    }
    index = piece->index;
    number = piece->number;
  }
  part.offset = at;
  rocksdb::PinnableSlice piece;
  const auto status = db_->Get({}, snapshots_, slice_of(chunk_key(group, {index}, number)), &piece);
  if (!status.ok()) return error_of(status, settings_.directory, "reading a snapshot in");
  const ByteView bytes = view_of(piece);
  part.bytes.assign(bytes.begin(), bytes.end());
  return part;
}

Result<> JournalRocksdb::claim(const std::string& owner) {
  constexpr const char* kOwnerKey = "owner";
  std::string known;
  auto status = db_->Get({}, meta_, kOwnerKey, &known);
  if (status.ok() && known != owner)
    return Error{ErrorCode::kInvalid,
                 "the journal in " + settings_.directory + " is that of " + known + ", this is " +
                     (owner.empty() ? "a node by itself" : owner) +
                     ": name its own state directory (--state-dir), or move this one away"};
  if (status.ok() || (status.IsNotFound() && owner.empty())) return success();
  if (!status.IsNotFound()) return error_of(status, settings_.directory, "reading");
  status = db_->Put({}, meta_, kOwnerKey, owner);
  if (status.ok()) status = db_->FlushWAL(true);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "writing"));
}

Result<std::optional<std::string>> JournalRocksdb::kept(const std::string& name) const {
  std::string known;
  const auto status = db_->Get({}, meta_, "kept-" + name, &known);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return error_of(status, settings_.directory, "reading");
  return std::optional(std::move(known));
}

Result<std::string> JournalRocksdb::keep_first(const std::string& name, const std::string& value) {
  auto known = kept(name);
  if (!known) return known.error();
  if (known.value()) return std::move(*known.value());
  auto status = db_->Put({}, meta_, "kept-" + name, value);
  if (status.ok()) status = db_->FlushWAL(true);
  if (!status.ok()) return error_of(status, settings_.directory, "writing");
  return value;
}

Result<std::string> JournalRocksdb::group_id(GroupId group) {
  std::string id;
  auto status = db_->Get({}, meta_, meta_key("group-id", group), &id);
  if (status.ok()) return id;
  if (!status.IsNotFound()) return error_of(status, settings_.directory, "reading");
  std::ifstream random("/proc/sys/kernel/random/uuid");
  if (!std::getline(random, id) || id.empty())
    return Error{ErrorCode::kUnavailable,
                 "can't read a random id from /proc/sys/kernel/random/uuid"};
  status = db_->Put({}, meta_, meta_key("group-id", group), id);
  if (status.ok()) status = db_->FlushWAL(true);
  if (!status.ok()) return error_of(status, settings_.directory, "writing");
  return id;
}

Result<> JournalRocksdb::put_epoch(GroupId group, Epoch epoch, bool fsync) {
  char value[8];
  put_big_endian(value, epoch.value);
  auto status = db_->Put({}, meta_, meta_key("epoch", group), {value, sizeof value});
  if (status.ok()) status = db_->FlushWAL(fsync);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "writing"));
}

Result<> JournalRocksdb::truncate(GroupId group, Index last) {
  rocksdb::WriteBatch batch;
  drop(batch, *db_, entries_, snapshots_, meta_, group, {last.value + 1}, false);
  auto status = db_->Write({}, &batch);
  if (status.ok()) status = db_->FlushWAL(true);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "truncating"));
}

Result<> JournalRocksdb::install_snapshot(GroupId group, const Snapshot& snapshot) {
  auto content = put_content(group, snapshot, nullptr);
  if (!content) return content.error();
  // One write, so that a crash leaves the former log or the new one.
  rocksdb::WriteBatch batch;
  drop(batch, *db_, entries_, nullptr, meta_, group, {0}, true);
  const uint64_t index = snapshot.at.index.value;
  batch.DeleteRange(snapshots_, slice_of(chunk_key(group, {0}, 0)),
                    slice_of(chunk_key(group, {index}, 0)));
  batch.DeleteRange(snapshots_, slice_of(chunk_key(group, {index + 1}, 0)),
                    slice_of(chunk_key({group.value + 1}, {0}, 0)));
  batch.Put(meta_, snapshot_meta_key(group, snapshot.at.index), content.value());
  auto status = db_->Write({}, &batch);
  if (status.ok()) status = db_->FlushWAL(true);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "installing"));
}

Result<> JournalRocksdb::wipe(GroupId group) {
  rocksdb::WriteBatch batch;
  drop(batch, *db_, entries_, snapshots_, meta_, group, {0}, true);
  batch.Delete(meta_, meta_key("group-id", group));
  batch.Delete(meta_, meta_key("epoch", group));
  auto status = db_->Write({}, &batch);
  if (status.ok()) status = db_->FlushWAL(true);
  return status.ok() ? success() : Result<>(error_of(status, settings_.directory, "clearing"));
}

}  // namespace holdfast::replication
