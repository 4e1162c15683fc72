#include "tests/simulation/healing/world.hpp"

#include <algorithm>
#include <cstdio>

namespace holdfast::healing_simulation {

namespace healing = orchestrator::healing;
namespace remediation = orchestrator::remediation;
using K = ActionKind;
using F = FaultClass;

namespace {
constexpr MemberId kMembers[] = {{1}, {2}, {3}};
constexpr Duration kFaults = Duration::seconds(150), kQuiet = Duration::seconds(240);
constexpr Duration kStep = Duration::milliseconds(100);

remediation::Workflow workflow(const char* name, K action) {
  remediation::Workflow out;
  out.name = name;
  out.action = action;
  out.steps = {{action, 0, Duration::seconds(4), 2}};
  remediation::Objective over;
  over.kind = remediation::ObjectiveKind::kEffectsOver;
  out.after = {over,
               {remediation::ObjectiveKind::kAtMost, telemetry::Metric::kOrderLatency,
                remediation::Scope::kTarget, 5'000}};
  out.warm_up = Duration::milliseconds(500);
  out.verify_within = Duration::seconds(12);
  out.timeout = Duration::seconds(40);
  out.cooldown = Duration::seconds(10);
  out.recurs_within = Duration::seconds(60);
  out.blast_radius_max = 2;
  out.rate_max = 8;
  out.rate_window = Duration::seconds(60);
  return out;
}

std::shared_ptr<remediation::Book> make_book() {
  auto book = std::make_shared<remediation::Book>();
  book->limits.active_max = 2;
  book->limits.blast_radius_max = 2;
  book->limits.rate_max = 12;
  book->limits.rate_window = Duration::seconds(60);
  book->limits.standing_life = Duration::seconds(40);
  for (const auto& info : remediation::catalogue()) {
    auto one = workflow("", info.kind);
    one.name = std::string(to_text(info.kind));
    if (info.kind == K::kMigrate) {
      one.steps.push_back({K::kFlushStorage, 0, Duration::seconds(3), 1});
      one.escalate_to = K::kDrain;
    }
    if (info.kind == K::kScaleOut) one.steps[0].amount = 1;
    book->workflows.push_back(one);
  }
  CHECK(remediation::validate(*book).ok());
  return book;
}

policy::Rule rule(const char* name, std::vector<K> actions, Verdict then, uint8_t persons = 0) {
  policy::Rule out;
  out.name = name;
  out.when.actions = std::move(actions);
  out.then = then;
  out.persons = persons;
  return out;
}

bool disturbs(K kind) {
  const auto* info = remediation::find_action(kind);
  return info && info->disturbs;
}
}  // namespace

std::string_view name_of(Bug bug) {
  constexpr std::string_view kNames[] = {
      "None",     "ExecutesTwice", "ReleasesEarly", "AsksNoPolicy",  "IgnoresKill",
      "NoLimits", "LostIsFailed",  "ExecutesLate",  "ForgetsEvents", "ApprovesItself"};
  return kNames[static_cast<std::size_t>(bug)];
}

Settings settings_of(uint64_t seed) {
  Settings settings;
  settings.seed = seed;
  settings.advisor = static_cast<Advisor>(seed % static_cast<uint64_t>(Advisor::kCount_));
  settings.control = seed % 11 == 0;
  settings.approvals = seed % 3 == 1;
  settings.crashes = seed % 5 != 0;
  settings.kills = seed % 4 == 2;
  settings.audit_away = seed % 7 == 3;
  return settings;
}

void TestedCore::decide(const State& state, const Command& command, WallTime now,
                        replication::Decision<TestedCore>& decision) {
  replication::Decision<orchestrator::OrchestratorCore> out;
  if (bug == Bug::kIgnoresKill && state.healing.killed) {
    State blind = state;
    blind.healing.killed = false;
    orchestrator::OrchestratorCore::decide(blind, command, now, out);
  } else {
    orchestrator::OrchestratorCore::decide(state, command, now, out);
  }
  for (Event& event : out.events) {
    if (bug == Bug::kLostIsFailed)
      if (auto* own = std::get_if<healing::Event>(&event))
        if (auto* remedy = std::get_if<remediation::Event>(own))
          if (auto* ended = std::get_if<remediation::StepEnded>(remedy))
            if (ended->outcome == remediation::StepOutcome::kLost) {
              // The rest of the turn followed from the other word.
              ended->outcome = remediation::StepOutcome::kFailed;
              decision.events.push_back(std::move(event));
              return;
            }
    decision.events.push_back(std::move(event));
  }
  decision.replies = std::move(out.replies);
}

World::World(Settings settings) : settings_(settings), random_(settings.seed * 7919 + 17) {
  TestedCore::bug = settings.bug;
  now_ = {1'700'000'000'000'000'000};
  quiet_from_ = now_ + kFaults;
  end_ = quiet_from_ + kQuiet;
  book_ = make_book();
  // What the policy of this seed allows; "restart_node" and the halting of venues never.
  allowed_ = {K::kMigrate,        K::kDrain,       K::kThrottle,       K::kFlushStorage,
              K::kCompactStorage, K::kShrinkCache, K::kSwitchEndpoint, K::kRerouteOrders};
  if (chance(60)) allowed_.insert(K::kPromote);
  if (chance(60)) allowed_.insert(K::kRestartClean);
  if (chance(30)) allowed_.insert(K::kRestartActor);
  policy_ = std::make_shared<policy::Policy>();
  policy_->autonomy.set_all(Autonomy::kAutonomous);
  std::vector<K> calm, wild;
  for (const K kind : allowed_) (disturbs(kind) ? wild : calm).push_back(kind);
  policy_->never.push_back(rule("never", {K::kRestartNode, K::kHaltVenue}, Verdict::kDeny));
  policy_->rules.push_back(rule("calm", calm, Verdict::kAllow));
  policy_->rules.push_back(
      rule("wild", wild, settings.approvals ? Verdict::kNeedsApproval : Verdict::kAllow,
           settings.approvals ? static_cast<uint8_t>(1 + draw(2)) : uint8_t{0}));
  policy_->approval_expires = Duration::seconds(20);
  lax_ = std::make_shared<policy::Policy>(*policy_);
  lax_->never.clear();
  lax_->rules = {rule("anything", {}, Verdict::kAllow)};
  groups_ = {{1}, {2}, {3}, {1001}, {2001}};
  for (const GroupId group : groups_) leaders_[group] = kMembers[draw(3)];
  for (const MemberId member : kMembers) executors_[member].began = now_;
  lead();
}

void World::note(const std::string& line) {
  if (settings_.trace)
    std::printf("%8.1f %s\n", static_cast<double>(now_.ns % 1'000'000'000'000) / 1e9, line.c_str());
  for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
}

void World::send(Duration least, Duration most, std::function<void()> what) {
  const auto span = static_cast<uint64_t>((most - least).ns);
  due_.emplace(now_ + least + Duration{static_cast<int64_t>(draw(span + 1))}, std::move(what));
}

orchestrator::World World::view() const {
  orchestrator::World world;
  for (const GroupId group : groups_) {
    orchestrator::GroupPlace place{group, leaders_.at(group), {}};
    for (const MemberId member : kMembers)
      if (!away_.contains(member)) place.in_sync.push_back(member);
    world.topology.groups.push_back(place);
    world.open_orders[group] = 10;
  }
  for (const MemberId member : kMembers)
    world.members.push_back({member, telemetry::Instance("node-" + std::to_string(member.value)), 0,
                             !away_.contains(member)});
  world.phase = policy::SessionPhase::kOpen;
  world.clock = policy::ClockQuality::kSynchronised;
  world.position = Notional{0};
  world.policy = settings_.bug == Bug::kAsksNoPolicy ? lax_ : policy_;
  world.book = book_;
  if (settings_.bug == Bug::kNoLimits) {
    auto wide = std::make_shared<remediation::Book>(*book_);
    wide->limits.blast_radius_max = wide->limits.active_max = 100;
    for (auto& one : wide->workflows) one.blast_radius_max = 100;
    world.book = wide;
  }
  return world;
}

// ---- the orchestrator

void World::submit(healing::Command command, bool with_world) {
  if (!led_) return;
  if (with_world) command.world = std::make_shared<orchestrator::World>(view());
  replica_->decide(orchestrator::Command{std::move(command)}, now_);
  auto sealed = replica_->seal(now_);
  if (!sealed) return;
  Entry entry{sealed->header, {}};
  codec_.encode_events(sealed->events, entry.body);
  if (settings_.bug == Bug::kReleasesEarly)
    for (const auto& event : sealed->events) {
      std::vector<orchestrator::Effect> early;
      TestedCore::effects(replica_->state(), event, sealed->header.at, early);
      for (const auto& effect : early) carry_out(effect, false);
    }
  journal_.push_back(std::move(entry));
  send({}, Duration::milliseconds(chance(5) ? 1'500 : 20), [this, epoch = epoch_] {
    if (epoch == epoch_) commit();
  });
}

void World::commit() {
  if (!replica_) return;
  while (committed_ < journal_.size()) {
    const Entry& entry = journal_[committed_];
    std::vector<orchestrator::Event> events;
    const auto decoded = codec_.decode_events(entry.body, events);
    if (!decoded) return fail("the journal can't be read: " + decoded.error().text);
    check_committed(entry, events);
    committed_ += 1;
  }
  std::vector<replication::Committed<orchestrator::Effect>> released;
  replica_->commit({committed_}, released);
  led_ = true;
  for (const auto& effect : released) carry_out(*effect, true);
}

void World::crash() {
  note("the orchestrator dies");
  sometimes_["the orchestrator died"] += 1;
  for (const auto& [number, remedy] : replica_->state().healing.remedies.active)
    if (remedy.under_way()) sometimes_["the orchestrator died during a step"] += 1;
  replica_.reset();
  led_ = false;
  // The successor has all that is committed, and any part of what was not.
  if (committed_ < journal_.size()) {
    const std::size_t keeps = committed_ + draw(journal_.size() - committed_ + 1);
    if (keeps < journal_.size()) sometimes_["a tail was lost"] += 1;
    journal_.resize(keeps);
  }
  epoch_.value += 1;
  send(Duration::milliseconds(50), Duration::seconds(chance(20) ? 8 : 1), [this] { lead(); });
}

void World::lead() {
  replica_ = std::make_unique<replication::Replica<TestedCore>>(orchestrator::kGroup);
  for (const Entry& entry : journal_) {
    std::vector<orchestrator::Event> events;
    if (!codec_.decode_events(entry.body, events)) return fail("the journal can't be read");
    if (settings_.bug == Bug::kForgetsEvents)
      std::erase_if(events, [](const orchestrator::Event& event) {
        const auto* own = std::get_if<healing::Event>(&event);
        return own && std::holds_alternative<healing::KillSet>(*own);
      });
    const auto replayed = replica_->replay(entry.header, events);
    if (!replayed) return fail(replayed.error().text);
  }
  epoch_.value += 1;
  replica_->lead(epoch_, {committed_});
  auto sealed = replica_->seal(now_);
  journal_.push_back({sealed->header, {}});
  codec_.encode_events(sealed->events, journal_.back().body);
  note("an orchestrator leads");
  send({}, Duration::milliseconds(20), [this, epoch = epoch_] {
    if (epoch == epoch_) commit();
  });
}

void World::tick() {
  if (!led_) return;
  submit({healing::Tick{}, nullptr});
  if (now_.ns / kStep.ns % 10 == 0) {
    submit({healing::Nudge{}, nullptr});
    std::vector<replication::Committed<orchestrator::Effect>> released;
    replica_->release(released);
    for (const auto& effect : released) carry_out(*effect, true);
  }
}

void World::carry_out(const orchestrator::Effect& effect, bool committed) {
  const auto* own = std::get_if<healing::Effect>(&effect);
  if (!own) return;
  if (const auto* ask = std::get_if<healing::AskAdvice>(own)) {
    if (committed) answer(*ask);
  } else if (const auto* step = std::get_if<healing::ExecuteStep>(own)) {
    check_step(*step);
    const int copies = chance(10) ? 0 : chance(20) ? 2 : 1;
    if (copies == 0) sometimes_["a step was lost on the way"] += 1;
    for (int i = 0; i < copies; ++i)
      send(Duration::milliseconds(1), Duration::milliseconds(chance(10) ? 9'000 : 300),
           [this, one = *step] { execute(one); });
  } else if (const auto* wanted = std::get_if<healing::Measure>(own)) {
    if (committed) measure(*wanted);
  } else if (const auto& told = std::get<healing::Note>(*own); committed && audit_on_) {
    if (told.page) sometimes_["a human was told"] += 1;
    send(Duration::milliseconds(1), Duration::milliseconds(100), [this, number = told.number] {
      // Written and acknowledged together, one in ten.
      if (number % 10 == 0 || chance(3)) submit({healing::NotesWritten{number}, nullptr}, false);
    });
  }
}

// ---- the world

void World::findings_of(const Fault& fault, bool over) {
  const auto tell = [&](F kind, MemberId member, GroupId group, uint32_t confidence) {
    Finding finding;
    finding.fault = kind;
    finding.agent = {domain_of(kind), static_cast<uint32_t>(1 + draw(2))};
    finding.number = ++finding_;
    finding.place.member = member;
    finding.place.group = group;
    finding.severity = chance(50) ? Severity::kCritical : Severity::kWarning;
    finding.confidence_ppm = confidence;
    finding.began = fault.began;
    finding.found = now_;
    finding.over = over;
    if (!over) {
      Evidence evidence;
      evidence.metric = telemetry::Metric::kOrderLatency;
      evidence.score_milli = 1'500;
      finding.evidence.push_back(evidence);
    }
    if (chance(5) && !over)
      sometimes_["a finding was lost"] += 1;
    else
      for (int i = chance(10) ? 2 : 1; i > 0; --i)
        send(Duration::milliseconds(1), Duration::milliseconds(chance(10) ? 4'000 : 100),
             [this, finding] {
               submit({healing::Report{finding}, nullptr});
             });
  };
  tell(fault.kind, fault.member, fault.group, 700'000 + static_cast<uint32_t>(draw(250'000)));
  for (const auto& [kind, member] : fault.effects)
    tell(kind, member, {}, 500'000 + static_cast<uint32_t>(draw(200'000)));
}

void World::agents() {
  constexpr F kKinds[] = {F::kCpuSaturation, F::kSlowDisk,       F::kPacketDelay,    F::kCrashLoop,
                          F::kVenueSlow,     F::kStorageStall,   F::kMemoryPressure, F::kHttpErrors,
                          F::kGrayFailure,   F::kQueueSaturation};
  if (!settings_.control && now_ < quiet_from_ && faults_.size() < 3 && chance(2)) {
    Fault fault;
    fault.kind = kKinds[draw(std::size(kKinds))];
    fault.member = kMembers[draw(3)];
    if (fault.kind == F::kCrashLoop || fault.kind == F::kGrayFailure)
      fault.group = groups_[draw(4)];
    fault.began = now_;
    fault.ends = now_ + Duration::seconds(static_cast<int64_t>(3 + draw(60)));
    fault.number = ++fault_;
    if (chance(60)) fault.effects.emplace_back(F::kLatencyDrift, fault.member);
    if (chance(40)) fault.effects.emplace_back(F::kReplicationLag, kMembers[draw(3)]);
    note("fault " + std::string(to_text(fault.kind)) + " at " + std::to_string(fault.member.value));
    findings_of(fault, false);
    faults_.push_back(fault);
  }
  for (Fault& fault : faults_) {
    if (now_ >= fault.ends) {
      findings_of(fault, true);
      fault.told_over = true;
    } else if (chance(2)) {
      findings_of(fault, false);
    }
  }
  std::erase_if(faults_, [](const Fault& fault) { return fault.told_over; });
}

std::vector<Proposal> World::advice(const healing::AskAdvice& ask) {
  std::vector<Proposal> out;
  const auto propose = [&](K kind) {
    Proposal proposal;
    proposal.action.kind = kind;
    proposal.action.amount = kind == K::kThrottle ? 500'000 : 1;
    proposal.advisor = AdvisorKind::kModel;
    proposal.confidence_ppm = 800'000;
    proposal.reason = "because";
    out.push_back(proposal);
  };
  switch (settings_.advisor) {
    case Advisor::kRules:
      for (const Action& action : healing::by_rules(ask.incident, view())) {
        propose(action.kind);
        out.back().action = action;
      }
      break;
    case Advisor::kPromotes:
      propose(K::kPromote);
      propose(K::kMigrate);
      break;
    case Advisor::kSilent:
      break;
    default:
      for (uint64_t i = draw(9); i > 0; --i) {
        propose(
            static_cast<K>(draw(settings_.advisor == Advisor::kHostile ? 40 : kActionKinds + 1)));
        auto& proposal = out.back();
        if (settings_.advisor != Advisor::kHostile) continue;
        proposal.advisor = chance(50) ? AdvisorKind::kOperator : AdvisorKind::kDeterministic;
        proposal.confidence_ppm = chance(50) ? UINT32_MAX : 1'000'000;
        proposal.incident = draw(100);
        proposal.reason = std::string(draw(2'000), '"');
        proposal.action.amount = static_cast<int64_t>(random_());
        if (chance(50)) proposal.action.target.member = {static_cast<uint32_t>(draw(6))};
        if (chance(50)) proposal.action.target.group = {static_cast<uint32_t>(draw(5))};
        if (chance(50)) proposal.action.to = {static_cast<uint32_t>(draw(6))};
        if (chance(30)) proposal.action.target.instance = "everything";
      }
  }
  return out;
}

void World::answer(const healing::AskAdvice& ask) {
  if (settings_.advisor == Advisor::kSilent) return;
  const bool late = settings_.advisor == Advisor::kLate;
  if (late) sometimes_["advice came late"] += 1;
  send(late ? Duration::seconds(4) : Duration::milliseconds(20),
       late ? Duration::seconds(200) : Duration::milliseconds(chance(10) ? 5'000 : 1'500),
       [this, number = ask.ask.number, proposals = advice(ask)] {
         submit({healing::AdviceArrived{number, proposals}, nullptr});
       });
}

void World::measure(const healing::Measure& wanted) {
  if (chance(10)) return;
  bool burns = false;
  for (const Fault& fault : faults_)
    burns = burns || (leaders_[{1}] == fault.member && now_ < fault.ends);
  remediation::Values values;
  for (std::size_t i = 0; i < wanted.objectives.size(); ++i)
    values.push_back(chance(5) ? std::optional<int64_t>()
                               : std::optional<int64_t>(burns ? 50'000 : 900));
  send(Duration::milliseconds(1), Duration::milliseconds(chance(10) ? 7'000 : 200),
       [this, wanted, values] {
         submit({healing::Measured{wanted.remedy, wanted.round, values}, nullptr});
       });
}

void World::execute(const healing::ExecuteStep& step) {
  const MemberId where = step.executor ? step.executor : kMembers[0];
  Executor& executor = executors_[where];
  const auto reply = [&](remediation::StepOutcome outcome, const char* text) {
    healing::StepResult result{step.id, outcome, {}, text};
    if (step.action.kind == K::kThrottle) result.previous = 1'000'000;
    executor.results[step.id] = result;
  };
  const auto known = executor.results.find(step.id);
  const bool again = known != executor.results.end() && settings_.bug != Bug::kExecutesTwice;
  if (again) {
    sometimes_["a step came twice"] += 1;
  } else if (step.voids) {
    const auto done = executor.results.find(*step.voids);
    if (done == executor.results.end()) {
      executor.voided.insert(*step.voids);
      reply(remediation::StepOutcome::kVoid, "it was never begun");
      sometimes_["an undo came before its step"] += 1;
    } else if (done->second.outcome != remediation::StepOutcome::kDone) {
      reply(remediation::StepOutcome::kVoid, "nothing of it stays");
    } else if ((now_ > step.not_after && settings_.bug != Bug::kExecutesLate) ||
               (executor.killed && settings_.bug != Bug::kIgnoresKill)) {
      // Something of it stays: kVoid would say that nothing does.
      sometimes_["an undo was held back"] += 1;
      reply(remediation::StepOutcome::kFailed, "too late, or killed");
    } else {
      act(step);
      sometimes_["a step was undone"] += 1;
      reply(remediation::StepOutcome::kDone, "undone");
    }
  } else if (executor.voided.contains(step.id)) {
    reply(remediation::StepOutcome::kVoid, "void");
  } else if (now_ > step.not_after && settings_.bug != Bug::kExecutesLate) {
    sometimes_["a step came too late"] += 1;
    reply(remediation::StepOutcome::kVoid, "too late");
  } else if (executor.killed && settings_.bug != Bug::kIgnoresKill) {
    reply(remediation::StepOutcome::kVoid, "the kill switch is on");
  } else if (chance(10)) {
    sometimes_["a step failed"] += 1;
    reply(remediation::StepOutcome::kFailed, "it would not");
  } else {
    act(step);
    reply(remediation::StepOutcome::kDone, "done");
  }
  const auto result = executor.results[step.id];
  if (chance(15)) {
    sometimes_["a step's result was lost"] += 1;
    return;
  }
  for (int i = chance(10) ? 2 : 1; i > 0; --i)
    send(Duration::milliseconds(1), Duration::milliseconds(chance(15) ? 9'000 : 400),
         [this, result] {
           submit({result, nullptr});
         });
}

void World::act(const healing::ExecuteStep& step) {
  note("done: " + to_text(step.id) + " " + std::string(to_text(step.action.kind)));
  done_.push_back({now_, step});
  done_count_[step.id] += 1;
  const Action& action = step.action;
  if (action.kind == K::kMigrate || action.kind == K::kPromote)
    leaders_[action.target.group] = action.to;
  if (action.kind == K::kDrain)
    for (auto& [group, leader] : leaders_)
      if (leader == action.target.member) leader = kMembers[action.target.member.value % 3];
  if (step.voids || chance(40)) return;
  for (Fault& fault : faults_)
    if (fault.member == action.target.member || action.kind == K::kThrottle)
      fault.ends = std::min(fault.ends, now_ + Duration::seconds(1));
}

void World::operators() {
  if (settings_.approvals)
    for (const auto& [number, remedy] : mirror_.healing.remedies.active)
      if (remedy.phase == remediation::Phase::kAwaitingApproval && chance(4)) {
        const Label person(std::string(1, static_cast<char>('a' + draw(4))));
        if (chance(90))
          submit({healing::Approve{number, person}, nullptr});
        else
          submit({healing::Reject{number, person, "not now"}, nullptr});
      }
  if (!settings_.control && now_ < quiet_from_ && chance(1)) {
    healing::Propose wish;
    wish.identity = Label(std::string(1, static_cast<char>('a' + draw(4))));
    wish.proposal.action.kind = static_cast<K>(1 + draw(kActionKinds));
    wish.proposal.action.target.group = groups_[draw(3)];
    wish.proposal.action.amount = 300'000;
    wish.proposal.reason = "an operator wants it";
    submit({wish, nullptr});
    // … and says yes to it as well.
    if (settings_.approvals)
      for (const auto& [number, remedy] : mirror_.healing.remedies.active)
        if (!remedy.proposer.empty()) {
          Label person = remedy.proposer;
          if (settings_.bug == Bug::kApprovesItself) person = Label("z" + person.str());
          submit({healing::Approve{number, person}, nullptr});
        }
  }
  if (settings_.kills && chance(1)) {
    const bool on = now_ < quiet_from_ && !mirror_.healing.killed;
    submit({healing::KillSwitch{on, Label("admin"), "drill"}, nullptr});
  }
  if (now_ >= quiet_from_ && mirror_.healing.killed)
    submit({healing::KillSwitch{false, Label("admin"), "over"}, nullptr});
}

std::string World::run() {
  try {
    while (now_ < end_ && failure_.empty()) {
      now_ = now_ + kStep;
      while (!due_.empty() && due_.begin()->first <= now_ && failure_.empty()) {
        const auto what = std::move(due_.begin()->second);
        due_.erase(due_.begin());
        what();
      }
      const bool noisy = now_ < quiet_from_;
      audit_on_ = !settings_.audit_away || !noisy;
      if (noisy && chance(1)) away_ = {kMembers[draw(3)]};
      if (!noisy || chance(5)) away_.clear();
      agents();
      operators();
      tick();
      if (noisy && settings_.crashes && replica_ && chance(1)) crash();
      for (auto& [member, executor] : executors_) executor.killed = mirror_.healing.killed;
      check_bounds();
    }
    if (failure_.empty()) check_history();
    if (failure_.empty()) check_quiet();
  } catch (const CheckFailed& failed) {
    fail(failed.what());
  }
  return failure_;
}

}  // namespace holdfast::healing_simulation
