#include "nodes/node/remedies/remedy_executor_actor.hpp"

#include <algorithm>

#include "supervision/runtime/room_messages.hpp"

namespace holdfast::node {

using orchestrator::healing::ExecuteStep;
using orchestrator::remediation::Ending;
using orchestrator::remediation::Ruling;
using orchestrator::remediation::StepId;
using orchestrator::remediation::StepOutcome;

namespace {
constexpr Duration kAnswerWithin = Duration::seconds(2);
constexpr Duration kMoveWithin = Duration::seconds(10);
constexpr Duration kTakeBackLook = Duration::milliseconds(20);
constexpr const char* kWho = "orchestrator";

Ending failed(std::string text) { return {StepOutcome::kFailed, {}, std::move(text)}; }
Ending done_as(std::string text) { return {StepOutcome::kDone, {}, std::move(text)}; }
/// Nobody answered: it may have been done.
Ending lost(std::string text) { return {StepOutcome::kLost, {}, std::move(text)}; }

Ending of_storage(const std::function<Result<>()>& call, std::string_view what) {
  if (!call) return failed("this node's journal can't be " + std::string(what) + " by a call");
  const auto result = call();
  return result ? done_as("the journal is " + std::string(what)) : failed(result.error().text);
}
}  // namespace

RemedyExecutorActor::RemedyExecutorActor(ActorConfig& config, RemedyExecutorSetup setup)
    : LoopActor(config), setup_(std::move(setup)) {
  CHECK(setup_.ledger && setup_.wall && setup_.known && setup_.answer);
}

Behavior RemedyExecutorActor::make_behavior() {
  // What an actor before this one began: nobody hears how it ends.
  setup_.ledger->lose_under_way();
  return {[this](const StepOrder& order) { take(order); }};
}

std::string RemedyExecutorActor::detail() const {
  return std::to_string(carried_out_) + " steps carried out, " + std::to_string(answered_) +
         " answers, " + std::to_string(setup_.ledger->under_way()) + " under way";
}

void RemedyExecutorActor::take(const StepOrder& order) {
  const KnownStep known = setup_.known(order.step);
  const auto ruled =
      setup_.ledger->begin({order.step.id, order.step.not_after, order.epoch, order.step.voids,
                            known.intended, known.voided_intended, known.killed, setup_.wall()});
  if (ruled.ruling == Ruling::kAnswer) return reply(order.step.id, ruled.answer);
  if (ruled.ruling != Ruling::kCarryOut) return;
  carried_out_ += 1;
  if (setup_.say)
    setup_.say("step " + to_text(order.step.id) +
                   " begins: " + std::string(to_text(order.step.action.kind)),
               false);
  carry_out(order.step, [this, id = order.step.id](Ending ending) {
    if (!setup_.ledger->ended(id, ending)) return;
    if (setup_.say)
      setup_.say(
          "step " + to_text(id) + " " + std::string(to_text(ending.outcome)) + ": " + ending.text,
          false);
    reply(id, ending);
  });
}

void RemedyExecutorActor::reply(const StepId& id, const Ending& ending) {
  answered_ += 1;
  setup_.answer({id, ending.outcome, ending.previous, ending.text});
}

void RemedyExecutorActor::carry_out(const ExecuteStep& step, const Done& done) {
  switch (step.action.kind) {
    case ActionKind::kRestartActor:
    case ActionKind::kRestartClean:
      return restart(step.action, done);
    case ActionKind::kMigrate:
    case ActionKind::kPromote:
      return step.voids ? take_back(step, done) : migrate(step, done);
    case ActionKind::kDrain:
      return drain(step, done);
    case ActionKind::kHaltVenue:
      return command_venue(step.action, VenueCommandKind::kHalt, done);
    case ActionKind::kResumeVenue:
      return command_venue(step.action, VenueCommandKind::kResume, done);
    case ActionKind::kFlushStorage:
      return done(of_storage(setup_.flush_storage, "flushed"));
    case ActionKind::kCompactStorage:
      return done(of_storage(setup_.compact_storage, "compacted"));
    case ActionKind::kPage:
      if (setup_.say)
        setup_.say("workflow " + step.workflow + ", step " + to_text(step.id) + ": look at it",
                   true);
      return done(done_as("a human was told"));
    case ActionKind::kNone:
    case ActionKind::kRerouteOrders:
    case ActionKind::kThrottle:
    case ActionKind::kScaleOut:
    case ActionKind::kScaleIn:
    case ActionKind::kShrinkCache:
    case ActionKind::kSwitchEndpoint:
    case ActionKind::kRestartNode:
      break;
  }
  done(failed("this node has no means for " + std::string(to_text(step.action.kind))));
}

// A restart begins again from the journal, whichever of the two is asked for: cores keep nothing
// that is not in it.
void RemedyExecutorActor::restart(const Action& action, const Done& done) {
  std::string path = action.target.instance.str();
  if (path.empty() && action.target.group && setup_.path_of)
    path = setup_.path_of(action.target.group);
  if (path.empty()) return done(failed("it names no actor of this node"));
  const auto root = setup_.root ? setup_.root() : ActorHandle();
  if (!root) return done(failed("the tree is not there"));
  request_within(this, root, {"restart by a remedy", kAnswerWithin},
                 TreeCommand{TreeAction::kRestart, path, kWho, "a step of a remedy"})
      .then(
          [done](const TreeReply& reply) {
            done(reply.ok ? done_as(reply.text) : failed(reply.text));
          },
          [done](const ActorError& error) { done(lost(describe(error))); });
}

Duration RemedyExecutorActor::left(const ExecuteStep& step) const {
  return std::max(Duration::milliseconds(1), std::min(kMoveWithin, step.not_after - setup_.wall()));
}

std::string RemedyExecutorActor::leader_of(GroupId group) const {
  for (const auto& view : setup_.hand_over->views().groups)
    if (view.group == group) return view.leader;
  return {};
}

void RemedyExecutorActor::move(const ExecuteStep& step, std::vector<Move> moves, const Done& done) {
  move_groups(*this, *setup_.hand_over, std::move(moves), left(step),
              [done](MoveEnd end, std::string text) {
                switch (end) {
                  case MoveEnd::kDone:
                    return done(done_as(std::move(text)));
                  case MoveEnd::kRefused:
                    return done(failed(std::move(text)));
                  case MoveEnd::kOpen:
                    return done(lost(std::move(text)));
                }
              });
}

void RemedyExecutorActor::migrate(const ExecuteStep& step, const Done& done) {
  if (!setup_.hand_over) return done(failed("this node is no member of a cluster"));
  const Action& action = step.action;
  if (!action.target.group)
    return done(failed("it names no replicated group: this node moves no other actors"));
  if (!action.to) return done(failed("it does not say where to"));
  move(step, {{action.target.group, action.to, {}, {}, false}}, done);
}

/// The way back: this member is to lead again.
void RemedyExecutorActor::take_back(const ExecuteStep& step, const Done& done) {
  const GroupId group = step.action.target.group;
  if (!setup_.hand_over || !setup_.take_over)
    return done(failed("this node is no member of a cluster"));
  if (step.action.to != setup_.self) return migrate(step, done);
  const std::string what = setup_.hand_over->group_name(group);
  if (leader_of(group) == setup_.hand_over->self) return done(done_as(what + " is led here"));
  if (const auto begun = setup_.take_over(group); !begun) return done(failed(begun.error().text));
  const MonoTime until = now() + left(step);
  // Calls itself until it is so; the timer holds what it needs.
  const auto look = std::make_shared<std::function<void()>>();
  *look = [this, group, what, until, done, weak = std::weak_ptr(look)] {
    if (leader_of(group) == setup_.hand_over->self) return done(done_as(what + " is led here"));
    if (now() >= until) return done(lost(what + ": this member does not lead it yet"));
    after(kTakeBackLook, [again = weak.lock()] { (*again)(); });
  };
  (*look)();
}

void RemedyExecutorActor::drain(const ExecuteStep& step, const Done& done) {
  if (!setup_.hand_over || !setup_.topology)
    return done(failed("this node is no member of a cluster"));
  if (step.action.target.member != setup_.self)
    return done(failed("another node is to be drained: it does that itself"));
  move(step, moves_of_drain(setup_.topology(), setup_.self), done);
}

void RemedyExecutorActor::command_venue(const Action& action, VenueCommandKind kind,
                                        const Done& done) {
  const std::string venue = action.target.instance.str();
  const auto gateway = setup_.gateway ? setup_.gateway(venue) : ActorHandle();
  if (!gateway) return done(failed("no gateway of venue '" + venue + "' is led here"));
  request_within(this, gateway, {"venue command by a remedy", kAnswerWithin},
                 VenueCommand{kind, 0, Label(kWho), ReasonText("a step of a remedy")})
      .then(
          [done](const VenueCommandAnswer& answer) {
            done(answer.accepted ? done_as(answer.text) : failed(answer.text));
          },
          [done](const ActorError& error) { done(lost(describe(error))); });
}

}  // namespace holdfast::node
