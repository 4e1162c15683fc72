#include "nodes/node/operator/kill_names.hpp"

#include <algorithm>

#include "nodes/settings/settings.hpp"

namespace holdfast::node {

Result<> known_name(const RiskLimits& limits, const KillSwitch& kill) {
  std::vector<std::string> names;
  if (kill.scope == KillScope::kAccount)
    for (const auto& account : limits.accounts) names.push_back(account.account.str());
  else if (kill.scope == KillScope::kDesk)
    for (const auto& desk : limits.desks) names.push_back(desk.desk.str());
  else
    return success();
  if (std::find(names.begin(), names.end(), kill.name.str()) != names.end()) return success();
  const auto close = settings::nearest(kill.name.view(), names);
  return Error{ErrorCode::kNotFound, "risk.toml names no " + std::string(name_of(kill.scope)) +
                                         " '" + kill.name.str() + "'" +
                                         (close.empty() ? "" : "; did you mean '" + close + "'?") +
                                         " Nothing was done; --force does it all the same"};
}

}  // namespace holdfast::node
