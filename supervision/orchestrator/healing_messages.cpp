#include "supervision/orchestrator/healing_messages.hpp"

namespace holdfast::orchestrator {

HealingView view_of(const healing::State& state) {
  HealingView view;
  for (const auto& [number, incident] : state.incidents.open) view.incidents.push_back(incident);
  view.incidents.insert(view.incidents.end(), state.incidents.closed.rbegin(),
                        state.incidents.closed.rend());
  view.cases = state.cases;
  for (const auto& [number, remedy] : state.remedies.active) view.remedies.push_back(remedy);
  view.remedies.insert(view.remedies.end(), state.remedies.ended.rbegin(),
                       state.remedies.ended.rend());
  for (const auto* entry : state.standing.sorted()) view.standing.push_back(*entry);
  view.recommended.assign(state.recommended.rbegin(), state.recommended.rend());
  for (const auto& [number, ask] : state.asks) view.asks.push_back(ask);
  view.killed = state.killed;
  view.killed_by = state.killed_by;
  view.killed_at = state.killed_at;
  view.counters = state.counters;
  view.last_note = state.last_note;
  view.notes_waiting = state.notes.size();
  return view;
}

}  // namespace holdfast::orchestrator
