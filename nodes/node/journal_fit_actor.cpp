#include "nodes/node/journal_fit_actor.hpp"

#include "nodes/node/journal_fit.hpp"

namespace holdfast::node {

Result<> fit_journal(replication::JournalRocksdb& journal, const settings::Settings& settings) {
  constexpr const char* kShards = "shards";
  auto extents = journal.extents();
  if (!extents) return extents.error();
  std::vector<GroupId> groups;
  for (const auto& extent : extents.value()) groups.push_back(extent.group);
  const auto made_with = journal.kept(kShards);
  if (!made_with) return made_with.error();
  if (auto fit = check_shards(made_with.value(), groups, settings.node.shards); !fit) return fit;
  const auto kept = journal.keep_first(kShards, std::to_string(settings.node.shards));
  if (!kept) return kept.error();
  return journal.claim(owner_of(settings));
}

}  // namespace holdfast::node
