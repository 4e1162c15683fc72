// `holdfast guard`: asks the guard of a state directory over its own socket, which answers also
// when the node does not. The guard's token in that directory is the proof.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "messages/result.hpp"

namespace holdfast::console {

struct GuardRequest {
  std::string command;  // "status", "fence", "start", "stop"
  std::string reason;
  bool hold = false;  // fence: keep the node down until `start`
};

/// The directory to ask in: the one named, else HOLDFAST_STATE_DIR, else the first of build/state
/// and /var/lib/holdfast where a guard has run.
std::string guard_directory(const std::string& named,
                            const std::function<const char*(const char*)>& get);
/// The guard's answer. kUnavailable: no guard is there; kDenied: its token can't be read. Blocks.
Result<nlohmann::json> ask_guard(const std::string& state_directory, const GuardRequest& request);

}  // namespace holdfast::console
