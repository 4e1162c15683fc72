#include "tests/simulation/protocol/world.hpp"

#include "tests/simulation/protocol/world_node.hpp"

#include <cstdio>
#include <cstring>

namespace holdfast::simulation {

World::World(const WorldSettings& settings)
    : settings_(settings), random_(settings.seed), now_(kStart) {
  for (std::size_t i = 0; i < settings.sync_members + settings.learners; ++i) {
    auto node = std::make_unique<Node>();
    node->id = {static_cast<uint32_t>(i + 1)};
    node->role = i < settings.sync_members ? Role::kSync : Role::kLearner;
    node->disk.directory = i + 1;
    nodes_.push_back(std::move(node));
  }
}
World::~World() = default;

void World::at(Duration delay, Event event) {
  queue_.push({now_ + delay, ++order_, std::move(event)});
}
void World::trace(const std::string& line) {
  for (const char c : line)
    trace_hash_ = (trace_hash_ ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  trace_hash_ = (trace_hash_ ^ static_cast<uint64_t>(now_.ns)) * 1099511628211ull;
  if (settings_.trace)
    std::printf("%10.3f ms  %s\n", static_cast<double>((now_ - kStart).ns) / 1e6, line.c_str());
}
void World::fail(const std::string& what) {
  trace("VIOLATION " + what);
  if (failure_.empty()) failure_ = what;
}

std::string World::run() {
  for (auto& node : nodes_) boot(*node);
  at(Duration::milliseconds(100), [this] { fault(); });
  const MonoTime quiet = now_ + settings_.faults_for, end = quiet + settings_.quiet_for;
  bool healed = false;
  while (!queue_.empty() && failure_.empty()) {
    const Queued next = queue_.top();
    if (next.when > end) break;
    queue_.pop();
    if (!healed && next.when > quiet) {
      healed = true;
      now_ = quiet;
      faulty_ = false;
      heal();
    }
    now_ = next.when;
    next.event();
  }
  if (failure_.empty()) check_end();
  return failure_;
}

// ---- processes

void World::boot(Node& node) {
  node.life += 1;
  node.alive = true;
  node.leading = {};
  node.parked = node.leading_rebuilt = false;
  node.waiting.clear();
  node.unwritten.clear();
  node.written = 0;
  node.writing = false;
  if (settings_.bug == Bug::kStaleRestart && node.life > 1 && node.earlier.directory) {
    const Epoch seen = node.disk.epoch_seen;
    if (node.earlier.last() < node.disk.last() && node.earlier.directory == node.disk.directory)
      node.disk = node.earlier, node.disk.epoch_seen = seen;
  }
  MemberSettings settings;
  settings.cluster = "sim";
  settings.group = kGroup;
  settings.self = {node.id, uuid(node.disk.directory), uuid(7)};
  for (auto& other : nodes_) settings.members.push_back({other->id, other->role});
  settings.unprotected = settings_.unprotected;
  settings.fence = settings_.fence;
  Persisted persisted;
  persisted.epoch_seen = node.disk.epoch_seen;
  persisted.last = node.disk.last();
  persisted.committed = node.disk.floor;
  if (node.disk.floor) persisted.history.reset(node.disk.floor_epoch, node.disk.floor);
  for (const EntryRef& entry : node.disk.entries) persisted.history.note(entry.epoch, entry.index);
  node.applied = node.disk.floor;
  node.member = std::make_unique<Member>(settings, persisted);
  trace("boot " + std::to_string(node.id.value) +
        " last=" + std::to_string(node.disk.last().value));
  const uint64_t life = node.life;
  const bool rebuilds = random_.one_in(3);
  enter(node, life, [this, rebuilds](Member& m) {
    m.ready(!rebuilds, now_);
    m.start(now_);
  });
  if (rebuilds)
    at(random_.between(Duration::milliseconds(1), Duration::milliseconds(80)),
       [this, &node, life] { enter(node, life, [this](Member& m) { m.ready(true, now_); }); });
  for (auto& other : nodes_)
    if (other->id != node.id) connect(node, *other);
  tick(node, life);
  work(node, life);
}

void World::kill(Node& node, const char* why) {
  if (!node.alive) return;
  trace(std::string("kill ") + std::to_string(node.id.value) + " " + why);
  sometimes_[std::string("killed: ") + why] += 1;
  if (node.leading) sometimes_["killed the leader"] += 1;
  node.alive = false;
  node.stopped_until = {};
  note_counters(node);
  node.life += 1;
  node.member.reset();
  for (auto& other : nodes_)
    if (other->id != node.id) disconnect(node, *other, true, false);
}

void World::note_counters(const Node& node) {
  const MemberCounters& counters = node.member->counters();
  sometimes_["held for a fresh round trip"] += counters.egress_held;
  sometimes_["an acknowledgement was too old"] += counters.stale_acks;
  sometimes_["a gap was seen"] += counters.gaps;
  sometimes_["said under an old epoch"] += counters.stale_epochs;
  sometimes_["own late wake-up discounted"] += counters.late_ticks;
}

void World::stop(Node& node, Duration how_long) {
  if (!node.alive) return;
  trace("stop " + std::to_string(node.id.value) + " for " +
        std::to_string(how_long.ns / 1'000'000) + " ms");
  node.stopped_until = now_ + how_long;
  sometimes_["stopped"] += 1;
}

/// Everything that reaches a process: not when it is dead or another, later when it is stopped.
void World::enter(Node& node, uint64_t life, std::function<void(Member&)> input) {
  if (!node.alive || node.life != life) return;
  if (node.stopped_until > now_) {
    if (node.waiting.empty())
      at(node.stopped_until - now_, [this, &node, life] {
        if (!node.alive || node.life != life) return;
        trace("resume " + std::to_string(node.id.value));
        auto waiting = std::exchange(node.waiting, {});
        for (auto& one : waiting) enter(node, life, std::move(one));
      });
    node.waiting.push_back(std::move(input));
    return;
  }
  input(*node.member);
  carry_out(node);
}

void World::carry_out(Node& node) {
  if (node.carrying) return;
  node.carrying = true;
  const uint64_t life = node.life;
  for (std::size_t i = 0; node.alive && node.life == life && i < node.member->actions().size();
       ++i) {
    const Action action = node.member->actions()[i];
    std::visit(
        [&](const auto& a) {
          using A = std::decay_t<decltype(a)>;
          if constexpr (std::is_same_v<A, act::Send>) {
            carry_out(node, a);
          } else if constexpr (std::is_same_v<A, act::Persist>) {
            persist(node, a.entries);
          } else if constexpr (std::is_same_v<A, act::PersistEpoch>) {
            node.disk.epoch_seen = a.epoch;
          } else if constexpr (std::is_same_v<A, act::Truncate>) {
            sometimes_["truncated"] += 1;
            write(node, UINT64_MAX);
            if (settings_.bug == Bug::kNoTruncate) return;
            while (node.disk.last() > a.last && !node.disk.entries.empty())
              node.disk.entries.pop_back();
          } else if constexpr (std::is_same_v<A, act::Install>) {
            sometimes_["snapshot installed"] += 1;
            write(node, UINT64_MAX);
            install(node, a.snapshot);
          } else if constexpr (std::is_same_v<A, act::ReadLog>) {
            std::vector<EntryRef> entries;
            if (a.from > node.disk.floor)
              for (Index j = a.from; j <= node.disk.last() && entries.size() < 40;
                   j = Index{j.value + 1})
                entries.push_back(node.disk.entries[j.value - node.disk.floor.value - 1]);
            const bool gone = a.from <= node.disk.floor;
            at(Duration::microseconds(300), [this, &node, life, to = a.to, entries, gone] {
              if (gone) return enter(node, life, [=, this](Member& m) { m.on_log_gone(to, now_); });
              enter(node, life, [=, this](Member& m) { m.on_log_read(to, entries, now_); });
            });
          } else if constexpr (std::is_same_v<A, act::ReadSnapshot>) {
            peer::SnapshotPart part;
            part.at = {node.disk.floor_epoch, node.disk.floor, {}};
            part.total = node.disk.snapshot.size() * 8;
            part.offset = std::min<uint64_t>(a.offset, part.total);
            const std::size_t size = std::min<uint64_t>(part.total - part.offset, 256);
            part.bytes.resize(size);
            if (size)
              std::memcpy(part.bytes.data(),
                          reinterpret_cast<const char*>(node.disk.snapshot.data()) + part.offset,
                          size);
            at(Duration::microseconds(300), [this, &node, life, to = a.to, part] {
              enter(node, life, [=, this](Member& m) { m.on_snapshot_read(to, part, now_); });
            });
          } else if constexpr (std::is_same_v<A, act::Commit>) {
            committed(node, a.index);
          } else if constexpr (std::is_same_v<A, act::Lead>) {
            lead(node, a.epoch);
          } else if constexpr (std::is_same_v<A, act::StepDown>) {
            trace("step down " + std::to_string(node.id.value) + " " + a.why);
            sometimes_["stepped down: " + a.why.substr(0, a.why.find(':'))] += 1;
            node.leading = {};
            node.parked = false;
            node.applied = std::min(node.applied, node.member->committed());
          } else if constexpr (std::is_same_v<A, act::Park>) {
            node.parked = a.parked;
          } else if constexpr (std::is_same_v<A, act::CompareAndSet>) {
            compare_and_set(node, a);
          } else if constexpr (std::is_same_v<A, act::ReadRecord>) {
            read_record(node);
          } else if constexpr (std::is_same_v<A, act::Unprotected>) {
            sometimes_[a.on ? "unprotected" : "protected again"] += 1;
          } else if constexpr (std::is_same_v<A, act::Wipe>) {
            sometimes_["diverged"] += 1;
            fail("member " + std::to_string(node.id.value) + " diverged: " + a.why);
          } else if constexpr (std::is_same_v<A, act::Fence>) {
            for (auto& other : nodes_)
              if (other->id == a.whom.member && !cut(node, *other) && random_.one_in(2))
                at(Duration::milliseconds(2), [this, &other = *other, life2 = other->life] {
                  if (other.life != life2) return;
                  kill(other, "fenced");
                  at(Duration::milliseconds(200), [this, &other] {
                    if (!other.alive) boot(other);
                  });
                });
          } else if constexpr (std::is_same_v<A, act::Report>) {
            trace("member " + std::to_string(node.id.value) + ": " + a.text);
          }
        },
        action);
  }
  if (node.alive && node.life == life) node.member->actions().clear();
  node.carrying = false;
}

// ---- the disk

/// Takes its time, and is one step: a crash leaves the former log or the new one.
void World::install(Node& node, const replication::Snapshot& snapshot) {
  const uint64_t life = node.life;
  at(random_.between(Duration::microseconds(500), Duration::milliseconds(40)),
     [this, &node, life, snapshot] {
       if (!node.alive || node.life != life) {
         sometimes_["killed while a snapshot was installed"] += 1;
         return;
       }
       node.disk.entries.clear();
       node.disk.floor = snapshot.at.index;
       node.disk.floor_epoch = snapshot.at.epoch;
       node.disk.snapshot.resize(snapshot.state.size() / 8);
       std::memcpy(node.disk.snapshot.data(), snapshot.state.data(), snapshot.state.size());
       node.applied = node.disk.floor;
       enter(node, life, [this](Member& m) { m.on_installed(now_); });
     });
}

void World::persist(Node& node, std::vector<EntryRef> entries) {
  if (settings_.bug == Bug::kAckBeforePersist && !node.leading) {
    const EntryRef last = entries.back();
    at({}, [this, &node, life = node.life, last] {
      enter(node, life, [=, this](Member& m) { m.on_persisted(last.index, last.epoch, now_); });
    });
  }
  for (EntryRef& entry : entries) node.unwritten.push_back(std::move(entry));
  begin_write(node);
}

/// One write at a time, of all that waits.
void World::begin_write(Node& node) {
  if (node.writing || node.unwritten.empty()) return;
  node.writing = true;
  const Duration cost =
      node.slow_disk ? random_.between(Duration::milliseconds(1), Duration::milliseconds(40))
                     : random_.between(Duration::microseconds(20), Duration::microseconds(400));
  const uint64_t upto = node.written + node.unwritten.size();
  at(cost, [this, &node, life = node.life, upto] {
    if (node.life != life || !node.alive) return;  // was never written
    write(node, upto);
    node.writing = false;
    const EntryRef last = node.last_written;
    enter(node, life, [=, this](Member& m) { m.on_persisted(last.index, last.epoch, now_); });
    begin_write(node);
  });
}

/// Moves what was handed over up to the `upto`th entry of this life to the disk.
void World::write(Node& node, uint64_t upto) {
  while (node.written < upto && !node.unwritten.empty()) {
    EntryRef entry = std::move(node.unwritten.front());
    node.unwritten.pop_front();
    node.written += 1;
    if (settings_.bug == Bug::kNoTruncate && entry.index <= node.disk.last()) continue;
    if (entry.index.value != node.disk.last().value + 1)
      return fail("entry " + std::to_string(entry.index.value) + " written after entry " +
                  std::to_string(node.disk.last().value));
    if (random_.one_in(64)) node.earlier = node.disk;
    if (settings_.bug == Bug::kSkipEntry && !node.leading && random_.one_in(200))
      entry.bytes = std::make_shared<const Bytes>(Bytes(8));
    node.last_written = entry;
    node.disk.entries.push_back(std::move(entry));
  }
}

// ---- the application: a log of numbers

void World::lead(Node& node, Epoch epoch) {
  const uint64_t who = (static_cast<uint64_t>(node.id.value) << 32) | node.life;
  const auto [it, fresh] = leader_of_.try_emplace(epoch.value, who);
  if (!fresh && it->second != who)
    return fail("two leaders of epoch " + std::to_string(epoch.value));
  trace("lead " + std::to_string(node.id.value) + " epoch=" + std::to_string(epoch.value));
  write(node, UINT64_MAX);
  // Whatever was released before has to be in this log. (Who was stopped may come to lead an epoch
  // that is long over.)
  for (const auto& [index, payload] : released_) {
    if (released_in_[index] > epoch.value) continue;
    if (Index{index} > node.disk.last())
      return fail("leader " + std::to_string(node.id.value) + " of epoch " +
                  std::to_string(epoch.value) + " lacks released entry " + std::to_string(index));
    if (node.disk.payload({index}) != payload)
      return fail("leader " + std::to_string(node.id.value) + " has another entry " +
                  std::to_string(index) + " than was released");
  }
  node.leading = epoch;
  node.applied = node.disk.last();
  append(node);
}

void World::append(Node& node) {
  auto bytes = std::make_shared<Bytes>(8);
  const uint64_t payload = ++payload_;
  std::memcpy(bytes->data(), &payload, sizeof payload);
  const EntryRef entry{{node.member->last().value + 1}, node.leading, bytes};
  node.member->on_appended(entry, now_);
  if (settings_.bug == Bug::kReleaseEarly) {
    const auto [it, fresh] = released_.try_emplace(entry.index.value, payload);
    if (!fresh && it->second != payload) fail("two entries released at one index");
  }
  persist(node, {entry});
}

void World::committed(Node& node, Index index) {
  const Index upto = std::min(index, node.log_last());
  for (Index i{std::min(node.applied.value, upto.value) + 1}; i <= upto; i = Index{i.value + 1}) {
    if (i <= node.disk.floor) continue;
    const uint64_t payload = node.log_payload(i);
    if (node.leading) continue;
    const auto found = released_.find(i.value);
    if (found != released_.end() && found->second != payload)
      return fail("member " + std::to_string(node.id.value) + " applies another entry " +
                  std::to_string(i.value) + " than was released");
  }
  node.applied = std::max(node.applied, upto);
  if (!node.leading) return;
  for (Index i{released_.empty() ? 1 : released_.rbegin()->first + 1}; i <= index;
       i = Index{i.value + 1}) {
    released_.try_emplace(i.value, node.log_payload(i));
    released_in_.try_emplace(i.value, node.leading.value);
  }
  const auto found = released_.find(index.value);
  if (found != released_.end() && found->second != node.log_payload(index))
    return fail("leader " + std::to_string(node.id.value) + " releases another entry " +
                std::to_string(index.value) + " than was released before");
  if (leader_of_.rbegin()->first > node.leading.value)
    sometimes_["a superseded leader released what its successor has"] += 1;
}

void World::tick(Node& node, uint64_t life) {
  if (!node.alive || node.life != life) return;
  enter(node, life, [this](Member& m) { m.tick(now_); });
  Duration next = random_.between(Duration::milliseconds(4), Duration::milliseconds(6));
  if (node.stopped_until > now_) next = next + (node.stopped_until - now_);
  at(next, [this, &node, life] { tick(node, life); });
}

void World::work(Node& node, uint64_t life) {
  if (!node.alive || node.life != life) return;
  enter(node, life, [this, &node](Member& m) {
    if (!node.leading || !m.leads() || m.state() != MemberState::kServing) return;
    if (!node.parked && m.last().value - m.committed().value < 200)
      for (uint64_t i = random_.below(4); i > 0; --i) append(node);
    if (faulty_ && random_.one_in(900)) {
      const auto& to = nodes_[random_.below(nodes_.size())];
      if (m.hand_over(to->id, now_).ok()) sometimes_["hand-over begun"] += 1;
    }
    if (faulty_ && random_.one_in(2500)) {
      sometimes_["replica rebuilt under its leader"] += 1;
      m.relead(now_);
    }
  });
  // A snapshot at what is committed, now and then; what lies below goes.
  if (node.stopped_until <= now_ && random_.one_in(400) && node.member &&
      node.applied > node.disk.floor) {
    const Index upto = std::min(node.member->committed(), node.disk.last());
    while (node.disk.floor < upto) {
      const EntryRef& first = node.disk.entries.front();
      node.disk.snapshot.push_back(payload_of(first));
      node.disk.floor = first.index;
      node.disk.floor_epoch = first.epoch;
      node.disk.entries.erase(node.disk.entries.begin());
    }
  }
  at(random_.between(Duration::milliseconds(1), Duration::milliseconds(5)),
     [this, &node, life] { work(node, life); });
}

}  // namespace holdfast::simulation
