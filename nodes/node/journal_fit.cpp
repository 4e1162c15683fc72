#include "nodes/node/journal_fit.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "messages/limits.hpp"

namespace holdfast::node {

Result<> check_shards(const std::optional<std::string>& made_with,
                      const std::vector<GroupId>& groups, uint32_t shards) {
  uint32_t found = 0;
  // Its groups alone tell too little: one that is rebuilt from another member's may have but a few.
  if (made_with)
    std::from_chars(made_with->data(), made_with->data() + made_with->size(), found);
  else
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
