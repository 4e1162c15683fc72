// The deterministic advisor: rules by class of fault, weighted by how precedents ended. It is the
// embedded default where no model is configured and what acts when a model is late, silent or
// refused. Total and pure: every question has an answer, the same one every time; it is never
// called a model.
#pragma once

#include <span>

#include "messages/advice/advice.hpp"

namespace holdfast::llm {

/// What the rules recommend for a fault, best first; empty: a human is needed.
std::span<const ActionKind> rules_for(FaultClass fault);
/// The same for an actor class and a failure class.
std::span<const ActionKind> rules_for(ActorClass actor, FailureClass failure);

/// Chooses among `request.options`, and among nothing else. kProposed or kAbstained. Ties go to the
/// rule's order, then to the option's place in the list.
AdviceReply advise_deterministically(const AdviceRequest& request);

/// `reply` if it proposes something, else what the deterministic advisor says: how every caller
/// treats late, refused and missing advice. A model that abstains keeps nobody from acting.
AdviceReply or_deterministic(AdviceReply reply, const AdviceRequest& request);

/// Answers on the caller's thread, before `advise` returns.
class DeterministicAdvisor final : public Advisor {
 public:
  void advise(AdviceRequest request, std::function<void(AdviceReply)> done) override {
    done(advise_deterministically(request));
  }
  AdvisorKind kind() const override { return AdvisorKind::kDeterministic; }
};

}  // namespace holdfast::llm
