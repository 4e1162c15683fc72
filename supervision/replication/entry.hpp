// A journal entry: the unit that is appended, replicated, committed and replayed. Its header is
// fixed and binary, its body is the group's events in the group's own encoding. Each entry names
// the hash of the one before, so a gap, a swap or a damaged byte anywhere in a journal is found by
// whoever reads it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "messages/ids.hpp"
#include "messages/time.hpp"

namespace holdfast::replication {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

/// XXH3-128 of an entry's whole bytes; zero before the first. Guards against damage, not against
/// forgery.
struct ChainHash {
  uint64_t high = 0, low = 0;
  friend bool operator==(const ChainHash&, const ChainHash&) = default;
};

/// Where a group's log stands: what `apply` may know of the entry that an event came in.
struct Position {
  Epoch epoch;
  Index index;
  WallTime time;  // journaled: max(last journaled, leader's clock)
  friend bool operator==(const Position&, const Position&) = default;
};

/// Format 1 has neither `committed` nor `digest`. Both are read. A group begins with the lowest and
/// goes on with the highest that all its members know, once they all are there: the first entry of
/// a higher format says so.
inline constexpr uint16_t kEntryFormatLowest = 1;
inline constexpr uint16_t kEntryFormat = 2;
inline constexpr std::size_t entry_header_bytes(uint16_t format) { return format == 1 ? 64 : 80; }
inline constexpr std::size_t kEntryHeaderBytes = entry_header_bytes(kEntryFormat);

struct EntryHeader {
  uint16_t format = kEntryFormat;
  bool epoch_start = false;  // first entry of a leadership; its body is empty
  bool raises = false;       // first entry of a higher format; its body is empty
  GroupId group;
  Position at;
  ChainHash previous;
  Index committed;  // what its leader had committed when it was sealed: applied without asking
  uint64_t digest =
      0;  // of the state after this entry; zero: not taken. A copy that differs shows.
};

/// A decoded view into stored bytes; `body` points into them.
struct EntryView {
  EntryHeader header;
  ByteView body;
  ChainHash hash;  // of the whole entry
};

/// Appends header and body to `out`; returns the hash of what was appended.
ChainHash encode_entry(const EntryHeader& header, ByteView body, Bytes& out);

/// Reads one whole entry. kCorrupt says which check failed (size, magic, format, hash of the
/// bytes).
Result<EntryView> decode_entry(ByteView bytes);

/// The same hash, for snapshots and comparisons.
ChainHash hash_of(ByteView bytes);

}  // namespace holdfast::replication
