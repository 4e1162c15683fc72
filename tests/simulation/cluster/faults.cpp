// What goes wrong.
#include "tests/simulation/cluster/cluster.hpp"
#include "tests/simulation/cluster/parts.hpp"

namespace holdfast::cluster_simulation {

using namespace replication;

void Cluster::fault() {
  if (!sim_.faulty()) return;
  faults_ += 1;
  one_fault(sim_.random().below(22));
  sim_.at(sim_.random().between(ms(60), ms(1'700)), [this] { fault(); });
}

void Cluster::one_fault(uint64_t kind) {
  Random& random = sim_.random();
  Node& node = any();
  Node& other = any();
  const Duration while_ = random.between(ms(5), ms(1'200));
  switch (kind) {
    case 0:
    case 1:
      return kill(node, "alone", while_);
    case 2:
    case 3:
      return kill_leader();
    case 4:
    case 5: {
      Node* leader = leader_of(random.one_in(2) ? kShardGroup : kVenueGroup);
      return (leader && random.one_in(2) ? *leader : node).stop(while_);
    }
    case 6:
      return part(node.id, other.id, while_);
    case 7:
      return isolate(node.id, while_);
    case 8:
      sim_.say(node.id, "its connections are reset");
      return network_.reset(node.id, other.id);
    case 9:
      sim_.say(0, "the arbiter is away");
      arbiter_.up(false);
      return sim_.at(while_, [this] { arbiter_.up(true); });
    case 10:
      sim_.say(node.id, "does not reach the arbiter");
      arbiter_.cut_off(node.id, true);
      return sim_.at(while_, [this, id = node.id] { arbiter_.cut_off(id, false); });
    case 11:
      sim_.say(node.id, "has a slow disk");
      node.disk.slow = true;
      return sim_.at(while_, [&node] { node.disk.slow = false; });
    case 12: {
      const int64_t step = static_cast<int64_t>(random.below(4'000)) - 2'000;
      sim_.say(node.id, "its clock steps", 0, 0, std::to_string(step) + " ms");
      sim_.sometimes("a clock stepped");
      node.skew = ms(step);
      return;
    }
    case 13:
      sim_.say(0, "the venue disconnects");
      sim_.sometimes("the venue disconnected");
      return venue_.disconnect();
    case 14:
      sim_.say(0, "the venue logs out, and refuses for a while");
      venue_.log_out();
      venue_.refuse(true);
      return sim_.at(while_, [this] { venue_.refuse(false); });
    case 15:
      sim_.say(0, "the path to the venue stalls");
      return venue_.stall(while_);
    case 16:
      sim_.say(node.id, "is cut from the venue");
      venue_.cut(node.id, true);
      return sim_.at(while_ * 6, [this, id = node.id] { venue_.cut(id, false); });
    case 17:
      sim_.say(node.id, "its path stalls to", other.id);
      return network_.stall(node.id, other.id, while_);
    case 18:
      return lose_power();
    case 19:
      return random.one_in(2) ? kill_all() : lose_disk();
    default:
      return advise();
  }
}

// ---- processes

void Cluster::boot_later(Node& node, Duration after) {
  sim_.at(after, [&node] {
    if (!node.alive()) node.boot();
  });
}

void Cluster::kill(Node& node, const char* why, Duration back_after) {
  node.kill(why);
  boot_later(node, back_after);
}

Node* Cluster::leader_of(GroupId group) {
  for (auto& node : nodes_)
    if (node->alive() && node->process->shell(group).member().leads()) return node.get();
  return nullptr;
}

void Cluster::kill_leader() {
  if (!sim_.faulty()) return;
  Node* leader = leader_of(sim_.random().one_in(2) ? kShardGroup : kVenueGroup);
  if (leader) kill(*leader, "as leader", sim_.random().between(ms(5), ms(2'000)));
}

void Cluster::kill_all() {
  for (auto& node : nodes_) kill(*node, "with all", sim_.random().between(ms(5), ms(1'000)));
}

/// Whether others hold everything that is committed: of both groups, by what they are now.
bool Cluster::may_lose(const Node& node) const {
  if (arbiter_.questions > 0) return false;
  for (const GroupId group : kGroups) {
    const GroupRecord* record = arbiter_.find(group);
    if (!record) return false;
    bool another = false;
    for (const Incarnation& i : record->in_sync) {
      if (i.member.value == node.id) continue;
      const HostDisk& disk = nodes_[i.member.value - 1]->disk;
      const auto part = disk.groups.find(group.value);
      another =
          another || (part != disk.groups.end() && uuid_of(part->second.directory) == i.data_dir &&
                      (sim_.settings().fsynced || uuid_of(disk.boot) == i.boot));
    }
    if (!another) return false;
  }
  return true;
}

/// With everything fsynced all may go at once; what only kernels hold needs one that stays.
void Cluster::lose_power() {
  const bool same = sim_.settings().fsynced || sim_.bug() == Bug::kSameIncarnation;
  if (sim_.settings().fsynced && sim_.random().one_in(3)) {
    sim_.sometimes("all power was lost");
    for (auto& node : nodes_) {
      node->lose_power(same);
      boot_later(*node, sim_.random().between(ms(50), ms(1'000)));
    }
    return;
  }
  Node& node = any();
  if (!sim_.settings().fsynced && !may_lose(node)) return;
  node.lose_power(same);
  boot_later(node, sim_.random().between(ms(10), ms(1'500)));
  if (sim_.random().one_in(2))
    sim_.at(sim_.random().between(ms(5), ms(250)), [this] { kill_leader(); });
}

void Cluster::lose_disk() {
  Node& node = any();
  if (!may_lose(node)) return;
  sim_.sometimes("a disk was lost");
  node.kill("with its disk");
  node.disk.lose_everything();
  boot_later(node, sim_.random().between(ms(50), ms(1'500)));
}

// ---- the network

void Cluster::part(uint32_t a, uint32_t b, Duration how_long) {
  if (a == b) return;
  sim_.say(a, "is cut from", b);
  sim_.sometimes("a partition");
  network_.cut(a, b, true);
  sim_.at(how_long, [this, a, b] { network_.cut(a, b, false); });
}

/// From the other nodes, perhaps from the arbiter, perhaps from the venue.
void Cluster::isolate(uint32_t id, Duration how_long) {
  for (auto& other : nodes_) part(id, other->id, how_long);
  const bool arbiter = sim_.random().one_in(2), venue = sim_.random().one_in(2);
  if (arbiter) arbiter_.cut_off(id, true);
  if (venue) venue_.cut(id, true);
  sim_.at(how_long, [this, id, arbiter, venue] {
    if (arbiter) arbiter_.cut_off(id, false);
    if (venue) venue_.cut(id, false);
  });
}

// ---- advice that knows nothing and asks for anything

void Cluster::advise() {
  const GroupId group = sim_.random().one_in(2) ? kShardGroup : kVenueGroup;
  Node* leader = leader_of(group);
  Node& node = any();
  switch (sim_.random().below(3)) {
    case 0:
      if (!leader) return;
      sim_.sometimes("an advisor asked for a hand-over");
      return leader->enter(leader->life, [this, group, to = node.id](Process& p) {
        if (p.shell(group).hand_over({to}).ok()) {
          sim_.say(p.node().id, "hands over to", to, group.value);
          sim_.sometimes("a hand-over began");
        }
      });
    case 1: {
      if (!node.alive()) return;
      sim_.sometimes("an advisor asked for an actor's restart");
      Node& whom = leader && sim_.random().one_in(2) ? *leader : node;
      return whom.enter(whom.life, [group](Process& p) {
        group == kShardGroup ? p.shard().restart("advised") : p.gateway().restart("advised");
      });
    }
    default:
      // In good order: who can, takes over at once; then the process ends.
      if (!node.alive()) return;
      sim_.sometimes("an advisor asked a node to leave");
      node.enter(node.life, [](Process& p) {
        for (const GroupId one : kGroups) p.shell(one).resign();
      });
      sim_.at(ms(10), [this, &node, life = node.life] {
        if (node.life == life) kill(node, "after it had left", ms(600));
      });
  }
}

// ---- quiet

void Cluster::heal() {
  sim_.say(0, "quiet");
  arbiter_.up(true);
  venue_.refuse(false);
  for (auto& node : nodes_) {
    arbiter_.cut_off(node->id, false);
    venue_.cut(node->id, false);
    node->disk.slow = false;
    for (auto& other : nodes_)
      if (node->id < other->id) network_.cut(node->id, other->id, false);
    if (!node->alive()) boot_later(*node, ms(5));
  }
}

void Cluster::snapshots() {
  sim_.at(sim_.random().between(ms(600), ms(4'000)), [this] {
    Node& node = any();
    const GroupId group = sim_.random().one_in(2) ? kShardGroup : kVenueGroup;
    if (node.alive()) node.enter(node.life, [group](Process& p) { p.snapshot(group); });
    if (sim_.faulty()) snapshots();
  });
}

}  // namespace holdfast::cluster_simulation
