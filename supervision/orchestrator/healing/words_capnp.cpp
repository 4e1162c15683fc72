#include "supervision/orchestrator/healing/words_capnp.hpp"

namespace holdfast::orchestrator::healing {

using remediation::Objective;
using remediation::PlannedStep;
using remediation::Remedy;
using remediation::StepId;
using remediation::StepRecord;
using remediation::Word;

FaultClass Reading::fault(uint16_t raw) {
  const auto fault = static_cast<FaultClass>(raw);
  if (raw == 0 || to_text(fault) != "invalid") return fault;
  if (!wrong) wrong = "an unknown fault";
  return FaultClass::kNone;
}

telemetry::Metric Reading::metric(uint16_t raw) {
  if (telemetry::find_metric(raw)) return static_cast<telemetry::Metric>(raw);
  if (!wrong) wrong = "an unknown metric";
  return telemetry::Metric::kCpuUtilization;
}

// ---- writing

void put(wire::Place::Builder out, const Place& in) {
  out.setMember(in.member.value);
  out.setGroup(in.group.value);
  if (!in.instance.empty()) out.setInstance(in.instance.str().c_str());
}

namespace {
void put(wire::Evidence::Builder out, const Evidence& in) {
  out.setMetric(static_cast<uint16_t>(in.metric));
  healing::put(out.initPlace(), in.place);
  out.setDetector(static_cast<uint8_t>(in.detector));
  out.setValue(in.value);
  out.setExpected(in.expected);
  out.setScoreMilli(in.score_milli);
  out.setBegan(in.began.ns);
  out.setSeen(in.seen.ns);
}
void put(wire::Precedent::Builder out, const PrecedentRef& in) {
  out.setIncident(in.incident);
  out.setSimilarity(in.similarity_ppm);
}
void put(wire::PlannedStep::Builder out, const PlannedStep& in) {
  healing::put(out.initAction(), in.action);
  out.setTimeout(in.timeout.ns);
  out.setAttempts(in.attempts);
}
void put(wire::StepRecord::Builder out, const StepRecord& in) {
  healing::put(out.initId(), in.id);
  healing::put(out.initAction(), in.action);
  out.setIntended(in.intended.ns);
  out.setNotAfter(in.not_after.ns);
  out.setOutcome(in.outcome ? static_cast<uint8_t>(*in.outcome) : 0);
  healing::put(out.initPrevious(), in.previous);
  out.setText(in.text.c_str());
}
template <typename List, typename From>
void put_list(List out, const From& from) {
  unsigned at = 0;
  for (const auto& one : from) put(out[at++], one);
}
unsigned size_of(const auto& list) { return static_cast<unsigned>(list.size()); }

void put_plan(wire::Plan::Builder out, const remediation::Plan& in) {
  out.setWorkflow(in.workflow.c_str());
  put_list(out.initSteps(size_of(in.steps)), in.steps);
  put_all(out.initBefore(size_of(in.before)), in.before);
  put_all(out.initAfter(size_of(in.after)), in.after);
  out.setWarmUp(in.warm_up.ns);
  out.setSettle(in.settle.ns);
  out.setVerifyWithin(in.verify_within.ns);
  out.setTimeout(in.timeout.ns);
  out.setRecursWithin(in.recurs_within.ns);
  out.setEscalateTo(static_cast<uint8_t>(in.escalate_to));
  out.setRollback(in.rollback);
  out.setBlastRadius(in.blast_radius);
}
}  // namespace

void put(wire::Finding::Builder out, const Finding& in) {
  out.setDomain(static_cast<uint8_t>(in.agent.domain));
  out.setInstance(in.agent.instance);
  out.setNumber(in.number);
  out.setFault(static_cast<uint16_t>(in.fault));
  put(out.initPlace(), in.place);
  out.setSeverity(static_cast<uint8_t>(in.severity));
  out.setConfidence(in.confidence_ppm);
  out.setBegan(in.began.ns);
  out.setFound(in.found.ns);
  out.setOver(in.over);
  put_list(out.initEvidence(size_of(in.evidence)), in.evidence);
  put_list(out.initPrecedents(size_of(in.precedents)), in.precedents);
}

void put(wire::Incident::Builder out, const Incident& in) {
  out.setNumber(in.number);
  out.setBegan(in.began.ns);
  out.setOpened(in.opened.ns);
  out.setClosed(in.closed.ns);
  out.setCause(static_cast<uint16_t>(in.cause));
  put(out.initPlace(), in.place);
  out.setConfidence(in.confidence_ppm);
  out.setSeverity(static_cast<uint8_t>(in.severity));
  put_all(out.initFindings(size_of(in.findings)), in.findings);
}

void put(wire::Action::Builder out, const Action& in) {
  out.setKind(static_cast<uint8_t>(in.kind));
  put(out.initTarget(), in.target);
  out.setTo(in.to.value);
  out.setAmount(in.amount);
}

void put(wire::Proposal::Builder out, const Proposal& in) {
  out.setIncident(in.incident);
  put(out.initAction(), in.action);
  out.setAdvisor(static_cast<uint8_t>(in.advisor));
  out.setConfidence(in.confidence_ppm);
  put_list(out.initPrecedents(size_of(in.precedents)), in.precedents);
  out.setReason(in.reason.c_str());
}

void put(wire::PolicyDecision::Builder out, const PolicyDecision& in) {
  out.setVerdict(static_cast<uint8_t>(in.verdict));
  out.setRule(in.rule.c_str());
  out.setReason(in.reason.c_str());
  out.setApprovalsNeeded(in.approvals_needed);
  out.setApprovalExpires(in.approval_expires.ns);
}

void put(wire::MaybeInt::Builder out, const std::optional<int64_t>& in) {
  out.setKnown(in.has_value());
  out.setValue(in.value_or(0));
}

void put(wire::StepId::Builder out, const StepId& in) {
  out.setIncident(in.incident);
  out.setRemedy(in.remedy);
  out.setStep(in.step);
  out.setAttempt(in.attempt);
  out.setUndo(in.undo);
}

void put(wire::Objective::Builder out, const Objective& in) {
  out.setKind(static_cast<uint8_t>(in.kind));
  out.setMetric(static_cast<uint16_t>(in.metric));
  out.setScope(static_cast<uint8_t>(in.scope));
  out.setBound(in.bound);
}

void put(wire::Word::Builder out, const Word& in) {
  out.setPerson(in.person.str().c_str());
  out.setAt(in.at.ns);
  out.setYes(in.yes);
}

void put(wire::Remedy::Builder out, const Remedy& in) {
  out.setNumber(in.number);
  out.setIncident(in.incident);
  out.setCause(static_cast<uint16_t>(in.cause));
  put(out.initPlace(), in.place);
  put(out.initProposal(), in.proposal);
  put(out.initDecision(), in.decision);
  put_plan(out.initPlan(), in.plan);
  out.setPhase(static_cast<uint8_t>(in.phase));
  out.setOpened(in.opened.ns);
  out.setPhaseSince(in.phase_since.ns);
  out.setEnded(in.ended.ns);
  out.setStarted(in.started.ns);
  out.setProposer(in.proposer.str().c_str());
  put_all(out.initWords(size_of(in.words)), in.words);
  out.setRound(in.round);
  out.setMeasured(in.measured);
  out.setAsked(in.asked.ns);
  put_all(out.initValues(size_of(in.values)), in.values);
  put_all(out.initBefore(size_of(in.before)), in.before);
  put_list(out.initSteps(size_of(in.steps)), in.steps);
  out.setOutcome(static_cast<uint8_t>(in.outcome));
  out.setText(in.text.c_str());
}

void put(wire::Key::Builder out, const advice::Key& in) {
  out.setActor(static_cast<uint8_t>(in.actor));
  out.setFailure(in.failure);
  out.setTopology(in.topology);
}

void put(wire::Entry::Builder out, const advice::Entry& in) {
  put(out.initKey(), in.key);
  put(out.initProposal(), in.proposal);
  out.setRule(in.rule.c_str());
  out.setOpenOrdersMax(in.open_orders_max);
  out.setPhase(static_cast<uint8_t>(in.phase));
  out.setMade(in.made.ns);
  out.setExpires(in.expires.ns);
}

void put(wire::Ask::Builder out, const Ask& in) {
  out.setNumber(in.number);
  out.setIncident(in.incident);
  put(out.initKey(), in.key);
  out.setMade(in.made.ns);
  out.setExpires(in.expires.ns);
  auto tried = out.initTried(size_of(in.tried));
  for (unsigned i = 0; i < in.tried.size(); ++i) tried.set(i, static_cast<uint8_t>(in.tried[i]));
}

void put(wire::Considered::Builder out, const Considered& in) {
  out.setIncident(in.incident);
  out.setSource(static_cast<uint8_t>(in.source));
  put(out.initProposal(), in.proposal);
  out.setUnfit(static_cast<uint8_t>(in.unfit));
  out.setHeld(static_cast<uint8_t>(in.held));
  put(out.initDecision(), in.decision);
  out.setRemedy(in.remedy);
}

void put(wire::WallClock::Builder out, const WallClock& in) {
  out.setSource(static_cast<uint8_t>(in.source));
  if (in.bound_us) put(out.initBoundUs(), std::optional<int64_t>(*in.bound_us));
}
void put(wire::Note::Builder out, const Note& in) {
  out.setNumber(in.number);
  out.setAt(in.at.ns);
  out.setKind(static_cast<uint8_t>(in.kind));
  out.setIncident(in.incident);
  out.setRemedy(in.remedy);
  out.setText(in.text.c_str());
  out.setPage(in.page);
  if (in.clock != WallClock{}) put(out.initClock(), in.clock);
}

// ---- reading

namespace {
constexpr std::size_t kStepRecordsMax =
    remediation::kStepsMax * (remediation::kAttemptsMax + remediation::kUndoAttempts);

Evidence get(wire::Evidence::Reader in, Reading& reading) {
  Evidence out;
  out.metric = reading.metric(in.getMetric());
  out.place = healing::get(in.getPlace(), reading);
  out.detector = reading.code<DetectorKind>(in.getDetector(), 1, 7, "an unknown detector");
  out.value = in.getValue();
  out.expected = in.getExpected();
  out.score_milli = in.getScoreMilli();
  out.began = {in.getBegan()};
  out.seen = {in.getSeen()};
  return out;
}
PrecedentRef get(wire::Precedent::Reader in, Reading&) {
  return {in.getIncident(), in.getSimilarity()};
}
PlannedStep get(wire::PlannedStep::Reader in, Reading& reading) {
  return {healing::get(in.getAction(), reading), {in.getTimeout()}, in.getAttempts()};
}
StepRecord get(wire::StepRecord::Reader in, Reading& reading) {
  StepRecord out;
  out.id = healing::get(in.getId(), reading);
  out.action = healing::get(in.getAction(), reading);
  out.intended = {in.getIntended()};
  out.not_after = {in.getNotAfter()};
  if (in.getOutcome() != 0)
    out.outcome = reading.code<remediation::StepOutcome>(in.getOutcome(), 1, 4, "an unknown end");
  out.previous = healing::get(in.getPrevious(), reading);
  out.text = reading.text(in.getText());
  return out;
}
template <typename T, typename List>
std::vector<T> get_list(List in, std::size_t most, Reading& reading) {
  std::vector<T> out;
  if (in.size() > most && !reading.wrong) reading.wrong = "a list that is too long";
  for (auto one : in) {
    if (reading.wrong) break;
    out.push_back(get(one, reading));
  }
  return out;
}
ActionKind action_kind(uint8_t raw, Reading& reading) {
  return reading.code<ActionKind>(raw, 0, kActionKinds, "an unknown action");
}
uint8_t small(uint64_t raw, std::size_t most, Reading& reading, const char* what) {
  return reading.code<uint8_t>(raw, 0, most, what);
}
remediation::Plan get_plan(wire::Plan::Reader in, Reading& reading) {
  remediation::Plan out;
  out.workflow = reading.text(in.getWorkflow());
  out.steps = get_list<PlannedStep>(in.getSteps(), remediation::kStepsMax, reading);
  out.before = get_all<Objective>(in.getBefore(), remediation::kObjectivesMax, reading);
  out.after = get_all<Objective>(in.getAfter(), remediation::kObjectivesMax, reading);
  out.warm_up = {in.getWarmUp()};
  out.settle = {in.getSettle()};
  out.verify_within = {in.getVerifyWithin()};
  out.timeout = {in.getTimeout()};
  out.recurs_within = {in.getRecursWithin()};
  out.escalate_to = action_kind(in.getEscalateTo(), reading);
  out.rollback = in.getRollback();
  out.blast_radius = in.getBlastRadius();
  if (out.steps.empty() && !reading.wrong) reading.wrong = "a plan without steps";
  return out;
}
}  // namespace

Place get(wire::Place::Reader in, Reading& reading) {
  return {{in.getMember()},
          {in.getGroup()},
          reading.short_text<telemetry::Instance::kCapacity>(in.getInstance())};
}

Finding get(wire::Finding::Reader in, Reading& reading) {
  Finding out;
  out.agent.domain =
      reading.code<telemetry::Domain>(in.getDomain(), 1, telemetry::kDomains, "an unknown domain");
  out.agent.instance = in.getInstance();
  out.number = in.getNumber();
  out.fault = reading.fault(in.getFault());
  out.place = get(in.getPlace(), reading);
  out.severity = reading.code<Severity>(in.getSeverity(), 1, 3, "an unknown severity");
  out.confidence_ppm = in.getConfidence();
  out.began = {in.getBegan()};
  out.found = {in.getFound()};
  out.over = in.getOver();
  out.evidence = get_list<Evidence>(in.getEvidence(), incidents::kEvidenceMax, reading);
  out.precedents = get_list<PrecedentRef>(in.getPrecedents(), incidents::kPrecedentsMax, reading);
  return out;
}

Incident get(wire::Incident::Reader in, Reading& reading) {
  Incident out;
  out.number = in.getNumber();
  out.began = {in.getBegan()};
  out.opened = {in.getOpened()};
  out.closed = {in.getClosed()};
  out.cause = reading.fault(in.getCause());
  out.place = get(in.getPlace(), reading);
  out.confidence_ppm = in.getConfidence();
  out.severity = reading.code<Severity>(in.getSeverity(), 1, 3, "an unknown severity");
  out.findings = get_all<Finding>(in.getFindings(), incidents::kFindingsMax, reading);
  return out;
}

Action get(wire::Action::Reader in, Reading& reading) {
  return {action_kind(in.getKind(), reading),
          get(in.getTarget(), reading),
          {in.getTo()},
          in.getAmount()};
}

Proposal get(wire::Proposal::Reader in, Reading& reading) {
  Proposal out;
  out.incident = in.getIncident();
  out.action = get(in.getAction(), reading);
  out.advisor = reading.code<AdvisorKind>(in.getAdvisor(), 1, 4, "an unknown advisor");
  out.confidence_ppm = in.getConfidence();
  out.precedents = get_list<PrecedentRef>(in.getPrecedents(), incidents::kPrecedentsMax, reading);
  out.reason = reading.text(in.getReason());
  return out;
}

PolicyDecision get(wire::PolicyDecision::Reader in, Reading& reading) {
  PolicyDecision out;
  out.verdict = reading.code<Verdict>(in.getVerdict(), 1, 5, "an unknown verdict");
  out.rule = reading.text(in.getRule());
  out.reason = reading.text(in.getReason());
  out.approvals_needed = in.getApprovalsNeeded();
  out.approval_expires = {in.getApprovalExpires()};
  return out;
}

std::optional<int64_t> get(wire::MaybeInt::Reader in, Reading&) {
  return in.getKnown() ? std::optional(in.getValue()) : std::nullopt;
}

StepId get(wire::StepId::Reader in, Reading& reading) {
  return {in.getIncident(), in.getRemedy(),
          small(in.getStep(), remediation::kStepsMax - 1, reading, "a step beyond the last"),
          in.getAttempt(), in.getUndo()};
}

Objective get(wire::Objective::Reader in, Reading& reading) {
  return {reading.code<remediation::ObjectiveKind>(in.getKind(), 1, 6, "an unknown objective"),
          reading.metric(in.getMetric()),
          reading.code<remediation::Scope>(in.getScope(), 1, 3, "an unknown scope"), in.getBound()};
}

Word get(wire::Word::Reader in, Reading& reading) {
  return {reading.short_text<limits::kNameBytes>(in.getPerson()), {in.getAt()}, in.getYes()};
}

Remedy get(wire::Remedy::Reader in, Reading& reading) {
  constexpr std::size_t kValuesMax = 2 * remediation::kObjectivesMax;
  Remedy out;
  out.number = in.getNumber();
  out.incident = in.getIncident();
  out.cause = reading.fault(in.getCause());
  out.place = get(in.getPlace(), reading);
  out.proposal = get(in.getProposal(), reading);
  out.decision = get(in.getDecision(), reading);
  out.plan = get_plan(in.getPlan(), reading);
  out.phase =
      reading.code<remediation::Phase>(in.getPhase(), 1, remediation::kPhases, "an unknown phase");
  out.opened = {in.getOpened()};
  out.phase_since = {in.getPhaseSince()};
  out.ended = {in.getEnded()};
  out.started = {in.getStarted()};
  out.proposer = reading.short_text<limits::kNameBytes>(in.getProposer());
  out.words = get_all<Word>(in.getWords(), remediation::kWordsMax, reading);
  out.round = in.getRound();
  out.measured = in.getMeasured();
  out.asked = {in.getAsked()};
  out.values = get_all<std::optional<int64_t>>(in.getValues(), kValuesMax, reading);
  out.before = get_all<std::optional<int64_t>>(in.getBefore(), kValuesMax, reading);
  out.steps = get_list<StepRecord>(in.getSteps(), kStepRecordsMax, reading);
  for (const StepRecord& record : out.steps)
    if (record.id.step >= out.plan.steps.size() && !reading.wrong)
      reading.wrong = "a step that is not planned";
  out.outcome = reading.code<RemedyOutcome>(in.getOutcome(), 0, 5, "an unknown outcome");
  out.text = reading.text(in.getText());
  return out;
}

advice::Key get(wire::Key::Reader in, Reading& reading) {
  return {reading.code<advice::ActorClass>(in.getActor(), 1, advice::kActorClasses,
                                           "an unknown class of actors"),
          in.getFailure(), in.getTopology()};
}

advice::Entry get(wire::Entry::Reader in, Reading& reading) {
  advice::Entry out;
  out.key = get(in.getKey(), reading);
  out.proposal = get(in.getProposal(), reading);
  out.rule = reading.text(in.getRule());
  out.open_orders_max = in.getOpenOrdersMax();
  out.phase = reading.code<policy::SessionPhase>(in.getPhase(), 0, policy::kSessionPhases - 1,
                                                 "an unknown session phase");
  out.made = {in.getMade()};
  out.expires = {in.getExpires()};
  return out;
}

Ask get(wire::Ask::Reader in, Reading& reading) {
  Ask out;
  out.number = in.getNumber();
  out.incident = in.getIncident();
  if (out.incident == 0) out.key = get(in.getKey(), reading);
  out.made = {in.getMade()};
  out.expires = {in.getExpires()};
  if (in.getTried().size() > kActionKinds + 1u && !reading.wrong)
    reading.wrong = "a list that is too long";
  else
    for (const uint8_t kind : in.getTried()) out.tried.push_back(action_kind(kind, reading));
  return out;
}

Considered get(wire::Considered::Reader in, Reading& reading) {
  Considered out;
  out.incident = in.getIncident();
  out.source = reading.code<Source>(in.getSource(), 1, kSources, "an unknown source");
  out.proposal = get(in.getProposal(), reading);
  out.unfit = reading.code<remediation::Unfit>(in.getUnfit(), 0, remediation::kUnfitCodes,
                                               "an unknown code");
  out.held =
      reading.code<remediation::Held>(in.getHeld(), 0, remediation::kHeldCodes, "an unknown code");
  out.decision = get(in.getDecision(), reading);
  out.remedy = in.getRemedy();
  return out;
}

WallClock get(wire::WallClock::Reader in, Reading& reading) {
  WallClock out;
  out.source =
      reading.code<ClockSource>(in.getSource(), 0, kClockSources - 1, "an unknown source of time");
  if (const auto bound = get(in.getBoundUs(), reading))
    out.bound_us = reading.code<uint32_t>(static_cast<uint64_t>(*bound), 0, UINT32_MAX,
                                          "a bound of the clock that is out of range");
  return out;
}

Note get(wire::Note::Reader in, Reading& reading) {
  Note out;
  out.number = in.getNumber();
  out.at = {in.getAt()};
  out.kind = reading.code<NoteKind>(in.getKind(), 1, kNoteKinds, "an unknown kind of note");
  out.incident = in.getIncident();
  out.remedy = in.getRemedy();
  out.text = reading.text(in.getText());
  out.page = in.getPage();
  out.clock = get(in.getClock(), reading);
  return out;
}

}  // namespace holdfast::orchestrator::healing
