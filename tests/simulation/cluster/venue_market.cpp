// The market behind the venue's session: what becomes of orders.
#include "tests/simulation/cluster/venue.hpp"

namespace holdfast::cluster_simulation {

VenueOrderRecord* Venue::by_wire(std::string_view wire) {
  const auto found = wires_.find(wire);
  return found == wires_.end() ? nullptr : &orders_[found->second];
}

void Venue::report(const VenueOrderRecord& order, char exec_type, const std::string& wire,
                   const std::string& original, uint64_t last) {
  const bool open = order.open();
  sim_.say(0, "venue: report under number, execution", next_out_, executions_ + 1,
           wire + " " + exec_type + " filled " + std::to_string(order.filled / 100'000'000));
  put('8', [&](FixWriter& message) {
    message.add(11, wire);
    if (!original.empty()) message.add(41, original);
    message.add(37, "V" + order.wire);
    if (exec_type != 'I') message.add(17, "E" + std::to_string(++executions_));
    message.add(150, std::string_view(&exec_type, 1)).add(39, std::string_view(&order.status, 1));
    message.add(55, "AAPL").add(54, order.buy ? 1 : 2);
    message.add(38, order.quantity).add(44, order.price);
    if (last != 0) message.add(32, last).add(31, order.price);
    message.add(14, order.filled).add(151, open ? order.quantity - order.filled : 0);
  });
}

void Venue::new_order(const FixMessage& message) {
  VenueOrderRecord order;
  order.wire = message.get(11);
  order.client_order_id = message.get(526);
  order.account = message.get(1);
  order.wires = {order.wire};
  order.quantity = message.number(38);
  order.price = message.number(44);
  order.buy = message.get(54) == "1";
  sim_.say(0, "venue: new order under number", message.sequence(), 0, order.wire);
  const std::size_t index = orders_.size();
  orders_.push_back(order);
  wires_[order.wire] = index;
  if (sim_.random().one_in(20)) {
    orders_[index].status = '8';
    return report(orders_[index], '8', order.wire);
  }
  report(orders_[index], '0', order.wire);
  if (sim_.random().one_in(3)) fill(index, order.quantity);
  if (message.get(59) == "3" && orders_[index].open()) {  // immediate or cancel
    orders_[index].status = '4';
    return report(orders_[index], '4', order.wire);
  }
  live(index);
}

/// An order that rests trades now and then.
void Venue::live(std::size_t order) {
  if (!orders_[order].open()) return;
  sim_.at(sim_.random().between(ms(50), Duration::seconds(6)), [this, order] {
    VenueOrderRecord& o = orders_[order];
    if (!o.open() || closed_) return;
    const uint64_t left = o.quantity - o.filled;
    const uint64_t lot = static_cast<uint64_t>(kScale);
    switch (sim_.random().below(8)) {
      case 0:
        o.status = 'C';
        report(o, 'C', o.wire);
        return;
      case 1:
      case 2:
      case 3:
        fill(order, left);
        break;
      case 4:
      case 5:
        fill(order, std::min(left, (1 + sim_.random().below(left / lot)) * lot));
        break;
      default:
        break;
    }
    live(order);
  });
}

void Venue::fill(std::size_t order, uint64_t quantity) {
  VenueOrderRecord& o = orders_[order];
  o.filled += quantity;
  o.status = o.filled >= o.quantity ? '2' : '1';
  report(o, 'F', o.wire, {}, quantity);
}

void Venue::cancel(const FixMessage& message) {
  VenueOrderRecord* order = by_wire(message.get(41));
  const std::string wire(message.get(11)), original(message.get(41));
  if (order == nullptr || !order->open()) {
    put('9', [&](FixWriter& reject) {
      reject.add(11, wire).add(41, original).add(39, "8").add(434, 1);
    });
    return;
  }
  order->status = '4';
  order->wires.insert(wire);
  wires_[wire] = static_cast<std::size_t>(order - orders_.data());
  report(*order, '4', wire, original);
}

void Venue::replace(const FixMessage& message) {
  VenueOrderRecord* order = by_wire(message.get(41));
  const std::string wire(message.get(11)), original(message.get(41));
  const uint64_t quantity = message.number(38);
  if (order == nullptr || !order->open() || quantity <= order->filled) {
    put('9', [&](FixWriter& reject) {
      reject.add(11, wire).add(41, original).add(39, "8").add(434, 2);
    });
    return;
  }
  order->quantity = quantity;
  order->price = message.number(44);
  order->wires.insert(wire);
  wires_[wire] = static_cast<std::size_t>(order - orders_.data());
  order->wire = wire;
  report(*order, '5', wire, original);
}

void Venue::status(const FixMessage& message) {
  const std::string wire(message.get(11));
  if (const VenueOrderRecord* order = by_wire(wire)) return report(*order, 'I', order->wire);
  sim_.sometimes("the venue did not know an order");
  put('8', [&](FixWriter& unknown) {
    unknown.add(11, wire).add(37, "NONE").add(150, "I").add(39, "8").add(103, 5).add(54, 1);
    unknown.add(14, uint64_t{0}).add(151, uint64_t{0});
  });
}

}  // namespace holdfast::cluster_simulation
