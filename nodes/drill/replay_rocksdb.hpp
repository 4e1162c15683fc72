// A node's journal read from its disk and replayed, with no node running: what state it comes to.
// So members are compared by what they would start from, not by what they say of themselves.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace holdfast::drill {

struct ReplayedGroup {
  Index index;             // the last entry that was applied
  uint64_t entries = 0;    // replayed, after the snapshot
  std::string state_hash;  // of the whole state, 16 or 32 hex digits
};

/// Replays every group up to its index in `upto`; what is a shard and what a gateway is told by the
/// number. kCorrupt: a damaged journal. kConflict: the state is not what its leader had.
Result<std::map<GroupId, ReplayedGroup>> replay_journal(const std::string& journal,
                                                        const std::map<GroupId, Index>& upto);

}  // namespace holdfast::drill
