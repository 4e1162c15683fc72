#include "tests/simulation/cluster/network.hpp"

namespace holdfast::cluster_simulation {

bool Network::is_cut(uint32_t a, uint32_t b) const { return cuts_.contains(pair_of(a, b)); }

void Network::booted(uint32_t id) {
  for (auto& other : nodes_)
    if (other->id != id) connect(id, other->id);
}

/// Tries until both ends are there, or the one that tries is not.
void Network::connect(uint32_t a, uint32_t b) {
  Link& link = links_[pair_of(a, b)];
  if (!node(a).alive() || link.generation != 0) return;
  if (sim_.now() < link.told) {
    // Both hear of the end of a connection before they hear of the next one.
    sim_.at(link.told - sim_.now(), [this, a, b, life = node(a).life] {
      if (node(a).life == life) connect(a, b);
    });
    return;
  }
  if (is_cut(a, b) || !node(b).alive()) {
    // Nothing listens there: its process is dead. A host without power says not even that.
    if (!is_cut(a, b) && node(b).powered)
      node(a).enter(node(a).life, [b](Process& p) { p.link_down(b, true); });
    sim_.at(ms(20), [this, a, b, life = node(a).life] {
      if (node(a).life == life) connect(a, b);
    });
    return;
  }
  link = {};
  link.generation = ++generations_;
  link.arrival[0] = link.arrival[1] = sim_.now();
  for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)})
    sim_.at(us(200), [this, one = one, other = other, generation = link.generation,
                      life = node(one).life, peer = node(other).process->incarnations()] {
      if (links_[pair_of(one, other)].generation != generation) return;
      node(one).enter(life, [other, peer](Process& p) { p.link_up(other, peer); });
    });
}

void Network::disconnect(uint32_t a, uint32_t b, bool a_dead, bool b_dead) {
  Link& link = links_[pair_of(a, b)];
  if (std::exchange(link.generation, 0) == 0) return;
  for (const auto& [one, other, dead] : {std::tuple(a, b, b_dead), std::tuple(b, a, a_dead)}) {
    const Duration after = sim_.random().between(us(200), ms(2));
    link.told = std::max(link.told, sim_.now() + after);
    sim_.at(after, [this, one = one, other = other, dead = dead, life = node(one).life] {
      if (node(one).life != life) return;
      node(one).enter(life, [other, dead](Process& p) { p.link_down(other, dead); });
      sim_.at(sim_.random().between(ms(2), ms(10)), [this, one, other, life] {
        if (node(one).life == life) connect(one, other);
      });
    });
  }
}

void Network::died(uint32_t id) {
  for (auto& other : nodes_)
    if (other->id != id) disconnect(id, other->id, node(id).powered, false);
}

void Network::reset(uint32_t a, uint32_t b) { disconnect(a, b, false, false); }

void Network::reset_all(uint32_t id) {
  for (auto& other : nodes_)
    if (other->id != id) reset(id, other->id);
}

void Network::cut(uint32_t a, uint32_t b, bool cut) {
  if (cut) {
    cuts_.insert(pair_of(a, b));
    return;
  }
  cuts_.erase(pair_of(a, b));
  // A stream with a hole in it goes no further.
  if (links_[pair_of(a, b)].lossy) disconnect(a, b, false, false);
}

void Network::stall(uint32_t a, uint32_t b, Duration how_long) {
  links_[pair_of(a, b)].stalled_until = sim_.now() + how_long;
}

void Network::send(uint32_t from, uint32_t to, std::function<void(Process&)> arrive,
                   bool droppable) {
  Link& link = links_[pair_of(from, to)];
  if (link.generation == 0) return;
  Duration delay = sim_.random().between(us(30), us(300));
  if (sim_.faulty() && sim_.random().one_in(400)) {
    sim_.sometimes("a message was late");
    delay = sim_.random().between({}, ms(60));
  }
  if (sim_.faulty() && droppable && sim_.random().one_in(600))
    return sim_.sometimes("a message was lost");
  MonoTime& arrival = link.arrival[from < to ? 0 : 1];
  arrival = std::max({arrival, sim_.now() + delay, link.stalled_until});
  const auto deliver = [this, from, to, generation = link.generation, life = node(to).life,
                        arrive = std::move(arrive)] {
    Link& there = links_[pair_of(from, to)];
    if (there.generation != generation) return;
    if (is_cut(from, to)) {
      there.lossy = true;
      return;
    }
    if (there.lossy) return;
    node(to).enter(life, arrive);
  };
  // More than a connection does to its messages: twice, and out of order.
  if (sim_.faulty() && sim_.random().one_in(400)) {
    sim_.sometimes("a message came twice and late");
    sim_.at(arrival - sim_.now() + sim_.random().between({}, ms(30)), deliver);
  }
  sim_.at(arrival - sim_.now(), deliver);
}

}  // namespace holdfast::cluster_simulation
