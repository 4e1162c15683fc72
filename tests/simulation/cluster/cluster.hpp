// A whole cluster under faults, from one seed: three nodes with an order shard and a venue gateway
// each, an arbiter, a venue, clients; then quiet, then the checks.
#pragma once

#include "tests/simulation/cluster/clients.hpp"
#include "tests/simulation/cluster/network.hpp"

namespace holdfast::cluster_simulation {

class Cluster {
 public:
  explicit Cluster(const Settings& settings);
  ~Cluster();

  /// Empty: all is well; else what is not.
  std::string run();

  uint64_t trace_hash() const { return sim_.trace_hash(); }
  uint64_t orders() const { return history_.orders(); }
  uint64_t leaders() const { return history_.leaders(); }
  uint64_t leader_changes() const { return history_.leaders() > 2 ? history_.leaders() - 2 : 0; }
  uint64_t faults() const { return faults_; }
  uint64_t events() const { return sim_.events(); }
  Duration simulated() const { return sim_.elapsed(); }
  const std::map<std::string, uint64_t>& sometimes() const { return sim_.sometimes(); }

 private:
  Surroundings surroundings();
  void wire(Node& node);
  void fence(uint32_t from, const Incarnation& whom);

  // ---- faults (faults.cpp)
  void fault();
  void one_fault(uint64_t kind);
  void kill(Node& node, const char* why, Duration back_after);
  void kill_leader();
  void kill_all();
  void lose_power();
  void lose_disk();
  void part(uint32_t a, uint32_t b, Duration how_long);
  void isolate(uint32_t node, Duration how_long);
  void advise();
  void boot_later(Node& node, Duration after);
  bool may_lose(const Node& node) const;
  Node* leader_of(GroupId group);
  Node& any() { return *nodes_[sim_.random().below(nodes_.size())]; }
  void heal();
  void snapshots();

  // ---- the end (verdict.cpp)
  void check_end();
  void check_between(Node& shard, Node& gateway);
  void check_agreement();
  void check_session(Node& leader);
  std::map<std::string, OrderView> book_of(Node& leader);
  void note_counters();

  Simulation sim_;
  History history_;
  Venue venue_;
  ArbiterStore arbiter_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Network network_;
  Clients clients_;
  Surroundings world_;
  uint64_t faults_ = 0;
};

}  // namespace holdfast::cluster_simulation
