// Whether a journal was made under the configuration that a node starts with. The number of shards
// decides which journal an account's orders are in, so with another number orders would not be
// found, and a client's repeated request would be a second order.
#pragma once

#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "nodes/settings/settings.hpp"

namespace holdfast::node {

/// kInvalid, with what to do, when the order shards that `groups` of a journal name are not those
/// of `shards`. No group at all: the journal is new.
Result<> check_shards(const std::vector<GroupId>& groups, uint32_t shards);

/// Whose journal a node writes, as its directory keeps it: "NAME of CLUSTER"; "" for a node by
/// itself.
std::string owner_of(const settings::Settings& settings);

}  // namespace holdfast::node
