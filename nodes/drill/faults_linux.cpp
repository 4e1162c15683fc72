// Steps that leave processes alone: what is wrong lies between them, or below them.
#include <algorithm>
#include <cstdio>

#include "nodes/drill/steps_linux.hpp"

namespace holdfast::drill {

using drills::Fault;

bool needs_ways(Fault fault) { return fault == Fault::kPartition || fault == Fault::kCutVenue; }
bool needs_fault_library(Fault fault) {
  return fault == Fault::kFillDisk || fault == Fault::kSlowDisk || fault == Fault::kStepClock;
}
bool needs_etcd(Fault fault) {
  return fault == Fault::kKillArbiter || fault == Fault::kKillArbiterMajority;
}

/// The ways of a member that leads: cut from one or from all others, in one direction, slowed,
/// reset; or those between the others.
bool Steps::partition(Run& run, uint32_t leader) {
  Network& network = *cluster_.network();
  const std::string& name = cluster_.node(leader).name;
  std::vector<std::string> others;
  for (const Node& node : cluster_.nodes())
    if (node.member != leader) others.push_back(node.name);
  std::rotate(others.begin(), others.begin() + static_cast<long>(run.step.pick / 8 % others.size()),
              others.end());
  const std::string& one = others.front();
  const auto each = [&](auto&& what) { std::for_each(others.begin(), others.end(), what); };
  begins(run);
  bool lasts = true;
  switch (run.step.pick % 8) {
    case 0:
      run.what = "cut between " + name + " and " + one;
      network.set(name, one, false, false);
      break;
    case 1:
      run.what = "cut between " + name + " and all others";
      each([&](const auto& other) { network.set(name, other, false, false); });
      break;
    case 2:
      run.what = "nothing of " + name + " reaches the others";
      each([&](const auto& other) { network.set(name, other, false, true); });
      break;
    case 3:
      run.what = "nothing of the others reaches " + name;
      each([&](const auto& other) { network.set(name, other, true, false); });
      break;
    case 4: {
      const Duration delay =
          Duration::milliseconds(5 + static_cast<int64_t>(run.step.pick / 16 % 76));
      run.what = "a delay of " + in_ms(delay) + " each way between " + name + " and " + one;
      network.set(name, one, true, true, delay);
      break;
    }
    case 5:
      run.what = "reset of all connections of " + name + " with the others";
      each([&](const auto& other) { network.reset(name, other); });
      lasts = false;
      break;
    case 6:
      run.what = "cut between " + one + " and " + others.back() + ", which follow";
      network.set(one, others.back(), false, false);
      break;
    default:
      run.what = "cut between " + name + " and all others";
      each([&](const auto& other) { network.set(name, other, false, false); });
      if (!cluster_.has_etcd()) break;
      run.what += " and the arbiter";
      for (std::size_t i = 0; i < kEtcdMembers; ++i) network.set(name, etcd_name(i), false, false);
  }
  run.what += ", which leads " + run.disturbance.group;
  if (!lasts) return true;
  run.what += ", for " + in_ms(run.step.stop);
  hooks_.wait(run.step.stop);
  network.heal();
  return true;
}

bool Steps::cut_venue(Run& run, uint32_t leader) {
  Network& network = *cluster_.network();
  const std::string& name = cluster_.node(leader).name;
  begins(run);
  switch (run.step.pick % 4) {
    case 0:
      run.what = "reset of the connection to the venue of " + name;
      network.reset(name, kVenue);
      return true;
    case 1:
      run.what = "cut between " + name + " and the venue";
      network.set(name, kVenue, false, false);
      break;
    case 2:
      run.what = "nothing of the venue reaches " + name;
      network.set(name, kVenue, true, false);
      break;
    default:
      run.what = "a delay of 50 ms each way between " + name + " and the venue";
      network.set(name, kVenue, true, true, Duration::milliseconds(50));
  }
  run.what += ", for " + in_ms(run.step.stop);
  hooks_.wait(run.step.stop);
  network.heal();
  return true;
}

/// While in-sync members are there, nobody needs the arbiter.
bool Steps::kill_arbiter(Run& run, std::size_t members) {
  run.what = "kill -9 of";
  begins(run);
  std::vector<std::size_t> killed;
  for (std::size_t i = 0; i < members; ++i) {
    const std::size_t member = (run.step.pick + i) % kEtcdMembers;
    run.what += (i ? " and " : " ") + etcd_name(member);
    if (!cluster_.kill_etcd_member(member)) {
      run.what += ": it does not run";
      return false;
    }
    killed.push_back(member);
  }
  const auto leaders = [&] {
    std::vector<std::optional<uint32_t>> all;
    for (const auto& group : cluster_.groups()) all.push_back(cluster_.view().leader(group));
    return all;
  };
  const auto before = leaders();
  const MonoTime away = now().mono;
  hooks_.wait(run.step.stop);
  // A short stop may end before any answer could come: it lasts until one was seen.
  while (hooks_.acknowledged_since(away) == 0 && now().mono - away < Duration::seconds(2) &&
         !hooks_.interrupted())
    hooks_.wait(Duration::milliseconds(20));
  run.what += ", for " + in_ms(now().mono - away);
  std::string wrong;
  if (hooks_.acknowledged_since(away) == 0) wrong = "no order was acknowledged meanwhile";
  if (leaders() != before) wrong = "leadership changed meanwhile";
  const bool majority = members > kEtcdMembers / 2;
  const auto becomes_missed = [&](bool missed) {
    for (const MonoTime until = now().mono + Duration::seconds(10);
         cluster_.arbiter_missed() != missed && !hooks_.interrupted();) {
      if (now().mono > until) return false;
      hooks_.wait(Duration::milliseconds(20));
    }
    return true;
  };
  if (majority && !becomes_missed(true)) wrong = "nobody said that the arbiter is away";
  for (const std::size_t member : killed)
    if (auto started = cluster_.start_etcd_member(member); !started)
      wrong = "can't start it again: " + started.error().text;
  // The next step begins with everybody in touch with it, or its alarm would be this one's.
  if (wrong.empty() && !becomes_missed(false)) wrong = "not everybody found the arbiter again";
  if (majority && wrong.empty()) run.what += ", trading went on under an alarm";
  if (!wrong.empty()) run.what += ": " + wrong;
  return wrong.empty();
}

bool Steps::fill_disk(Run& run, uint32_t leader) {
  FaultPage& page = *cluster_.node(leader).faults;
  run.what = "full disk of " + cluster_.node(leader).name + ", which leads " +
             run.disturbance.group + ", for " + in_ms(run.step.stop);
  const int64_t hit = page.writes_hit.load();
  begins(run);
  page.full.store(1, std::memory_order_relaxed);
  hooks_.wait(run.step.stop);
  page.full.store(0, std::memory_order_relaxed);
  if (page.writes_hit.load() == hit) {
    run.what += ": nothing was written meanwhile";
    return false;
  }
  return true;
}

bool Steps::slow_disk(Run& run, uint32_t member) {
  FaultPage& page = *cluster_.node(member).faults;
  constexpr int64_t kWrites[] = {1'000, 10'000, 40'000, 250'000};
  const int64_t us = kWrites[run.step.pick / 2 % 4];
  run.what = "each write and sync of " + cluster_.node(member).name + " takes " +
             in_ms(Duration::microseconds(us)) + " more, for " + in_ms(run.step.stop);
  const int64_t hit = page.writes_hit.load();
  begins(run);
  page.write_delay_us.store(us, std::memory_order_relaxed);
  page.sync_delay_us.store(us, std::memory_order_relaxed);
  hooks_.wait(run.step.stop);
  page.write_delay_us.store(0, std::memory_order_relaxed);
  page.sync_delay_us.store(0, std::memory_order_relaxed);
  if (page.writes_hit.load() == hit) {
    run.what += ": nothing was written meanwhile";
    return false;
  }
  return true;
}

bool Steps::step_clock(Run& run, uint32_t member) {
  Node& node = cluster_.node(member);
  constexpr int64_t kSteps[] = {40, 300, 2'000, 30'000};
  const Duration by =
      Duration::milliseconds(kSteps[run.step.pick / 8 % 4] * (run.step.pick / 4 % 2 ? 1 : -1));
  run.what = "clock of " + node.name + " stepped by " + in_ms(by) + ", for " + in_ms(run.step.stop);
  hooks_.look();  // what was written under the right clock
  begins(run);
  node.step_clock(by);
  hooks_.wait(run.step.stop);
  hooks_.look();
  node.step_clock({});
  return true;
}

}  // namespace holdfast::drill
