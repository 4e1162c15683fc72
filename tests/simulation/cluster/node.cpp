// The host of a node: its process's lives, its clocks, its power.
#include "tests/simulation/cluster/parts.hpp"
#include "tests/simulation/cluster/process.hpp"

namespace holdfast::cluster_simulation {

namespace {
constexpr WallTime kDayStart{1'772'461'800'000'000'000};  // 2026-03-02 14:30:00 UTC, a Monday
constexpr Duration kTick = ms(5);
}  // namespace

Node::Node(Surroundings& world, uint32_t node, Role its_role)
    : id(node), role(its_role), world_(world) {
  mono_offset = Duration::seconds(static_cast<int64_t>(world.sim.random().below(100'000)));
  disk.boot = node * 1'000 + 1;
}

Node::~Node() = default;

WallTime Node::wall() const { return kDayStart + world_.sim.elapsed() + skew; }

void Node::boot() {
  life += 1;
  stopped_until = {};
  powered = true;
  waiting_.clear();
  if (world_.sim.bug() == Bug::kStaleRestart && life > 1) go_stale();
  world_.sim.say(id, "boots, entries", disk.group(kShardGroup).last().value,
                 disk.group(kVenueGroup).last().value);
  process = std::make_unique<Process>(world_, *this);
  const uint64_t life_now = life;
  enter(life_now, [](Process& p) { p.start(); });
  on_boot();
  tick(life_now);
}

void Node::kill(const char* why) {
  if (!alive()) return;
  world_.sim.say(id, "dies", 0, 0, why);
  world_.sim.sometimes(std::string("killed: ") + why);
  for (const GroupId group : kGroups)
    if (process->shell(group).member().leads()) world_.sim.sometimes("a leader died");
  process.reset();
  life += 1;
  stopped_until = {};
  waiting_.clear();
  world_.venue.process_died(id);
  on_death();
}

void Node::lose_power(bool keep_incarnation) {
  powered = false;
  kill("its power is gone");
  const uint64_t lost = disk.lose_power(world_.sim.random());
  world_.sim.say(id, "lost entries", lost);
  if (lost != 0) world_.sim.sometimes("entries were lost with the power");
  if (!keep_incarnation) disk.boot += 1;
}

/// Planted: the disk is that of a moment ago.
void Node::go_stale() {
  for (auto& [group, part] : disk.groups)
    for (int n = 0; n < 12 && part.entries.size() > 1; ++n) part.entries.pop_back();
}

void Node::stop(Duration how_long) {
  if (!alive()) return;
  world_.sim.say(id, "is stopped for ms", static_cast<uint64_t>(how_long.ms()));
  world_.sim.sometimes("a process was stopped");
  stopped_until = std::max(stopped_until, world_.sim.now() + how_long);
}

/// The process is stopped: what comes waits, and is taken in its order when it goes on.
void Node::wait(uint64_t of_life, std::function<void(Process&)> input) {
  waiting_.push_back(std::move(input));
  if (waiting_.size() > 1) return;
  world_.sim.at(stopped_until - world_.sim.now(), [this, of_life] {
    if (!alive() || life != of_life) return;
    auto waiting = std::exchange(waiting_, {});
    for (auto& one : waiting) enter(of_life, std::move(one));
  });
}

void Node::threw(const std::exception& error) {
  world_.sim.fail("node " + std::to_string(id) + " threw: " + error.what());
}

void Node::tick(uint64_t of_life) {
  if (!alive() || life != of_life) return;
  if (!stopped()) enter(of_life, [](Process& p) { p.tick(); });
  // A loop that is late wakes once, not once for each tick that it missed.
  const Duration wait = stopped() ? stopped_until - world_.sim.now() : Duration{};
  world_.sim.at(wait + kTick, [this, of_life] { tick(of_life); });
}

}  // namespace holdfast::cluster_simulation
