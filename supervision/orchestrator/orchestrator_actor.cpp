#include "supervision/orchestrator/orchestrator_actor.hpp"

#include <algorithm>
#include <utility>

#include "supervision/orchestrator/healing/healing_capnp.hpp"

namespace holdfast::orchestrator {

namespace {
constexpr Duration kTick = Duration::milliseconds(250);

std::string words(const Decision& decision) {
  std::string text = "decision " + std::to_string(decision.number) + " on " +
                     std::string(to_text(decision.failure.kind)) + " of " + decision.failure.path;
  if (decision.failure.member)
    text += " at member " + std::to_string(decision.failure.member.value);
  text += ": " + std::string(to_text(decision.advice.remedy));
  if (decision.advice.target) text += " to " + std::to_string(decision.advice.target.value);
  text += " (" + decision.advice.reason + ")";
  if (decision.outcome != Outcome::kOpen)
    text += ", " + std::string(to_text(decision.outcome)) + ": " + decision.outcome_text;
  return text;
}
}  // namespace

std::string encode_command(const Command& command,
                           const replication::Codec<OrchestratorCore>& codec) {
  Event event;
  if (const auto* escalate = std::get_if<Escalate>(&command)) {
    Decided decided;
    decided.decision.number = 1;  // whoever leads gives it its own
    decided.decision.failure = escalate->failure;
    decided.decision.advice = escalate->advice;
    event = std::move(decided);
  } else {
    CHECK(std::holds_alternative<Settle>(command));  // the healing loop's: healing_capnp.hpp
    const auto& settle = std::get<Settle>(command);
    event = Settled{settle.number, settle.outcome, settle.text};
  }
  replication::Bytes bytes;
  codec.encode_events({&event, 1}, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<Command> decode_command(const std::string& bytes,
                               const replication::Codec<OrchestratorCore>& codec) {
  std::vector<Event> events;
  auto decoded = codec.decode_events(std::as_bytes(std::span(bytes)), events);
  if (!decoded) return decoded.error();
  if (events.size() != 1) return Error{ErrorCode::kInvalid, "a forwarded command is one event"};
  if (auto* decided = std::get_if<Decided>(&events[0]))
    return Command{
        Escalate{std::move(decided->decision.failure), std::move(decided->decision.advice)}};
  if (auto* settled = std::get_if<Settled>(&events[0]))
    return Command{Settle{settled->number, settled->outcome, std::move(settled->text)}};
  return Error{ErrorCode::kInvalid, "a forwarded command escalates or settles"};
}

OrchestratorActor::OrchestratorActor(ActorConfig& config, OrchestratorSetup setup)
    : LoopActor(config), setup_(std::move(setup)) {
  CHECK(setup_.make_log && setup_.codec && setup_.wall && setup_.strategy && setup_.topology);
  CHECK(setup_.carry_out && setup_.on_event);
  if (!setup_.healing) return;
  CHECK(setup_.healing->world && setup_.healing->carry_out && setup_.healing->forward);
  advise_in_advance();
  if (setup_.healing->expose)
    setup_.healing->expose([this, alive = std::weak_ptr<bool>(alive_)] {
      return alive.expired() || !host_ ? nullptr : &host_->state().healing;
    });
}

OrchestratorActor::~OrchestratorActor() = default;

Behavior OrchestratorActor::make_behavior() {
  started_ = last_at_ = setup_.wall();
  if (auto started = start(); !started) {
    quit(error_text("orchestrator: " + started.error().text));
    return {};
  }
  if (setup_.of_guard)
    for (Failure& failure : setup_.of_guard()) {
      failure.member = setup_.self;
      if (!host_->state().knows(failure)) keep(std::move(failure));
    }
  tick();
  if (setup_.healing) heal_tick();
  return {
      [this](const Escalation& escalation) { escalate(escalation.failure); },
      [this](const HealingCommand& command) { take(command.command); },
      [this](const ForwardedHealing& forwarded) {
        auto command = healing::decode_command(forwarded.bytes);
        if (command)
          take(std::move(command).value());
        else if (++unread_ == 1)
          setup_.on_event("orchestrator refused a command: " + command.error().text, true);
      },
      [this](const OperatorHealing& word) { return take_word(word.command); },
      [this](HealingQuery) { return healing_view(); },
      [this](const Forwarded& forwarded) {
        if (!serving()) return;
        auto command = decode_command(forwarded.bytes, *setup_.codec);
        if (!command)
          return setup_.on_event("orchestrator refused a command: " + command.error().text, true);
        if (auto* one = std::get_if<Escalate>(&command.value())) one->advice = advise(one->failure);
        submit(command.value());
      },
      [this](OrchestratorQuery) -> OrchestratorViewAnswer {
        auto view = std::make_shared<OrchestratorView>();
        view->self = setup_.self;
        view->leads = serving();
        view->as_of = host_->replica().committed();
        view->pending = pending_.size();
        view->dropped = dropped_;
        view->decisions = host_->state().decisions;
        return view;
      },
  };
}

std::string OrchestratorActor::detail() const {
  if (!host_) return {};
  return std::string(serving() ? "leads, " : "") + std::to_string(host_->state().last) +
         " decisions";
}

Result<> OrchestratorActor::start() {
  using Host = replication::ReplicaHost<OrchestratorCore>;
  host_.reset();
  log_ = setup_.make_log();
  host_ = std::make_unique<Host>(
      kGroup, *log_, *setup_.codec,
      Host::Hooks{setup_.wall,
                  [this](std::function<void()> function) { defer(std::move(function)); },
                  [this](replication::Committed<Effect>&& effect) {
                    if (const auto* told = std::get_if<Announced>(&*effect))
                      released(told->decision);
                    else if (setup_.healing)
                      released(std::get<healing::Effect>(*effect));
                  },
                  [this](const Error& error) {
                    post([this, text = error.text] {
                      quit(error_text("orchestrator: journal: " + text));
                    });
                  },
                  {},
                  [this](const std::string&) {
                    // What waits for a decision stays; the state begins again from the log.
                    post([this] {
                      if (auto again = start(); !again)
                        quit(error_text("orchestrator: " + again.error().text));
                    });
                  },
                  {}});
  auto recovered = host_->recover();
  if (!recovered) return recovered.error();
  return host_->join();
}

void OrchestratorActor::tick() {
  push_on();
  carry_out();
  after(kTick, [this] { tick(); });
}

void OrchestratorActor::submit(const Command& command) {
  if (serving()) return host_->submit(command);
  if (setup_.forward) setup_.forward(encode_command(command, *setup_.codec));
}

Advice OrchestratorActor::advise(const Failure& failure) {
  if (setup_.healing) world_ = setup_.healing->world();
  return setup_.strategy(failure, setup_.topology(), host_->state().decisions);
}

// ---- failures of this node, until they are decided

void OrchestratorActor::escalate(Failure failure) {
  // Later than what was decided before, though the clock may have gone back since.
  const auto heard = host_->state().heard.find(setup_.self);
  if (heard != host_->state().heard.end()) last_at_ = std::max(last_at_, heard->second);
  const WallTime now = setup_.wall();
  last_at_ = now > last_at_ ? now : WallTime{last_at_.ns + 1};
  failure.member = setup_.self;
  failure.at = last_at_;
  keep(std::move(failure));
  push_on();
}

void OrchestratorActor::keep(Failure failure) {
  if (pending_.size() >= kPendingMax)
    dropped_ += 1;
  else
    pending_.push_back(std::move(failure));
}

void OrchestratorActor::push_on() {
  // A follower's state is committed. A leader's may still be lost: it waits for the commit.
  const auto& state = host_->state();
  const auto& replica = host_->replica();
  if (!replica.leading() || (replica.uncommitted() == 0 && !replica.open()))
    while (!pending_.empty() && state.knows(pending_.front())) pending_.pop_front();
  // One after the other: a later one that came first would stand for those before it.
  if (!pending_.empty() && !state.knows(pending_.front())) {
    const Failure failure = pending_.front();  // a commit may take it
    submit(Escalate{failure, advise(failure)});
  }
  for (auto it = to_settle_.begin(); it != to_settle_.end();) {
    const Decision* decision = state.find(it->first);
    if (!decision || decision->outcome != Outcome::kOpen)
      it = to_settle_.erase(it);
    else
      submit((it++)->second);
  }
}

void OrchestratorActor::released(const Decision& decision) {
  announced_ = std::max(announced_, decision.number);
  setup_.on_event(words(decision),
                  decision.advice.remedy == Remedy::kHalt || decision.outcome == Outcome::kFailed);
  const auto decided = [&](const Failure& failure) {
    if (failure.guard || decision.failure.guard)
      return decision.failure.guard && failure.guard && failure.guard <= decision.failure.guard;
    return failure.at <= decision.failure.at;
  };
  if (decision.failure.member == setup_.self)
    while (!pending_.empty() && decided(pending_.front())) pending_.pop_front();
  post([this] {
    push_on();
    carry_out();
  });
}

// ---- decisions about this node

void OrchestratorActor::carry_out() {
  const bool leading = host_->replica().leading();
  std::vector<Decision> due;
  for (const Decision& decision : host_->state().decisions)
    if (decision.failure.member == setup_.self && decision.outcome == Outcome::kOpen &&
        (!leading || decision.number <= announced_ || decision.failure.at <= started_) &&
        begun_.insert(decision.number).second)
      due.push_back(decision);
  for (const Decision& decision : due) {
    const uint64_t number = decision.number;
    // A guard tells of lives before this one; only who leads is still to be seen to.
    const bool past = decision.failure.guard ? decision.advice.remedy != Remedy::kDrain
                                             : decision.failure.at <= started_;
    if (past) {
      finished(number, Outcome::kDone, "its actor or its process has begun again since");
      continue;
    }
    setup_.carry_out(*this, decision, [this, number](Outcome outcome, std::string text) {
      finished(number, outcome, std::move(text));
    });
  }
}

void OrchestratorActor::finished(uint64_t number, Outcome outcome, std::string text) {
  to_settle_[number] = {number, outcome, std::move(text)};
  push_on();
}

}  // namespace holdfast::orchestrator
