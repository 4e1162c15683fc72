// One turn of the loop: the command is taken, and then everything that has become due is done, on a
// copy of the state that each event is applied to at once, so that the next step of the same turn
// sees it. What comes out are the events alone.
#include <algorithm>

#include "supervision/orchestrator/healing/example.hpp"
#include "supervision/orchestrator/healing/healing.hpp"
#include "supervision/orchestrator/remediation/effects.hpp"

namespace holdfast::orchestrator::healing {

namespace {
using remediation::Book;
using remediation::Held;
using remediation::Phase;
using remediation::Remedy;
using remediation::Unfit;

constexpr std::size_t kTextBytes = 512;
constexpr std::size_t kNudgedNotes = 256;
constexpr int kTurnsMax = 16;  // of remedies and cases after each other, in one command

std::string bounded(std::string text) {
  if (text.size() > kTextBytes) text.resize(kTextBytes);
  return text;
}

/// What an advisor said, cut to what may be kept. It speaks for nobody but itself.
std::vector<Proposal> sanitised(std::vector<Proposal> proposals, uint64_t incident) {
  std::erase_if(proposals, [](const Proposal& proposal) {
    return static_cast<uint8_t>(proposal.action.kind) > kActionKinds;
  });
  if (proposals.size() > kProposalsMax) proposals.resize(kProposalsMax);
  for (Proposal& proposal : proposals) {
    proposal.incident = incident;
    if (proposal.advisor != AdvisorKind::kDeterministic) proposal.advisor = AdvisorKind::kModel;
    proposal.confidence_ppm = std::min(proposal.confidence_ppm, 1'000'000u);
    if (proposal.precedents.size() > incidents::kPrecedentsMax)
      proposal.precedents.resize(incidents::kPrecedentsMax);
    proposal.reason = bounded(std::move(proposal.reason));
  }
  return proposals;
}

class Turn {
 public:
  Turn(const State& base, const World* world, WallTime now, std::vector<Event>& events)
      : base_(base), world_(world), now_(now), events_(events) {}

  const State& state() const { return copy_ ? *copy_ : base_; }
  void emit(Event event) {
    if (!copy_) copy_.emplace(base_);
    apply(*copy_, event, now_);
    events_.push_back(std::move(event));
  }

  /// Before anything else, so that what follows is noted with it.
  void tell_clock();
  incidents::Refused report(const Finding& finding);
  void advice(const AdviceArrived& arrived);
  void propose(const Propose& propose);
  void step_result(const StepResult& result);
  void measured(const Measured& measured);
  /// Everything that is due.
  void go();

 private:
  bool full() const { return events_.size() >= kEventsPerCommandMax; }
  bool audit_behind() const { return state().notes.size() + kNotesReserve >= kNotesMax; }
  const Book& book() const {
    static const Book kNone;
    return world_->book ? *world_->book : kNone;
  }
  enum class Tried { kNo, kLater, kOpened };

  void watch();
  void move_remedies();
  void see_to(const Incident& incident);
  void after_remedy(const Incident& incident, const Case& one);
  void decide_case(const Incident& incident);
  Tried consider(Source source, Proposal proposal, const Incident& incident, bool told,
                 const Label& proposer = {});
  Held hold(const remediation::Workflow* workflow, const Action& action, const Incident& incident,
            Source source) const;
  void open(Source source, const Proposal& proposal, const PolicyDecision& decision,
            const remediation::Workflow& workflow, const Incident& incident, const Label& proposer);
  void store(const Ask& ask, const std::vector<Proposal>& proposals);
  void ask_in_advance();
  void page(uint64_t incident, uint64_t remedy, std::string text) {
    emit(Paged{incident, remedy, std::move(text)});
  }

  const State& base_;
  const World* world_;
  WallTime now_;
  std::vector<Event>& events_;
  std::optional<State> copy_;
};

// ---- what comes in

void Turn::tell_clock() {
  if (!world_ || !differs(state().clock, world_->wall_clock)) return;
  if (state().clock_told != WallTime{} && now_ - state().clock_told < kClockToldEvery) return;
  emit(ClockTold{world_->wall_clock});
}

incidents::Refused Turn::report(const Finding& finding) {
  if (state().notes.size() + kNotesReserve / 2 >= kNotesMax) return incidents::Refused::kFull;
  static const World kUnknown;
  std::vector<incidents::Event> changes;
  const auto refused =
      incidents::take(state().incidents, finding, world_ ? *world_ : kUnknown, now_, changes);
  for (auto& change : changes) emit(std::move(change));
  return refused;
}

void Turn::advice(const AdviceArrived& arrived) {
  const auto found = state().asks.find(arrived.ask);
  if (found == state().asks.end() || now_ >= found->second.expires) return;
  const Ask ask = found->second;
  auto proposals = sanitised(arrived.proposals, ask.incident);
  emit(AskAnswered{ask.number, ask.incident == 0 ? std::vector<Proposal>{} : proposals});
  if (ask.incident == 0 && world_) store(ask, proposals);
}

void Turn::propose(const Propose& propose) {
  if (!world_) return;
  Proposal proposal = propose.proposal;
  proposal.advisor = AdvisorKind::kOperator;
  proposal.reason = bounded(std::move(proposal.reason));
  const Incident* known = state().incidents.find(proposal.incident);
  Incident incident = known ? *known : Incident{};
  proposal.incident = incident.number;
  consider(Source::kOperator, std::move(proposal), incident, true, propose.identity);
}

void Turn::step_result(const StepResult& result) {
  const auto found = state().remedies.active.find(result.id.remedy);
  if (found == state().remedies.active.end()) return;
  const remediation::StepRecord* record = found->second.under_way();
  if (!record || record->id != result.id) return;
  emit(remediation::Event{
      remediation::StepEnded{result.id, result.outcome, result.previous, bounded(result.text)}});
}

void Turn::measured(const Measured& measured) {
  const auto found = state().remedies.active.find(measured.remedy);
  if (found == state().remedies.active.end()) return;
  const Remedy& remedy = found->second;
  const bool wanted = remedy.phase == Phase::kCapturing || remedy.phase == Phase::kVerifying;
  if (!wanted || measured.round != remedy.round || remedy.measured >= measured.round) return;
  remediation::Values values = measured.values;
  values.resize(remedy.wanted().size());
  emit(remediation::Event{
      remediation::MeasureTaken{measured.remedy, measured.round, std::move(values)}});
}

// ---- what is due

void Turn::watch() {
  std::vector<incidents::Event> changes;
  incidents::watch(state().incidents, now_, changes);
  for (auto& change : changes) emit(std::move(change));
  std::vector<uint64_t> expired;
  for (const auto& [number, ask] : state().asks)
    if (now_ >= ask.expires) expired.push_back(number);
  for (const uint64_t number : expired) emit(AskExpired{number});
}

void Turn::move_remedies() {
  std::vector<uint64_t> numbers;
  for (const auto& [number, remedy] : state().remedies.active) numbers.push_back(number);
  for (const uint64_t number : numbers)
    while (!full()) {
      const auto found = state().remedies.active.find(number);
      if (found == state().remedies.active.end()) break;
      const Remedy& remedy = found->second;
      remediation::Surroundings around{
          *world_, state().incidents.find(remedy.incident), state().killed, {}};
      if (remedy.phase == Phase::kWarmingUp)
        around.judged = remediation::judge(
            *world_, remedy.proposal,
            remediation::policy_context(state().remedies, *world_, remedy.proposal.action,
                                        remedy.cause, state().killed, number, now_));
      auto move = remediation::next_move(remedy, around, now_);
      if (!move) break;
      const auto* ended = std::get_if<remediation::Ended>(&*move);
      const uint64_t incident = remedy.incident;
      const bool failed = ended && ended->outcome == RemedyOutcome::kFailed;
      const std::string text = ended ? ended->text : "";
      emit(std::move(*move));
      if (failed) page(incident, number, "a remedy failed: " + text);
    }
}

Held Turn::hold(const remediation::Workflow* workflow, const Action& action,
                const Incident& incident, Source source) const {
  if (!workflow) return Held::kNoWorkflow;
  if (audit_behind()) return Held::kAudit;
  const MemberId member = action.target.member;
  // A venue is wherever its gateway is led, whoever saw what is wrong with it.
  if (source == Source::kFresh && incident.place.member && member &&
      member != incident.place.member && !world_->venues.contains(action.target.group)) {
    const bool named = std::any_of(
        incident.findings.begin(), incident.findings.end(), [&](const Finding& finding) {
          const MemberView* other = world_->find(finding.place.instance.view());
          return finding.place.member == member || (other && other->id == member);
        });
    if (!named) return Held::kElsewhere;
  }
  return remediation::held_back(state().remedies, *workflow, book().limits, action, incident,
                                remediation::blast_radius(action, *world_), now_);
}

/// `told`: what holds a proposal back is journaled.
Turn::Tried Turn::consider(Source source, Proposal proposal, const Incident& incident, bool told,
                           const Label& proposer) {
  Considered considered{incident.number, source, std::move(proposal), {}, {}, {}, 0};
  Action& action = considered.proposal.action;
  if (action.kind == ActionKind::kNone || state().killed) return Tried::kNo;
  action = aim(action, incident, *world_);
  considered.unfit = remediation::complete(action, *world_);
  const auto* workflow = book().find(action.kind, incident.cause);
  if (considered.unfit == Unfit::kNo)
    considered.held = hold(workflow, action, incident, source);
  else
    considered.held = Held::kUnfit;
  if (considered.held != Held::kNo) {
    const bool later = considered.held == Held::kActive || considered.held == Held::kCooldown ||
                       considered.held == Held::kRate || considered.held == Held::kAudit;
    if (told) emit(std::move(considered));
    return later ? Tried::kLater : Tried::kNo;
  }
  considered.decision =
      remediation::judge(*world_, considered.proposal,
                         remediation::policy_context(state().remedies, *world_, action,
                                                     incident.cause, state().killed, 0, now_));
  const bool opens = considered.decision.verdict == Verdict::kAllow ||
                     considered.decision.verdict == Verdict::kNeedsApproval;
  if (opens) considered.remedy = state().remedies.last + 1;
  const Considered copy = considered;
  if (told || opens) emit(std::move(considered));
  if (!opens) return Tried::kNo;
  open(source, copy.proposal, copy.decision, *workflow, incident, proposer);
  return Tried::kOpened;
}

void Turn::open(Source, const Proposal& proposal, const PolicyDecision& decision,
                const remediation::Workflow& workflow, const Incident& incident,
                const Label& proposer) {
  Remedy remedy;
  remedy.number = state().remedies.last + 1;
  remedy.incident = incident.number;
  remedy.cause = incident.cause;
  remedy.place = incident.place;
  remedy.proposal = proposal;
  remedy.decision = decision;
  remedy.proposer = proposer;
  remedy.plan = remediation::plan(workflow, proposal.action,
                                  remediation::blast_radius(proposal.action, *world_));
  remedy.phase = decision.verdict == Verdict::kAllow ? Phase::kCapturing : Phase::kAwaitingApproval;
  emit(remediation::Event{remediation::Opened{std::move(remedy)}});
}

void Turn::decide_case(const Incident& incident) {
  const auto found = state().cases.find(incident.number);
  const Case one = found == state().cases.end() ? Case{} : found->second;
  const bool told = !one.retried;
  bool later = false;
  const auto attempt = [&](Source source, Proposal proposal) {
    proposal.incident = incident.number;
    const Tried tried = consider(source, std::move(proposal), incident, told);
    later = later || tried == Tried::kLater;
    return tried == Tried::kOpened;
  };
  const auto candidate = [&](ActionKind kind, std::string reason) {
    Proposal proposal;
    proposal.action.kind = kind;
    proposal.confidence_ppm = incident.confidence_ppm;
    proposal.reason = std::move(reason);
    return proposal;
  };
  const auto opened = [&] {
    for (const Proposal& proposal : one.fresh) {
      if (proposal.action.kind == ActionKind::kPage) break;
      if (attempt(Source::kFresh, proposal)) return true;
    }
    const bool advised_to_page =
        !one.fresh.empty() && one.fresh.front().action.kind == ActionKind::kPage;
    if (advised_to_page) return false;
    const auto next = remediation::escalation(state().remedies, incident, now_);
    if (next != ActionKind::kNone && next != ActionKind::kPage &&
        attempt(Source::kEscalation, candidate(next, "what was done before did not help")))
      return true;
    const advice::Key key{advice::actor_class_of(incident.cause, incident.place),
                          advice::failure_code(incident.cause), topology_digest(*world_)};
    if (const auto hit = state().standing.look_up(key, incident.place.group, *world_, now_);
        hit.entry) {
      Proposal proposal = hit.entry->proposal;
      proposal.advisor = AdvisorKind::kStanding;
      if (attempt(Source::kStanding, std::move(proposal))) return true;
    }
    for (const Action& action : by_rules(incident, *world_)) {
      Proposal proposal = candidate(action.kind, "the deterministic strategy");
      proposal.action = action;
      if (attempt(Source::kRules, std::move(proposal))) return true;
    }
    return false;
  }();
  const uint64_t remedy = opened ? state().remedies.last : 0;
  emit(CaseDecided{incident.number, remedy, !opened && later ? now_ + kTryAgain : WallTime{}});
  if (!opened && !later && !one.paged && incident.severity != Severity::kInfo)
    page(incident.number, 0,
         "nothing may be done about " + std::string(to_text(incident.cause)) + " by itself");
}

void Turn::after_remedy(const Incident& incident, const Case& one) {
  const Remedy* last = state().remedies.find(one.remedy);
  if (!last || last->phase != Phase::kEnded) return;
  switch (last->outcome) {
    case RemedyOutcome::kSucceeded:
    case RemedyOutcome::kNotNeeded:
      if (now_ < last->ended + kRecheck ||
          remediation::leaves_only_the_cause(*last, incident, *world_))
        return;
      break;
    case RemedyOutcome::kDenied:
      if (!one.paged) page(incident.number, one.remedy, "a remedy was not allowed: " + last->text);
      return;
    default:
      break;
  }
  if (one.remedies >= book().limits.remedies_max || one.rounds >= kRoundsMax) {
    if (!one.paged) page(incident.number, one.remedy, "remedies do not end it");
    return;
  }
  emit(CaseReopened{incident.number, true});
}

void Turn::see_to(const Incident& incident) {
  if (state().killed || !incidents::burning(incident)) return;
  const auto found = state().cases.find(incident.number);
  const Case one = found == state().cases.end() ? Case{} : found->second;
  if (one.remedy && state().remedies.active.contains(one.remedy)) return;
  if (incident.cause == FaultClass::kNone ||
      incident.confidence_ppm < book().limits.confidence_min_ppm) {
    if (incident.severity == Severity::kCritical && !one.paged &&
        now_ - incident.opened >= kAbstainPageAfter)
      page(incident.number, 0, "it is critical, and no cause stands out");
    return;
  }
  if (one.decided) {
    if (one.remedy) return after_remedy(incident, one);
    if (one.again != WallTime{} && now_ >= one.again)
      emit(CaseReopened{incident.number, false});
    else if (one.again == WallTime{} && one.cause != incident.cause && one.rounds < kRoundsMax)
      emit(CaseReopened{incident.number, true});
    return;
  }
  if (one.ask == 0) {
    if (state().asks.size() >= kAsksMax) return decide_case(incident);
    Ask ask{
        state().last_ask + 1, incident.number, {}, now_, now_ + book().limits.advice_within, {}};
    for (const auto& info : remediation::catalogue())
      if (remediation::tried(state().remedies, info.kind, incident, now_))
        ask.tried.push_back(info.kind);
    return emit(AskMade{std::move(ask)});
  }
  if (one.answered || !state().asks.contains(one.ask)) decide_case(incident);
}

// ---- advice in advance

void Turn::store(const Ask& ask, const std::vector<Proposal>& proposals) {
  Incident example;
  example.place = example_of(ask.key.actor, *world_);
  if (ask.key.failure >= 100) example.cause = static_cast<FaultClass>(ask.key.failure);
  for (const Proposal& proposal : proposals) {
    if (!remediation::find_action(proposal.action.kind)) continue;
    Considered considered{0, Source::kStanding, proposal, {}, {}, {}, 0};
    Action& action = considered.proposal.action;
    action.target = {};
    action = aim(action, example, *world_);
    considered.unfit = remediation::complete(action, *world_);
    if (considered.unfit == Unfit::kNo)
      considered.decision =
          remediation::judge(*world_, considered.proposal,
                             remediation::policy_context(state().remedies, *world_, action,
                                                         example.cause, state().killed, 0, now_));
    const Verdict verdict = considered.decision.verdict;
    const bool stands = considered.unfit == Unfit::kNo &&
                        (verdict == Verdict::kAllow || verdict == Verdict::kNeedsApproval);
    advice::Entry entry;
    entry.rule = considered.decision.rule;
    emit(std::move(considered));
    if (!stands) continue;
    entry.key = ask.key;
    entry.proposal = proposal;
    entry.proposal.action.target = {};
    entry.phase = world_->phase;
    const auto open = world_->open_orders.find(example.place.group);
    if (open != world_->open_orders.end())
      entry.open_orders_max = std::max<int64_t>(1'000, 10 * open->second);
    entry.made = now_;
    entry.expires = now_ + std::min(book().limits.standing_life, advice::kLifetimeMax);
    return emit(Stored{std::move(entry)});
  }
}

void Turn::ask_in_advance() {
  std::vector<advice::Key> expired;
  for (const advice::Entry* entry : state().standing.sorted())
    if (now_ >= entry->expires && expired.size() < 16) expired.push_back(entry->key);
  for (const auto& key : expired) emit(Dropped{key});
  if (state().killed || !world_->book || !state().incidents.open.empty() || audit_behind()) return;
  const auto standing = std::count_if(state().asks.begin(), state().asks.end(),
                                      [](const auto& ask) { return ask.second.incident == 0; });
  if (static_cast<std::size_t>(standing) >= kStandingAsksMax ||
      now_ - state().last_standing_ask < kStandingAskEvery)
    return;
  const auto key =
      advice::next_question(state().standing, state().asked_about, topology_digest(*world_), now_);
  if (key) emit(AskMade{{state().last_ask + 1, 0, *key, now_, now_ + kStandingAskWithin, {}}});
}

void Turn::go() {
  if (!world_) return;
  watch();
  for (int turn = 0; turn < kTurnsMax && !full(); ++turn) {
    const std::size_t before = events_.size();
    move_remedies();
    std::vector<Incident> open;
    for (const auto& [number, incident] : state().incidents.open) open.push_back(incident);
    for (const Incident& incident : open)
      if (!full()) see_to(incident);
    if (events_.size() == before) break;
  }
  if (!full()) ask_in_advance();
}
}  // namespace

Result<> may(const State& state, const Command& command, WallTime now) {
  const auto waiting = [&](uint64_t number) -> Result<const Remedy*> {
    const Remedy* remedy = state.remedies.find(number);
    if (!remedy) return Error{ErrorCode::kNotFound, "there is no remedy " + std::to_string(number)};
    if (remedy->phase != Phase::kAwaitingApproval)
      return Error{ErrorCode::kConflict, "remedy " + std::to_string(number) +
                                             " waits for nobody: it is " +
                                             std::string(to_text(remedy->phase))};
    if (remedy->words.size() >= remediation::kWordsMax)
      return Error{ErrorCode::kFull, "enough was said about it"};
    return remedy;
  };
  if (const auto* approve = std::get_if<Approve>(&command.what)) {
    auto remedy = waiting(approve->remedy);
    if (!remedy) return remedy.error();
    policy::Request request;
    request.proposer = remedy.value()->proposer;
    request.asked = remedy.value()->opened;
    request.persons = std::max<uint8_t>(1, remedy.value()->decision.approvals_needed);
    request.expires = remedy.value()->decision.approval_expires;
    std::vector<policy::Approval> words;
    for (const auto& word : remedy.value()->words)
      words.push_back({word.person, word.at, word.yes});
    return policy::may_approve(request, words, approve->identity, now);
  }
  if (const auto* reject = std::get_if<Reject>(&command.what)) {
    auto remedy = waiting(reject->remedy);
    if (!remedy) return remedy.error();
    return success();
  }
  if (const auto* kill = std::get_if<KillSwitch>(&command.what); kill && kill->on == state.killed)
    return Error{ErrorCode::kConflict,
                 state.killed ? "the kill switch is on" : "the kill switch is off"};
  if (std::holds_alternative<Propose>(command.what) && state.killed)
    return Error{ErrorCode::kConflict, "the kill switch is on"};
  return success();
}

void decide(const State& state, const Command& command, WallTime now, std::vector<Event>& events,
            std::vector<Effect>& replies, incidents::Refused* refused) {
  if (std::holds_alternative<Nudge>(command.what)) return outstanding(state, replies, kNudgedNotes);
  Turn turn(state, command.world.get(), now, events);
  turn.tell_clock();
  if (const auto* report = std::get_if<Report>(&command.what)) {
    const auto why = turn.report(report->finding);
    if (refused) *refused = why;
  } else if (const auto* arrived = std::get_if<AdviceArrived>(&command.what)) {
    turn.advice(*arrived);
  } else if (const auto* propose = std::get_if<Propose>(&command.what)) {
    turn.propose(*propose);
  } else if (const auto* approve = std::get_if<Approve>(&command.what)) {
    if (may(state, command, now))
      turn.emit(remediation::Event{
          remediation::WordGiven{approve->remedy, {approve->identity, now, true}, {}}});
  } else if (const auto* reject = std::get_if<Reject>(&command.what)) {
    if (may(state, command, now))
      turn.emit(remediation::Event{remediation::WordGiven{
          reject->remedy, {reject->identity, now, false}, bounded(reject->reason)}});
  } else if (const auto* kill = std::get_if<KillSwitch>(&command.what)) {
    if (may(state, command, now))
      turn.emit(KillSet{kill->on, kill->identity, bounded(kill->reason)});
  } else if (const auto* result = std::get_if<StepResult>(&command.what)) {
    turn.step_result(*result);
  } else if (const auto* measured = std::get_if<Measured>(&command.what)) {
    turn.measured(*measured);
  } else if (const auto* written = std::get_if<NotesWritten>(&command.what)) {
    if (!state.notes.empty() && written->upto >= state.notes.front().number &&
        written->upto <= state.last_note)
      turn.emit(NotesCleared{written->upto});
  }
  turn.go();
}

}  // namespace holdfast::orchestrator::healing
