#include "nodes/node/healing/advice_desk_actor.hpp"

#include <algorithm>
#include <exception>

#include "actors/agents/llm/advisor.hpp"
#include "supervision/orchestrator/advice/request.hpp"

namespace holdfast::node {

namespace {
namespace advice = orchestrator::advice;

/// The advisor's answer to one turn of one ask, on its way from whatever thread it came on.
struct AdvisorAnswered {
  uint64_t ask = 0, turn = 0;
  AdviceReply reply;
};
/// The desk answers by itself now.
struct DeskDue {
  uint64_t ask = 0, turn = 0;
};

// Of the time that an ask has: the advisor's answer has to be journaled before the ask expires.
constexpr Duration kMargin = Duration::milliseconds(300);
constexpr std::size_t kPrecedentsAsked = 5;

/// What is kept free at the end of `left`.
Duration margin_of(Duration left) { return std::min(kMargin, Duration{left.ns / 4}); }

std::string about(const AdviceRequest& request) {
  if (request.kind == AdviceKind::kIncident) return std::string(to_text(request.incident.cause));
  return std::string(to_text(request.actor)) + " " +
         std::string(request.fault != FaultClass::kNone ? to_text(request.fault)
                                                        : to_text(request.failure));
}

std::string hex(uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[value >> shift & 15];
  return text;
}

/// One line: who was asked, what came of it, and what is proposed.
std::string line_of(const AnsweredAsk& told) {
  std::string line = "advice ask=" + std::to_string(told.ask) +
                     (told.incident ? " incident=" + std::to_string(told.incident) : "") +
                     " about=\"" + told.about + "\" options=" + std::to_string(told.options);
  std::string proposed;
  for (const ActionKind kind : told.proposed)
    proposed += (proposed.empty() ? "" : ",") + std::string(to_text(kind));
  line += " proposed=" + (proposed.empty() ? "nothing" : proposed) +
          " by=" + std::string(to_text(told.by)) +
          " advisor=" + std::string(to_text(told.asked.advisor)) +
          " outcome=" + std::string(to_text(told.asked.outcome));
  const AdviceReply& asked = told.asked;
  if (asked.problem != ReplyProblem::kNone)
    line += " problem=" + std::string(to_text(asked.problem));
  if (asked.advisor != AdvisorKind::kModel) return line;
  if (!asked.endpoint.empty()) line += " endpoint=" + asked.endpoint;
  line += " attempts=" + std::to_string(asked.attempts) +
          " tokens=" + std::to_string(asked.input_tokens) + "+" +
          std::to_string(asked.output_tokens) +
          " cost_micros=" + std::to_string(asked.cost_micros) +
          " took_ms=" + std::to_string(asked.took.ms()) + (asked.cached ? " cached" : "");
  if (asked.prompt_hash) line += " prompt=" + hex(asked.prompt_hash);
  if (asked.reply_hash) line += " reply=" + hex(asked.reply_hash);
  return line;
}
}  // namespace
}  // namespace holdfast::node
HOLDFAST_LOCAL_MESSAGE(holdfast::node::AdvisorAnswered)
HOLDFAST_LOCAL_MESSAGE(holdfast::node::DeskDue)
namespace holdfast::node {

AdviceDeskActor::AdviceDeskActor(ActorConfig& config, std::shared_ptr<const AdviceDeskSetup> setup)
    : PoolActor(config), setup_(std::move(setup)) {
  CHECK(setup_->advisor && setup_->wall && setup_->answer);
  counts_.advisor = setup_->advisor->kind();
}
AdviceDeskActor::~AdviceDeskActor() = default;

Behavior AdviceDeskActor::make_behavior() {
  return {
      [this](const AskOrder& order) { take(order); },
      [this](const AdvisorAnswered& answered) {
        hear(answered.ask, answered.turn, answered.reply);
      },
      [this](const DeskDue& due) {
        // Neither it nor anything behind it has answered: as if it had said so itself.
        AdviceReply late;
        late.advisor = setup_->advisor->kind();
        late.outcome = AdviceOutcome::kLate;
        const auto found = open_.find(due.ask);
        if (found == open_.end() || found->second.turn != due.turn) return;
        give(due.ask, std::move(late));
      },
      [this](const CaseOver& over) { learn(over); },
      [this](AdviceDeskQuery) { return view(); },
  };
}

std::string AdviceDeskActor::detail() const {
  return std::to_string(counts_.asked) + " asks, " + std::to_string(counts_.by_model) +
         " answered by a model, " + std::to_string(counts_.by_rules) + " by rules, " +
         std::to_string(open_.size()) + " open";
}

void AdviceDeskActor::take(const AskOrder& order) {
  const auto& ask = order.ask.ask;
  if (open_.contains(ask.number)) {
    counts_.repeated += 1;
    return;
  }
  for (const Answered& answered : answered_)
    if (answered.told.ask == ask.number) {
      counts_.repeated += 1;
      return setup_->answer(ask.number, answered.proposals);
    }
  const WallTime now = setup_->wall();
  if (!order.world || now >= ask.expires) {
    counts_.unusable += 1;
    return;
  }
  counts_.asked += 1;
  Open open;
  open.request = advice::request_for(order.ask, *order.world, now);
  open.request.precedents = cases_for(open.request);
  open.turn = turns_ += 1;
  const Duration left = ask.expires - now;
  const Duration margin = margin_of(left);
  open.request.within = left - margin;
  put(ask.number, std::move(open), left - Duration{margin.ns / 2});
}

void AdviceDeskActor::put(uint64_t ask, Open open, Duration due) {
  const uint64_t turn = open.turn;
  const bool anything = !open.request.options.empty();
  const bool full = open_.size() >= kOpenMax;
  const AdviceRequest request = open.request;
  open_[ask] = std::move(open);
  AdviceReply at_once;
  at_once.advisor = setup_->advisor->kind();
  if (!anything || full) {
    // Nothing may be proposed: there is nothing to ask about.
    at_once.outcome = full ? AdviceOutcome::kBusy : AdviceOutcome::kAbstained;
    return give(ask, std::move(at_once));
  }
  delayed_send(this, to_chrono(due), DeskDue{ask, turn});
  // Weak: an advisor that never answers does not keep this actor.
  const ActorAddress self = address();
  try {
    setup_->advisor->advise(request, [self, ask, turn](AdviceReply reply) {
      if (const auto desk = caf::actor_cast<ActorHandle>(self))
        holdfast::anon_send(desk, AdvisorAnswered{ask, turn, std::move(reply)});
    });
  } catch (const std::exception& error) {
    if (setup_->say) setup_->say(std::string("the advisor failed: ") + error.what(), true);
    at_once.outcome = AdviceOutcome::kUnavailable;
    give(ask, std::move(at_once));
  }
}

void AdviceDeskActor::hear(uint64_t ask, uint64_t turn, AdviceReply reply) {
  const auto found = open_.find(ask);
  if (found != open_.end() && found->second.turn == turn) return give(ask, std::move(reply));
  counts_.too_late += 1;
}

void AdviceDeskActor::give(uint64_t ask, AdviceReply reply) {
  const auto node = open_.extract(ask);
  CHECK(!node.empty());
  const AdviceRequest& request = node.mapped().request;
  // Whoever asked a model through its gateway has had this checked. Whatever else answers, has not.
  for (const Proposal& proposal : reply.proposals)
    if (!advice::offered(request, proposal.action)) {
      reply.outcome = AdviceOutcome::kRefused;
      reply.problem = ReplyProblem::kActionNotAllowed;
      reply.proposals.clear();
      break;
    }
  reply.advisor = setup_->advisor->kind();
  Answered answered;
  AnsweredAsk& told = answered.told;
  told.ask = ask;
  told.incident = request.incident.number;
  told.about = about(request);
  told.at = setup_->wall();
  told.options = request.options.size();
  told.asked = reply;
  told.asked.proposals.clear();
  AdviceReply given = llm::or_deterministic(std::move(reply), request);
  told.by = given.advisor;
  if (given.proposals.size() > limits::kAdviceProposalsMax)
    given.proposals.resize(limits::kAdviceProposalsMax);
  for (Proposal& proposal : given.proposals) {
    proposal.incident = request.incident.number;
    proposal.advisor = given.advisor;
    if (proposal.reason.size() > limits::kProposalReasonBytes)
      proposal.reason.resize(limits::kProposalReasonBytes);
    told.proposed.push_back(proposal.action.kind);
  }
  answered.proposals = std::move(given.proposals);
  count(told);
  setup_->answer(ask, answered.proposals);
  if (setup_->say) setup_->say(line_of(told), false);
  answered_.push_back(std::move(answered));
  if (answered_.size() > kAnswersKept) answered_.pop_front();
}

void AdviceDeskActor::count(const AnsweredAsk& told) {
  (told.by == AdvisorKind::kModel ? counts_.by_model : counts_.by_rules) += 1;
  if (told.proposed.empty()) counts_.with_nothing += 1;
  const AdviceReply& asked = told.asked;
  const auto outcome = static_cast<std::size_t>(asked.outcome);
  const auto problem = static_cast<std::size_t>(asked.problem);
  if (outcome < counts_.outcomes.size()) counts_.outcomes[outcome] += 1;
  if (problem < counts_.problems.size()) counts_.problems[problem] += 1;
  counts_.input_tokens += asked.input_tokens;
  counts_.output_tokens += asked.output_tokens;
  counts_.cost_micros += asked.cost_micros;
}

std::vector<PrecedentCase> AdviceDeskActor::cases_for(const AdviceRequest& request) const {
  if (!setup_->precedents) return {};
  if (request.kind == AdviceKind::kIncident)
    return precedents::cases_of(
        setup_->precedents->find(precedents::signature_of(request.incident), kPrecedentsAsked));
  if (request.fault == FaultClass::kNone) return {};
  return precedents::cases_of(
      setup_->precedents->find(precedents::signature_of(request.fault, {}), kPrecedentsAsked));
}

void AdviceDeskActor::learn(const CaseOver& over) {
  if (!setup_->precedents) return;
  const auto learned =
      setup_->precedents->learn(over.incident, over.action, over.outcome, setup_->wall());
  (learned ? counts_.learned : counts_.not_learned) += 1;
  if (!learned && setup_->say)
    setup_->say("how " + std::string(to_text(over.action)) + " ended in incident " +
                    std::to_string(over.incident.number) +
                    " is not remembered: " + learned.error().text,
                true);
}

AdviceDeskViewAnswer AdviceDeskActor::view() const {
  auto view = std::make_shared<AdviceDeskView>(counts_);
  view->open = open_.size();
  view->precedents = setup_->precedents ? setup_->precedents->size() : 0;
  for (auto answered = answered_.rbegin(); answered != answered_.rend(); ++answered)
    view->last.push_back(answered->told);
  return view;
}

ChildDefinition advice_child(AdviceDeskSetup setup) {
  CHECK(setup.advisor && setup.wall && setup.answer);
  auto shared = std::make_shared<const AdviceDeskSetup>(std::move(setup));
  return {{.id = "advice"}, [shared](const ChildContext& context) -> ActorHandle {
            return context.system.spawn<AdviceDeskActor>(shared);
          }};
}

}  // namespace holdfast::node
