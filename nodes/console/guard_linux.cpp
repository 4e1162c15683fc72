#include "nodes/console/guard_linux.hpp"

#include <unistd.h>

#include "nodes/guard/control_linux.hpp"

namespace holdfast::console {

std::string guard_directory(const std::string& named,
                            const std::function<const char*(const char*)>& get) {
  if (!named.empty()) return named;
  if (const char* folder = get("HOLDFAST_STATE_DIR"); folder && *folder) return folder;
  for (const auto* folder : {"build/state", "/var/lib/holdfast"})
    if (::access(token_path(folder).c_str(), F_OK) == 0) return folder;
  return "build/state";
}

Result<nlohmann::json> ask_guard(const std::string& state_directory, const GuardRequest& request) {
  // A node that stops in order may take its whole time; a fence waits for the process's end.
  constexpr Duration kWithin = Duration::seconds(60);
  nlohmann::json json = {{"command", request.command}};
  if (request.command == "fence") {
    json["hold"] = request.hold;
    json["reason"] = request.reason;
  }
  return holdfast::ask_guard(state_directory, json, kWithin);
}

}  // namespace holdfast::console
