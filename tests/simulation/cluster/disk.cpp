#include "tests/simulation/cluster/disk.hpp"

#include <cstring>

namespace holdfast::cluster_simulation {

using namespace replication;

namespace {
constexpr std::size_t kPieceBytes = 16u << 10;
}

Uuid uuid_of(uint64_t value) {
  Uuid out;
  std::memcpy(out.bytes.data(), &value, sizeof value);
  out.bytes[15] = 1;
  return out;
}

// ---- the host

Index GroupDisk::last() const {
  if (!entries.empty()) return entries.back().entry.index;
  return snapshot ? snapshot->at.index : Index{};
}

const GroupDisk::Stored* GroupDisk::find(Index index) const {
  if (entries.empty() || index < entries.front().entry.index || index > last()) return nullptr;
  return &entries[index.value - entries.front().entry.index.value];
}

uint64_t HostDisk::lose_power(Random& random) {
  const uint64_t cut = synced + random.below(written - synced + 1);
  const bool torn = random.one_in(2);
  uint64_t lost = 0;
  for (auto& [id, group] : groups) {
    while (!group.entries.empty() && group.entries.back().write > cut) {
      // The first that did not make it may be there in part.
      if (torn && group.entries.back().write == cut + 1) {
        EntryRef& entry = group.entries.back().entry;
        auto bytes = std::make_shared<Bytes>(*entry.bytes);
        bytes->resize(bytes->size() / 2);
        entry.bytes = std::move(bytes);
        break;
      }
      group.entries.pop_back();
      lost += 1;
    }
    while (!group.epochs.empty() && group.epochs.back().first > cut) group.epochs.pop_back();
  }
  written = synced = cut + (torn ? 1 : 0);
  return lost;
}

void HostDisk::lose_everything() {
  groups.clear();
  written = synced = 0;
}

// ---- a member's journal

SimJournal::SimJournal(Simulation& simulation, HostDisk& disk, GroupId group, uint32_t node,
                       bool fsynced, Hooks hooks)
    : sim_(simulation),
      host_(disk),
      group_(group),
      node_(node),
      fsynced_(fsynced),
      hooks_(std::move(hooks)) {}

Result<Persisted> SimJournal::load() {
  GroupDisk& disk = this->disk();
  // A torn record at the end is where the log ends.
  if (!disk.entries.empty() && !decode_entry(*disk.entries.back().entry.bytes)) {
    disk.entries.pop_back();
    sim_.sometimes("a torn record ended a log");
  }
  Persisted persisted;
  persisted.epoch_seen = disk.epoch_seen();
  if (disk.snapshot) {
    persisted.last = persisted.committed = disk.snapshot->at.index;
    persisted.history.reset(disk.snapshot->at.epoch, disk.snapshot->at.index);
  }
  if (!disk.entries.empty() && disk.last() >= persisted.last) {
    if (disk.entries.front().entry.index <= persisted.last) persisted.history = {};
    for (const auto& stored : disk.entries)
      persisted.history.note(stored.entry.epoch, stored.entry.index);
    persisted.last = disk.last();
    auto view = decode_entry(*disk.entries.back().entry.bytes);
    if (!view) return view.error();
    persisted.committed = std::max(persisted.committed, view.value().header.committed);
  }
  persisted.committed = std::min(persisted.committed, persisted.last);
  for (const EpochStart& start : persisted.history.starts())
    persisted.epoch_seen = std::max(persisted.epoch_seen, start.epoch);
  return persisted;
}

Result<Uuid> SimJournal::data_dir() {
  if (disk().directory == 0) disk().directory = host_.new_directory(node_);
  return uuid_of(disk().directory);
}

void SimJournal::append(const EntryRef& entry) {
  pending_.push_back(entry);
  hooks_.written();
  if (sim_.bug() == Bug::kAckBeforeWrite)
    hooks_.later({}, [this, index = entry.index] { persisted_(index); });
}

void SimJournal::turn_end() {
  if (sim_.bug() != Bug::kAckBeforeWrite || pending_.empty()) return flush();
  hooks_.later(ms(20), [this] { flush(); });
}

void SimJournal::flush() {
  if (pending_.empty()) return;
  GroupDisk& disk = this->disk();
  for (EntryRef& entry : pending_) {
    if (sim_.bug() == Bug::kNoTruncate && entry.index <= disk.last()) continue;
    if (entry.index.value != disk.last().value + 1)
      return sim_.fail("entry " + std::to_string(entry.index.value) + " of group " +
                       std::to_string(group_.value) + " is written after entry " +
                       std::to_string(disk.last().value));
    disk.entries.push_back({std::move(entry), ++host_.written});
  }
  pending_.clear();
  if (sim_.bug() == Bug::kAckBeforeSync && syncs()) {
    persisted_(disk.last());
  } else if (syncs()) {
    begin_sync();
  } else {
    persisted_(disk.last());
  }
}

/// One at a time, of all that is written when it begins.
void SimJournal::begin_sync() {
  if (syncing_) return;
  syncing_ = true;
  const Duration cost =
      host_.slow ? sim_.random().between(ms(2), ms(40)) : sim_.random().between(us(80), us(400));
  hooks_.later(cost, [this, upto = host_.written, index = disk().last()] {
    syncing_ = false;
    if (upto > host_.written) return;
    host_.synced = std::max(host_.synced, upto);
    if (disk().last() > index) begin_sync();
    persisted_(index);
  });
}

Result<> SimJournal::put_epoch(Epoch epoch) {
  disk().epochs.emplace_back(++host_.written, epoch);
  if (fsynced_) sync_all();
  return success();
}

Result<> SimJournal::truncate(Index last) {
  flush();
  if (sim_.bug() == Bug::kNoTruncate) return success();
  GroupDisk& disk = this->disk();
  while (!disk.entries.empty() && disk.last() > last) disk.entries.pop_back();
  sim_.sometimes("a tail was truncated");
  ++host_.written;
  sync_all();
  return success();
}

Result<> SimJournal::install(const Snapshot& snapshot) {
  flush();
  disk().entries.clear();
  disk().older.reset();
  disk().snapshot = snapshot;
  sim_.sometimes("a snapshot was installed");
  ++host_.written;
  sync_all();
  return success();
}

Result<> SimJournal::wipe() {
  flush();
  disk() = {};
  sync_all();
  return success();
}

Result<> SimJournal::fsync_all(bool on) {
  if (fsynced_) return success();
  flush();
  sync_all_on_ = on;
  sim_.sometimes(on ? "alone and unprotected" : "protected again");
  if (on) sync_all();
  return success();
}

Result<std::optional<std::vector<EntryRef>>> SimJournal::read_some(Index from,
                                                                   std::size_t bytes_max) {
  using Answer = std::optional<std::vector<EntryRef>>;
  const GroupDisk& disk = this->disk();
  const Index first =
      disk.entries.empty() ? Index{disk.last().value + 1} : disk.entries.front().entry.index;
  if (from < first) return Answer{};
  std::vector<EntryRef> entries;
  std::size_t size = 0;
  for (Index i = from; size < bytes_max; ++i.value) {
    const auto* stored = disk.find(i);
    if (stored == nullptr) break;
    entries.push_back(stored->entry);
    size += stored->entry.bytes->size();
  }
  return Answer{std::move(entries)};
}

Result<peer::SnapshotPart> SimJournal::snapshot_part(uint64_t offset) {
  peer::SnapshotPart part;
  const auto& snapshot = disk().snapshot;
  if (!snapshot) return part;
  part.at = snapshot->at;
  part.chain = snapshot->chain;
  part.total = snapshot->state.size();
  part.offset = offset % kPieceBytes == 0 && offset < part.total ? offset : 0;
  const std::size_t size = std::min<std::size_t>(kPieceBytes, part.total - part.offset);
  const auto begin = snapshot->state.begin() + static_cast<std::ptrdiff_t>(part.offset);
  part.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
  return part;
}

Result<std::optional<Snapshot>> SimJournal::latest_snapshot() const { return disk().snapshot; }

Result<> SimJournal::read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const {
  const GroupDisk& disk = this->disk();
  for (Index i = disk.entries.empty() ? from : std::max(from, disk.entries.front().entry.index);;
       ++i.value) {
    const auto* stored = disk.find(i);
    if (stored == nullptr) return success();
    const EntryRef entry = stored->entry;
    if (auto visited = visit(i, *entry.bytes); !visited) return visited;
  }
}

void SimJournal::keep(Snapshot snapshot) {
  GroupDisk& disk = this->disk();
  disk.older = std::exchange(disk.snapshot, std::move(snapshot));
  while (disk.older && !disk.entries.empty() &&
         disk.entries.front().entry.index <= disk.older->at.index)
    disk.entries.pop_front();
  ++host_.written;
  sync_all();
  sim_.sometimes("a snapshot was made");
}

}  // namespace holdfast::cluster_simulation
