// The connections between nodes: one for each pair, in order, with everything that may happen to
// it. What travels is what nodes' streams carry (supervision/replication/stream): the members'
// messages, and deliveries between groups.
#pragma once

#include <memory>
#include <set>

#include "tests/simulation/cluster/process.hpp"

namespace holdfast::cluster_simulation {

class Network {
 public:
  Network(Simulation& simulation, std::vector<std::unique_ptr<Node>>& nodes)
      : sim_(simulation), nodes_(nodes) {}

  void send(uint32_t from, uint32_t to, std::function<void(Process&)> arrive, bool droppable);

  // ---- what happens to it
  void booted(uint32_t node);
  void died(uint32_t node);
  void reset(uint32_t a, uint32_t b);
  void reset_all(uint32_t node);
  void cut(uint32_t a, uint32_t b, bool cut);
  bool is_cut(uint32_t a, uint32_t b) const;
  void stall(uint32_t a, uint32_t b, Duration how_long);

 private:
  using Pair = std::pair<uint32_t, uint32_t>;
  struct Link {
    uint64_t generation = 0;  // zero: down
    MonoTime arrival[2];      // of the last message, each way
    MonoTime stalled_until;
    bool lossy = false;  // something was lost: it has to be made again
    MonoTime told;       // when both ends know that the former one has ended
  };
  static Pair pair_of(uint32_t a, uint32_t b) { return std::minmax(a, b); }
  Node& node(uint32_t id) { return *nodes_[id - 1]; }
  void connect(uint32_t a, uint32_t b);
  void disconnect(uint32_t a, uint32_t b, bool a_dead, bool b_dead);

  Simulation& sim_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  std::map<Pair, Link> links_;
  std::set<Pair> cuts_;
  uint64_t generations_ = 0;
};

}  // namespace holdfast::cluster_simulation
