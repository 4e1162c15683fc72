// Whether a journal was made under the configuration that a node starts with. The number of shards
// decides which journal an account's orders are in, so with another number orders would not be
// found, and a client's repeated request would be a second order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "nodes/settings/settings.hpp"

namespace holdfast::node {

/// kInvalid, with what to do, when the journal was made for another number of order shards than
/// `shards`: for `made_with`, as it says itself, or (a journal of a release that did not say) for
/// as many as its `groups` name. Neither: the journal is new.
Result<> check_shards(const std::optional<std::string>& made_with,
                      const std::vector<GroupId>& groups, uint32_t shards);

/// Whose journal a node writes, as its directory keeps it: "NAME of CLUSTER"; "" for a node by
/// itself.
std::string owner_of(const settings::Settings& settings);

}  // namespace holdfast::node
