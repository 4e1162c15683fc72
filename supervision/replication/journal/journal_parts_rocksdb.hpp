// What the journal's files share: slices, errors in words, the layout of meta data.
#pragma once

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "supervision/replication/entry.hpp"
#include "supervision/replication/journal/journal_keys.hpp"
#include "supervision/replication/protocol/messages.hpp"

namespace holdfast::replication {

inline constexpr std::size_t kSnapshotPieceBytesMax = 1u << 20;
static_assert(kSnapshotPieceBytesMax <= kSnapshotPartBytesMax, "a piece is sent as one part");

inline std::string meta_key(const char* kind, GroupId group) {
  return std::string(kind) + "/" + std::to_string(group.value);
}

inline rocksdb::Slice slice_of(const JournalKey& key) { return {key.bytes, key.size}; }
inline rocksdb::Slice slice_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteView view_of(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const std::byte*>(slice.data()), slice.size()};
}

/// Words for operators: what failed, and what to do.
inline Error error_of(const rocksdb::Status& status, const std::string& directory,
                      const char* doing) {
  const std::string text =
      std::string(doing) + " the journal in " + directory + ": " + status.ToString();
  if (status.IsCorruption())
    return {ErrorCode::kCorrupt,
            text +
                ". The journal is damaged before its end, so entries after the damage can't be "
                "trusted. Keep the directory for inspection, and restore the latest backup "
                "(holdfast restore), or start with an empty data directory and reconcile with "
                "the venue."};
  if (status.IsIOError() && text.find("lock") != std::string::npos)
    return {ErrorCode::kConflict, text + ". Is another node running on this data directory?"};
  if (status.IsNoSpace()) return {ErrorCode::kFull, text + ". Free disk space and start again."};
  return {ErrorCode::kIo, text};
}

inline std::string snapshot_meta_key(GroupId group, Index index) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "/%020llu", static_cast<unsigned long long>(index.value));
  return meta_key("snapshot", group) + digits;
}

// Value of meta "snapshot/GROUP/INDEX": fixed little-endian fields, then a row for each piece. What
// earlier builds stored has no rows: its pieces are 0, 1, … under its own index, and the hash is of
// the whole.
struct SnapshotHeader {
  uint64_t epoch, index;
  int64_t time;
  uint64_t chain_high, chain_low, size, hash_high, hash_low;
};
/// A piece of a snapshot, stored with the first snapshot that had it.
struct SnapshotPiece {
  uint64_t index;
  uint32_t number, size;
  uint64_t hash_high, hash_low;
};
struct StoredSnapshot {
  SnapshotHeader header;
  std::vector<SnapshotPiece> pieces;
  bool whole() const { return pieces.empty(); }  // of an earlier build
};
inline std::optional<StoredSnapshot> parse_snapshot(const rocksdb::Slice& value) {
  StoredSnapshot stored;
  if (value.size() < sizeof stored.header ||
      (value.size() - sizeof stored.header) % sizeof(SnapshotPiece) != 0)
    return std::nullopt;
  std::memcpy(&stored.header, value.data(), sizeof stored.header);
  stored.pieces.resize((value.size() - sizeof stored.header) / sizeof(SnapshotPiece));
  if (!stored.pieces.empty())
    std::memcpy(stored.pieces.data(), value.data() + sizeof stored.header,
                value.size() - sizeof stored.header);
  return stored;
}
}  // namespace holdfast::replication
