#include "nodes/drill/replay_rocksdb.hpp"

#include <cstdio>

#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "supervision/replication/recovery.hpp"

namespace holdfast::drill {

namespace {

constexpr GroupId kVenuesFrom{1'001};

std::string hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}
std::string hash_text(const orders::ShardState& state) { return hex(orders::state_hash(state)); }
std::string hash_text(const venues::GatewayState& state) {
  const auto hash = venues::state_hash(state);
  return hex(hash.high) + hex(hash.low);
}

Result<std::unique_ptr<replication::JournalRocksdb>> open_journal(const std::string& journal) {
  replication::JournalSettings settings;
  settings.directory = journal;
  settings.create = false;
  return replication::JournalRocksdb::open(std::move(settings));
}

template <typename C>
Result<ReplayedGroup> replay(GroupId group, const replication::JournalRocksdb& journal,
                             const replication::Codec<C>& codec, Index upto) {
  replication::Replica<C> replica(group);
  auto recovered = replication::recover(replica, *journal.reader(group), codec, upto);
  if (!recovered) return recovered.error();
  return ReplayedGroup{replica.appended(), recovered.value().entries_replayed,
                       hash_text(replica.state())};
}

}  // namespace

Result<std::map<GroupId, ReplayedGroup>> replay_journal(const std::string& journal,
                                                        const std::map<GroupId, Index>& upto) {
  const auto opened = open_journal(journal);
  if (!opened) return opened.error();
  std::map<GroupId, ReplayedGroup> groups;
  for (const auto& [group, index] : upto) {
    auto replayed = group < kVenuesFrom
                        ? replay(group, *opened.value(), orders::ShardCodec(), index)
                        : replay(group, *opened.value(), venues::GatewayCodec(), index);
    if (!replayed) return replayed.error();
    groups[group] = std::move(replayed).value();
  }
  return groups;
}

}  // namespace holdfast::drill
