#include "nodes/node/journal_fit.hpp"

#include <algorithm>
#include <string>

#include "messages/limits.hpp"

namespace holdfast::node {

Result<> check_shards(const std::vector<GroupId>& groups, uint32_t shards) {
  uint32_t found = 0;
  for (GroupId group : groups)
    if (group.value <= limits::kShardsMax) found = std::max(found, group.value);
  if (found == 0 || found == shards) return success();
  return Error{ErrorCode::kInvalid,
               "node.shards is " + std::to_string(shards) + ", but this journal was made with " +
                   std::to_string(found) +
                   ": an account's orders would not be found. Set it back to " +
                   std::to_string(found) + ", or start with an empty state directory."};
}

std::string owner_of(const settings::Settings& settings) {
  if (!settings.cluster) return {};
  return settings.node.name + " of " + settings.cluster->name;
}

}  // namespace holdfast::node
