#include "tests/simulation/cluster/cluster.hpp"

#include "tests/simulation/cluster/parts.hpp"

namespace holdfast::cluster_simulation {

using replication::GroupRecord;

Cluster::Cluster(const Settings& settings)
    : sim_(settings),
      history_(sim_),
      venue_(sim_),
      arbiter_(sim_, {[this](const GroupRecord& record) {
                        for (auto& node : nodes_)
                          sim_.at(sim_.random().between(us(200), ms(5)),
                                  [&node = *node, life = node->life, record] {
                                    node.enter(life,
                                               [record](Process& p) { p.arbiter().tell(record); });
                                  });
                      },
                      [this](uint32_t node, uint64_t life) {
                        Node& victim = *nodes_[node - 1];
                        if (victim.life != life || !victim.alive()) return;
                        kill(victim, "by the arbiter's fence", ms(300));
                      }}),
      network_(sim_, nodes_),
      clients_(sim_, history_, nodes_),
      world_(surroundings()) {
  planted.bug = settings.bug;
  planted.promoting = false;
  for (uint32_t id = 1; id <= 3; ++id) {
    const bool learner = settings.learner && id == 3;
    nodes_.push_back(std::make_unique<Node>(
        world_, id, learner ? replication::Role::kLearner : replication::Role::kSync));
    wire(*nodes_.back());
  }
}

Cluster::~Cluster() {
  for (auto& node : nodes_) node->process.reset();
}

Surroundings Cluster::surroundings() {
  return {sim_,
          arbiter_,
          venue_,
          history_,
          [this](uint32_t from, uint32_t to, GroupId group, const PeerMessage& message) {
            network_.send(
                from, to, [from, group, message](Process& p) { p.message(from, group, message); },
                true);
          },
          [this](uint32_t from, uint32_t to, const DeliveryMessage& message) {
            network_.send(
                from, to, [from, message](Process& p) { p.delivery(from, message); },
                std::holds_alternative<VenueRequestDelivery>(message));
          },
          [this](uint32_t node) { network_.reset_all(node); },
          [this](uint32_t from, const Incarnation& whom) { fence(from, whom); },
          [this](uint32_t node) { return nodes_[node - 1]->life; },
          [this](uint64_t session, OrderReply reply) { clients_.replied(session, reply); },
          [this](uint64_t session, OrderQueryReply reply) { clients_.answered(session, reply); }};
}

void Cluster::wire(Node& node) {
  node.on_boot = [this, &node] { network_.booted(node.id); };
  node.on_death = [this, &node] {
    network_.died(node.id);
    clients_.node_died(node.id);
  };
}

/// A guard that hears of it kills its own node's process.
void Cluster::fence(uint32_t from, const Incarnation& whom) {
  if (!sim_.settings().guards || network_.is_cut(from, whom.member.value)) return;
  Node& node = *nodes_[whom.member.value - 1];
  sim_.at(ms(2), [this, &node, life = node.life] {
    if (node.life == life && node.alive()) kill(node, "by its guard", ms(250));
  });
}

std::string Cluster::run() {
  const MonoTime start = sim_.now();
  for (auto& node : nodes_) node->boot();
  venue_.start();
  sim_.at(ms(300), [this] { clients_.start(); });
  sim_.at(ms(800), [this] { fault(); });
  sim_.at(Duration::seconds(3) + ms(static_cast<int64_t>(sim_.random().below(4'000))),
          [this] { kill_leader(); });
  snapshots();
  const Settings& settings = sim_.settings();
  sim_.run_until(start + settings.faults_for);
  if (!sim_.failure().empty()) return sim_.failure();
  sim_.quieten();
  clients_.stop();
  heal();
  sim_.run_until(start + (settings.faults_for + settings.quiet_for - ms(500)));
  venue_.close();
  sim_.run_until(start + settings.faults_for + settings.quiet_for);
  if (sim_.failure().empty()) check_end();
  return sim_.failure();
}

}  // namespace holdfast::cluster_simulation
