// `holdfast restore`: puts a backup in the place of a node's journal. Works on files, with the node
// stopped; the node itself then starts as after any end.
#pragma once

#include <string>

#include "messages/result.hpp"

namespace holdfast::console {

/// Copies the backup folder into `directory`, which must not hold a journal. Checks first that the
/// backup opens; the error says what to do.
Result<> restore(const std::string& backup, const std::string& directory);

}  // namespace holdfast::console
