#include "actors/agents/fleet/known_cases.hpp"

namespace holdfast::agents {

FindPrecedents look_up(std::shared_ptr<const precedents::Precedents> store, std::size_t most) {
  if (!store) return {};
  return [store = std::move(store), most](const Finding& finding) {
    std::vector<Resemblance> cases;
    for (const auto& match : store->find(precedents::signature_of(finding), most))
      cases.push_back({match.ref, match.fault});
    return cases;
  };
}

}  // namespace holdfast::agents
