#include "actors/agents/precedents/precedent.hpp"

#include "actors/agents/precedents/index.hpp"

namespace holdfast::precedents {

Precedent precedent_of(const Seed& seed) {
  Precedent precedent;
  precedent.number = seed_number(seed.number);
  precedent.signature = signature_of(seed.fault, seed.symptoms);
  precedent.note = seed.note;
  note_outcome(precedent, seed.action, seed.outcome, seed.weight);
  return precedent;
}

std::vector<PrecedentCase> cases_of(std::span<const Match> matches) {
  std::vector<PrecedentCase> cases;
  for (const auto& match : matches)
    for (const auto& record : match.actions) {
      if (cases.size() == limits::kAdvicePrecedentsMax) return cases;
      cases.push_back({match.ref, match.fault, record.action, record.succeeded, record.rolled_back,
                       record.failed});
    }
  return cases;
}

std::vector<PrecedentRef> refs_of(std::span<const Match> matches) {
  std::vector<PrecedentRef> refs;
  for (const auto& match : matches) {
    if (refs.size() == limits::kAdvicePrecedentsMax) break;
    refs.push_back(match.ref);
  }
  return refs;
}

}  // namespace holdfast::precedents
