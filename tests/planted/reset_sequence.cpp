// Planted bug: a gateway that starts begins its FIX session at number 1 again instead of where the
// journal left it.
#include <symbols.hpp>
#include "actors/venues/gateway.hpp"

namespace holdfast::venues {

void real_apply(GatewayState&, const GatewayEvent&, const replication::Position&) asm(APPLY_REAL);
void planted_apply(GatewayState&, const GatewayEvent&,
                   const replication::Position&) asm(APPLY_WRAP);

void planted_apply(GatewayState& state, const GatewayEvent& event,
                   const replication::Position& at) {
  real_apply(state, event, at);
  if (std::holds_alternative<event::Started>(event)) state.next_out = state.next_in = 1;
}

}  // namespace holdfast::venues
