#include "tests/simulation/cluster/arbiter.hpp"

namespace holdfast::cluster_simulation {

using namespace replication;

const GroupRecord* ArbiterStore::find(GroupId group) const {
  const auto found = records_.find(group.value);
  return found == records_.end() ? nullptr : &found->second;
}

std::string ArbiterStore::apply(const GroupRecord& proposed, uint64_t expected) {
  const GroupRecord* current = find(proposed.group);
  const bool blind = sim_.bug() == Bug::kBlindArbiter;
  if ((current ? current->version : 0) != expected && !blind) return "another version";
  if (const auto valid = check_record(proposed); !valid) {
    sim_.fail("a record that is wrong in itself was proposed: " + valid.error().text);
    return "invalid";
  }
  if (current && !blind)
    if (const auto step = check_step(*current, proposed); !step)
      sim_.fail("a step that must not be was proposed: " + step.error().text);
  std::string in_sync = "leader " + std::to_string(proposed.leader->member.value) + ", in sync";
  for (const Incarnation& i : proposed.in_sync) in_sync += " " + std::to_string(i.member.value);
  sim_.say(0, "record of group, epoch", proposed.group.value, proposed.epoch.value, in_sync);
  records_[proposed.group.value] = proposed;
  hooks_.changed(proposed);
  return {};
}

void SimArbiter::read(GroupId group, ReadCallback done) {
  answer_later(sim_.random().between(us(100), ms(2)), [this, group, done = std::move(done)] {
    if (!store_.reachable(node_))
      return answer_later(ms(50), [done] {
        done(Error{ErrorCode::kUnavailable, "the arbiter was not reached"});
      });
    const GroupRecord* record = store_.find(group);
    answer_later(us(300),
                 [done, record = record ? std::optional(*record) : std::nullopt] { done(record); });
  });
}

void SimArbiter::compare_and_set(const GroupRecord& proposed, uint64_t expected,
                                 std::optional<Victim> victim, CasCallback done) {
  store_.questions += 1;
  // What is under way goes on without the process that asked.
  sim_.at(sim_.random().between(us(200), ms(3)), [&store = store_, &sim = sim_, node = node_,
                                                  later = later_, proposed, expected, victim,
                                                  done = std::move(done)] {
    store.questions -= 1;
    const bool lost_answer = sim.faulty() && sim.random().one_in(12);
    if (!store.reachable(node) || lost_answer) {
      if (sim.random().one_in(2)) {
        store.questions += 1;
        sim.at(sim.random().between({}, ms(80)), [&store, &sim, proposed, expected] {
          store.questions -= 1;
          if (store.apply(proposed, expected).empty())
            sim.sometimes("an unanswered question took effect");
        });
      }
      return later(ms(30), [done] {
        CasResult result;
        result.outcome = CasOutcome::kUnknown;
        result.error = {ErrorCode::kUnavailable, "no answer"};
        done(result);
      });
    }
    const GroupRecord* before = store.find(proposed.group);
    if (victim && (before ? before->version : 0) == expected) {
      sim.sometimes("the arbiter killed who was taken over");
      store.kill(static_cast<uint32_t>(victim->pid), victim->start_ticks);
    }
    CasResult result;
    result.outcome = store.apply(proposed, expected).empty() ? CasOutcome::kWon : CasOutcome::kLost;
    if (const GroupRecord* current = store.find(proposed.group)) result.current = *current;
    later(us(300), [done, result] { done(result); });
  });
}

void SimArbiter::watch(GroupId group, WatchCallback changed) {
  watches_[group.value] = std::move(changed);
  answer_later(us(200), [this, group] {
    if (const GroupRecord* record = store_.find(group)) tell(*record);
  });
}

void SimArbiter::tell(const GroupRecord& record) {
  if (!store_.reachable(node_)) {
    // The watch is set up again once it can be; what stands then is told.
    return answer_later(ms(100), [this, group = record.group] {
      if (const GroupRecord* current = store_.find(group)) tell(*current);
    });
  }
  const auto found = watches_.find(record.group.value);
  if (found != watches_.end()) found->second(record);
}

}  // namespace holdfast::cluster_simulation
