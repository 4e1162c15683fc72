#include "actors/venues/venue_order.hpp"

namespace holdfast::venues {

Wire* VenueOrder::find(const WireOrderId& wire) {
  for (auto it = wires.rbegin(); it != wires.rend(); ++it)
    if (it->id == wire) return &*it;
  return nullptr;
}

const Wire* VenueOrder::find(const WireOrderId& wire) const {
  return const_cast<VenueOrder*>(this)->find(wire);
}

const Wire* VenueOrder::confirmed() const {
  for (auto it = wires.rbegin(); it != wires.rend(); ++it)
    if (it->state == WireState::kConfirmed) return &*it;
  return nullptr;
}

bool VenueOrder::any(WireState state) const {
  for (const Wire& wire : wires)
    if (wire.state == state) return true;
  return false;
}

WireOrderId VenueOrder::original_for(const WireOrderId& wanted) const {
  const Wire* named = find(wanted);
  if (named != nullptr && named->state != WireState::kClosed) return named->id;
  if (const Wire* last = confirmed()) return last->id;
  // Nothing is known of the chain (an order older than this journal): the requester knows best.
  if (named == nullptr || wires.empty()) return wanted;
  return wires.front().id;
}

WireOrderId VenueOrder::status_wire() const {
  if (const Wire* last = confirmed()) return last->id;
  return wires.empty() ? WireOrderId{} : wires.front().id;
}

void trim(VenueOrder& order, std::vector<WireOrderId>& dropped) {
  if (order.wires.size() <= kWiresKept) return;
  const Wire* last = order.confirmed();
  for (auto it = order.wires.begin(); it != order.wires.end() && order.wires.size() > kWiresKept;) {
    const bool superseded = it->state == WireState::kConfirmed && &*it != last;
    if (it->state != WireState::kClosed && !superseded) {
      ++it;
      continue;
    }
    dropped.push_back(it->id);
    it = order.wires.erase(it);
    last = order.confirmed();
  }
}

}  // namespace holdfast::venues
