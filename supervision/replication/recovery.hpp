// How a replica's state comes back: the latest snapshot, then every entry after it, each checked
// against the hash chain. Used at start, by the snapshot maker, and by whoever verifies a journal
// offline.
#pragma once

#include "supervision/replication/journal/log.hpp"
#include "supervision/replication/replica.hpp"

namespace holdfast::replication {

struct Recovered {
  ChainHash chain;  // of the last entry
  Index snapshot;   // zero when there was none
  uint64_t entries_replayed = 0;
};

/// Decodes and applies one stored entry; `chain` is the hash of the one before and becomes this
/// one's. `events` is scratch. kConflict: the state differs from its leader's.
template <typename C>
Result<> replay_entry(Replica<C>& replica, const Codec<C>& codec, Index index, ByteView bytes,
                      ChainHash& chain, std::vector<typename C::Event>& events) {
  const auto fail = [&](ErrorCode code, const std::string& why) {
    return Error{code, "group " + std::to_string(replica.group().value) + ", entry " +
                           std::to_string(index.value) + ": " + why};
  };
  auto entry = decode_entry(bytes);
  if (!entry) return fail(ErrorCode::kCorrupt, entry.error().text);
  if (entry.value().header.at.index != index)
    return fail(ErrorCode::kCorrupt, "stored under another index");
  if (entry.value().header.previous != chain)
    return fail(ErrorCode::kCorrupt, "the hash chain is broken");
  events.clear();
  if (!entry.value().header.epoch_start && !entry.value().header.raises) {
    auto decoded = codec.decode_events(entry.value().body, events);
    if (!decoded) return fail(ErrorCode::kCorrupt, decoded.error().text);
  }
  try {
    auto replayed = replica.replay(entry.value().header, events);
    if (!replayed) return fail(replayed.error().code, replayed.error().text);
  } catch (const CheckFailed& failed) {
    return fail(ErrorCode::kCorrupt, std::string("poison entry: ") + failed.what());
  }
  chain = entry.value().hash;
  return success();
}

/// Rebuilds `replica` (fresh, not leading) from `log`, up to `upto` at most. kCorrupt names the
/// entry and what is wrong with it: a broken chain or bytes mean a damaged journal, a failed CHECK
/// in apply means a poison entry.
template <typename C>
Result<Recovered> recover(Replica<C>& replica, const LogReader& log, const Codec<C>& codec,
                          Index upto = {UINT64_MAX}) {
  Recovered recovered;
  auto snapshot = log.latest_snapshot();
  if (!snapshot) return snapshot.error();
  if (snapshot.value()) {
    typename C::State state;
    auto decoded = codec.decode_state(snapshot.value()->state, state);
    if (!decoded) return decoded.error();
    replica.install(std::move(state), snapshot.value()->at);
    recovered.chain = snapshot.value()->chain;
    recovered.snapshot = snapshot.value()->at.index;
    snapshot = std::optional<Snapshot>{};  // its bytes, before memory grows by what is replayed
  }
  std::vector<typename C::Event> events;
  const auto visit = [&](Index index, ByteView bytes) -> Result<> {
    if (index > upto) return success();
    auto replayed = replay_entry(replica, codec, index, bytes, recovered.chain, events);
    if (!replayed) return replayed;
    recovered.entries_replayed += 1;
    return success();
  };
  auto read = log.read({recovered.snapshot.value + 1}, visit);
  if (!read) return read.error();
  return recovered;
}

/// The latest snapshot advanced by every entry since: how snapshots are made, on a thread away from
/// the order path, without asking the live replica for anything: up to `upto`, which must be
/// committed. Nothing when no entry came since.
template <typename C>
Result<std::optional<Snapshot>> advance_snapshot(GroupId group, const LogReader& log,
                                                 const Codec<C>& codec, Index upto = {UINT64_MAX}) {
  Replica<C> follower(group);
  auto recovered = recover(follower, log, codec, upto);
  if (!recovered) return recovered.error();
  if (recovered.value().entries_replayed == 0) return std::optional<Snapshot>{};
  Snapshot snapshot;
  snapshot.at = {follower.epoch(), follower.appended(), follower.journaled_time()};
  snapshot.chain = recovered.value().chain;
  codec.encode_state(follower.state(), snapshot.state);
  codec.cut_state(snapshot.state, snapshot.cuts);
  return std::optional<Snapshot>{std::move(snapshot)};
}

}  // namespace holdfast::replication
