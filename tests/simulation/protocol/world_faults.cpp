// The world around the processes: connections, the arbiter, what goes wrong, and the last checks.
#include <algorithm>

#include "tests/simulation/protocol/world_node.hpp"

namespace holdfast::simulation {

// ---- connections

bool World::cut(const Node& a, const Node& b) const {
  return cuts_.contains({a.id.value, b.id.value}) || cuts_.contains({b.id.value, a.id.value});
}

void World::connect(Node& a, Node& b) {
  const auto key = std::minmax(a.id.value, b.id.value);
  if (!a.alive || connections_.contains(key)) return;
  if (cut(a, b) || !b.alive) {
    if (!cut(a, b) && !b.alive)
      enter(a, a.life, [this, id = b.id](Member& m) { m.on_link_down(id, true, now_); });
    at(Duration::milliseconds(20), [this, &a, &b, life = a.life] {
      if (a.alive && a.life == life) connect(a, b);
    });
    return;
  }
  connections_[key] = ++connection_count_;
  a.arrival[b.id.value] = b.arrival[a.id.value] = now_;
  const uint64_t generation = connection_count_;
  for (auto [one, other] : {std::pair(&a, &b), std::pair(&b, &a)})
    at(Duration::microseconds(200), [this, one = one, other = other, key, generation,
                                     life = one->life, peer = other->member->settings().self] {
      const auto found = connections_.find(key);
      if (found == connections_.end() || found->second != generation) return;
      enter(*one, life, [=, this](Member& m) { m.on_link_up(peer, now_); });
      (void)other;
    });
}

void World::disconnect(Node& a, Node& b, bool a_dead, bool b_dead) {
  const auto key = std::minmax(a.id.value, b.id.value);
  if (!connections_.erase(key)) return;
  for (auto [one, other, dead] : {std::tuple(&a, &b, b_dead), std::tuple(&b, &a, a_dead)})
    at(random_.between(Duration::microseconds(200), Duration::milliseconds(2)),
       [this, one = one, other = other, dead = dead, life = one->life, id = other->id] {
         if (!one->alive || one->life != life) return;
         enter(*one, life, [=, this](Member& m) { m.on_link_down(id, dead, now_); });
         // Not before the other side has seen the end of the former connection.
         at(random_.between(Duration::milliseconds(2), Duration::milliseconds(10)),
            [this, one, other, life] {
              if (one->alive && one->life == life) connect(*one, *other);
            });
       });
}

void World::carry_out(Node& node, const act::Send& send) {
  PeerMessage message = send.message;
  if (auto* ack = std::get_if<peer::Ack>(&message);
      ack && settings_.bug == WorldSettings::Bug::kInflatedAck)
    ack->index.value += 3;
  for (auto& other : nodes_)
    if (other->id == send.to) deliver(node, *other, message);
}

void World::deliver(Node& from, Node& to, const PeerMessage& message) {
  const auto key = std::minmax(from.id.value, to.id.value);
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  const uint64_t generation = found->second;
  Duration delay = random_.between(Duration::microseconds(30), Duration::microseconds(300));
  if (faulty_ && random_.one_in(300)) delay = random_.between({}, Duration::milliseconds(60));
  MonoTime& arrival = to.arrival[from.id.value];
  arrival = std::max(arrival, now_ + delay);
  const auto arrive = [this, &from, &to, message, key, generation, life = to.life, id = from.id] {
    const auto there = connections_.find(key);
    if (there == connections_.end() || there->second != generation) return;
    if (cut(from, to)) return;
    enter(to, life, [=, this](Member& m) { m.on_message(id, message, now_); });
  };
  at(arrival - now_, arrive);
  // Beyond what a connection does: twice, and late.
  if (faulty_ && random_.one_in(400)) {
    sometimes_["a message came twice"] += 1;
    at(arrival - now_ + random_.between({}, Duration::milliseconds(30)), arrive);
  }
}

// ---- the arbiter

void World::read_record(Node& node) {
  const uint64_t life = node.life;
  const Duration there = random_.between(Duration::microseconds(100), Duration::milliseconds(2));
  at(there, [this, &node, life] {
    if (!arbiter_up_ || cuts_.contains({node.id.value, 0})) {
      at(Duration::milliseconds(50), [this, &node, life] {
        enter(node, life, [=, this](Member& m) { m.on_read_failed(now_); });
      });
      return;
    }
    at(Duration::microseconds(300), [this, &node, life, record = record_] {
      enter(node, life, [=, this](Member& m) { m.on_record(record, now_); });
    });
  });
}

std::string World::apply_cas(const act::CompareAndSet& cas) {
  const uint64_t version = record_ ? record_->version : 0;
  if (version != cas.expected && settings_.bug != Bug::kBlindArbiter) return "another version";
  if (const auto valid = check_record(cas.proposed); !valid) {
    fail("a record that is wrong in itself was proposed: " + valid.error().text);
    return "invalid";
  }
  if (record_ && settings_.bug != Bug::kBlindArbiter)
    if (const auto step = check_step(*record_, cas.proposed); !step)
      fail("a step that must not be was proposed: " + step.error().text);
  record_ = cas.proposed;
  std::string in_sync;
  for (const Incarnation& i : record_->in_sync) in_sync += " " + text(i);
  trace("record version=" + std::to_string(record_->version) +
        " epoch=" + std::to_string(record_->epoch.value) + " leader=" + text(*record_->leader) +
        " in_sync=" + in_sync);
  watch();
  return "";
}

void World::compare_and_set(Node& node, const act::CompareAndSet& cas) {
  const uint64_t life = node.life;
  const Duration there = random_.between(Duration::microseconds(200), Duration::milliseconds(3));
  questions_ += 1;
  at(there, [this, &node, life, cas] {
    questions_ -= 1;
    const bool reachable = arbiter_up_ && !cuts_.contains({node.id.value, 0});
    const bool lost_answer = faulty_ && random_.one_in(12);
    if (!reachable || lost_answer) {
      // Whether it still happens, and when, nobody who asked knows.
      if (random_.one_in(2)) {
        sometimes_["an unanswered question took effect"] += 1;
        questions_ += 1;
        at(random_.between({}, Duration::milliseconds(80)), [this, cas] {
          questions_ -= 1;
          (void)apply_cas(cas);
        });
      }
      at(Duration::milliseconds(30), [this, &node, life, cas] {
        enter(node, life, [=, this](Member& m) { m.on_cas_unknown(cas.id, now_); });
      });
      return;
    }
    const bool won = apply_cas(cas).empty();
    at(Duration::microseconds(300), [this, &node, life, cas, won, record = record_] {
      enter(node, life, [=, this](Member& m) {
        won ? m.on_cas_won(cas.id, now_) : m.on_cas_lost(cas.id, record, now_);
      });
    });
  });
}

void World::watch() {
  for (auto& node : nodes_)
    at(random_.between(Duration::microseconds(200), Duration::milliseconds(5)),
       [this, &node = *node, life = node->life, record = record_] {
         if (!arbiter_up_ || cuts_.contains({node.id.value, 0})) return;
         enter(node, life, [=, this](Member& m) { m.on_record(record, now_); });
       });
}

// ---- faults

/// Never so many that nobody is left who holds everything.
bool World::may_lose(const Node& node) const {
  if (!record_ || questions_ > 0) return false;
  std::size_t others = 0;
  for (const Incarnation& i : record_->in_sync)
    for (const auto& other : nodes_)
      others += other->id == i.member && other->id != node.id &&
                uuid(other->disk.directory) == i.data_dir;
  return others > 0;
}

void World::fault() {
  if (!faulty_) return;
  faults_ += 1;
  Node& node = *nodes_[random_.below(nodes_.size())];
  Node& other = *nodes_[random_.below(nodes_.size())];
  const Duration while_ = random_.between(Duration::milliseconds(5), Duration::milliseconds(900));
  const auto again = [this, &node](Duration after) {
    at(after, [this, &node] {
      if (!node.alive) boot(node);
    });
  };
  switch (random_.below(10)) {
    case 0:
    case 1:
      kill(node, "alone");
      again(while_);
      break;
    case 2:  // the leader
      for (auto& n : nodes_)
        if (n->leading) {
          kill(*n, "as leader");
          at(while_, [this, &n = *n] {
            if (!n.alive) boot(n);
          });
        }
      break;
    case 3:
      stop(node, while_);
      break;
    case 4:
      if (node.id == other.id) break;
      trace("cut " + std::to_string(node.id.value) + "-" + std::to_string(other.id.value));
      cuts_.insert({node.id.value, other.id.value});
      if (random_.one_in(2)) disconnect(node, other, false, false);
      at(while_, [this, &node, &other] {
        cuts_.erase({node.id.value, other.id.value});
        disconnect(node, other, false, false);
      });
      break;
    case 5:
      if (node.id != other.id) disconnect(node, other, false, false);
      break;
    case 6:
      trace("arbiter away");
      arbiter_up_ = false;
      at(while_, [this] { arbiter_up_ = true; });
      break;
    case 7:
      trace("no arbiter for " + std::to_string(node.id.value));
      cuts_.insert({node.id.value, 0});
      at(while_, [this, &node] { cuts_.erase({node.id.value, 0}); });
      break;
    case 8:
      node.slow_disk = true;
      at(while_, [&node] { node.slow_disk = false; });
      break;
    case 9:
      if (random_.one_in(3)) {
        for (auto& n : nodes_) {
          kill(*n, "with all");
          at(random_.between(Duration::milliseconds(5), Duration::milliseconds(900)),
             [this, &n = *n] {
               if (!n.alive) boot(n);
             });
        }
      } else if (may_lose(node)) {
        kill(node, "with its disk");
        const uint64_t directory = node.disk.directory;
        node.disk = {};
        node.earlier = {};
        node.disk.directory = settings_.bug == WorldSettings::Bug::kSameDirectory
                                  ? directory
                                  : 100 + random_.below(1u << 30);
        // Back at once, and the leader goes too: nobody has put it out of the set meanwhile.
        if (random_.one_in(2)) {
          for (auto& n : nodes_)
            if (n->id != node.id && n->member && n->member->leads()) {
              kill(*n, "as leader");
              at(while_, [this, &n = *n] {
                if (!n.alive) boot(n);
              });
            }
          boot(node);
        } else {
          again(while_);
        }
      }
      break;
  }
  at(random_.between(Duration::milliseconds(20), Duration::milliseconds(1200)),
     [this] { fault(); });
}

void World::heal() {
  trace("quiet");
  cuts_.clear();
  arbiter_up_ = true;
  for (auto& node : nodes_) {
    node->slow_disk = false;
    if (node->alive) continue;
    // Not before the others have seen its end.
    at(Duration::milliseconds(5), [this, &node = *node] {
      if (!node.alive) boot(node);
    });
  }
}

void World::check_end() {
  if (!record_) return fail("nobody ever led");
  const Node* leader = nullptr;
  for (auto& node : nodes_) {
    note_counters(*node);
    trace("at the end: member " + std::to_string(node->id.value) + " " +
          std::string(to_text(node->member->state())) +
          " last=" + std::to_string(node->member->last().value) +
          " committed=" + std::to_string(node->member->committed().value));
    for (const PeerView& view : node->member->peers())
      trace("  sees " + std::to_string(view.member.value) + (view.linked ? " linked" : "") +
            (view.streaming ? " streaming" : "") + (view.in_sync ? " in_sync" : "") +
            " acknowledged=" + std::to_string(view.acknowledged.value) + " heard " +
            std::to_string((now_ - view.heard).ns / 1'000'000) + " ms ago");
  }
  for (auto& node : nodes_)
    if (node->member && node->member->state() == MemberState::kServing &&
        record_->leader == node->member->settings().self)
      leader = node.get();
  if (leader == nullptr) return fail("nobody serves at the end");
  for (auto& node : nodes_) {
    if (node->role == Role::kSync && !in_sync_of(*record_, node->id))
      return fail("member " + std::to_string(node->id.value) + " is not in sync at the end");
    if (node->member->committed().value + 500 < leader->member->committed().value)
      return fail("member " + std::to_string(node->id.value) + " is behind at the end");
    for (Index i{1}; i <= node->member->committed() && i <= leader->disk.last();
         i = Index{i.value + 1})
      if (i <= node->disk.last() && node->disk.payload(i) != leader->disk.payload(i))
        return fail("entry " + std::to_string(i.value) + " differs at the end");
  }
  if (released_.size() < 100) return fail("hardly anything was released");
}

}  // namespace holdfast::simulation
