// The question to advisors, made from what the loop asks: an incident, or a class of actors with a
// failure in advance, and the list of everything that may be proposed. The list is closed: the
// catalogue, the workflows and the topology of this moment make it, never what telemetry says. It
// asks nobody and permits nothing: what is chosen passes the policy like any proposal.
#pragma once

#include "messages/advice/advice.hpp"
#include "supervision/orchestrator/healing/healing.hpp"

namespace holdfast::orchestrator::advice {

/// The question as the world is now. Of an incident: an option for each action that a workflow
/// carries out for its cause, that the catalogue calls fit at its place (or at one that its
/// findings name), that the limits of width bear and that was not tried; with the members that may
/// take over as destinations. In advance: the actions that would be kept, without places and
/// destinations, since who leads is looked at when they are used. To page a human is no option:
/// it happens where nothing else does, and an advisor that chose it would switch the healing off.
/// Precedents and `within` are left to the caller. Total; the same input gives the same question.
AdviceRequest request_for(const healing::AskAdvice& ask, const World& world, WallTime now);

/// Whether an action is one of the question's options, its destination and amount included.
bool offered(const AdviceRequest& request, const Action& action);

}  // namespace holdfast::orchestrator::advice
