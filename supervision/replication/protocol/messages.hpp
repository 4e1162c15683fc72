// What members of a group say to each other. Each message names the epoch that it is said in; what
// comes late, twice or out of order is recognised by epoch, round or index and does no harm.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "messages/limits.hpp"
#include "messages/time.hpp"
#include "supervision/replication/entry.hpp"
#include "supervision/replication/protocol/history.hpp"
#include "supervision/replication/protocol/record.hpp"

namespace holdfast::replication {

/// An encoded entry on its way; shared, since it goes to the journal and to every peer.
struct EntryRef {
  Index index;
  Epoch epoch;
  std::shared_ptr<const Bytes> bytes;
};

/// A snapshot travels in parts of at most so many bytes, each asked for when the one before it has
/// come; a larger part, or a state larger than that, is refused.
inline constexpr std::size_t kSnapshotPartBytesMax = 1u << 20;
inline constexpr uint64_t kSnapshotBytesMax = 8ull << 30;
static_assert(2 * kSnapshotPartBytesMax < limits::kStreamFrameBytesMax);
/// Entries that are kept for a member that is behind; who lacks more is sent a snapshot.
inline constexpr uint64_t kEntriesKeptMax = 50'000;

namespace peer {
/// "I lead `epoch`: where do you stand?" Answered by Stand. Also sent again to who lost the thread.
struct Lead {
  Epoch epoch;
  Incarnation leader;
};
/// "My log is this." `round` names the question that Follow answers.
struct Stand {
  Epoch epoch;
  Incarnation member;
  uint64_t round = 0;
  Index last;  // of the log, persisted or about to be
  Index committed;
  std::vector<EpochStart> starts;
};
/// "Up to `common` we are the same: save and drop what is above, and take what follows."
struct Follow {
  Epoch epoch;
  uint64_t round = 0;
  Index common;
};
/// Entries in order, and how far all is committed. Without entries: a beat.
struct Append {
  Epoch epoch;
  std::vector<EntryRef> entries;
  Index last;  // of the leader's log when this was sent; what is missing shows
  Index commit;
  MonoTime sent;  // the leader's clock; comes back in Ack
};
/// Everything up to `index` is persisted here; `sent` of the newest Append that was seen.
struct Ack {
  Epoch epoch;
  Incarnation member;
  Index index;
  MonoTime sent;
  bool rebuilding = false;  // the replica here is not there yet: leading would have to wait for it
};
/// "I know a higher epoch": whoever leads a lower one stops.
struct Superseded {
  Epoch epoch;
};
/// A piece of a snapshot: the state after `at`, `total` bytes of it.
struct SnapshotPart {
  Epoch epoch;
  uint64_t round = 0;
  Position at;
  ChainHash chain;
  uint64_t total = 0, offset = 0;
  Bytes bytes;
};
/// "I have the first `offset` bytes."
struct SnapshotAck {
  Epoch epoch;
  uint64_t round = 0;
  uint64_t offset = 0;
};
/// "I have stopped taking anything and you are level: lead."
struct HandOver {
  Epoch epoch;
};
/// "I can lead no more: whoever may, take over now."
struct Resign {
  Epoch epoch;
};
}  // namespace peer

using PeerMessage =
    std::variant<peer::Lead, peer::Stand, peer::Follow, peer::Append, peer::Ack, peer::Superseded,
                 peer::SnapshotPart, peer::SnapshotAck, peer::HandOver, peer::Resign>;

}  // namespace holdfast::replication
