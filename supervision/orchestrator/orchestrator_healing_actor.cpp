// The self-healing loop's side of the orchestrator's actor: feeds the core commands and time, and
// hands on what its commits say.
#include "supervision/orchestrator/healing/healing_capnp.hpp"
#include "supervision/orchestrator/orchestrator_actor.hpp"

namespace holdfast::orchestrator {

namespace {
/// A deadline may stand while its answer is under way: it is looked at no more often.
constexpr Duration kLookEvery = Duration::milliseconds(50);
constexpr Duration kTickEvery = Duration::seconds(1), kNudgeEvery = Duration::seconds(1);
}  // namespace

/// Advice that was reasoned in advance takes the place of the strategy, where it holds.
void OrchestratorActor::advise_in_advance() {
  setup_.strategy = advice::advised_strategy(
      [this] {
        const healing::State& state = host_->state().healing;
        return advice::View{&state.standing, world_.get(), &state.remedies, state.killed,
                            setup_.wall()};
      },
      &advised_, std::move(setup_.strategy));
}

void OrchestratorActor::heal_tick() {
  after(kLookEvery, [this] { heal_tick(); });
  if (!host_ || host_->failed()) return;
  const healing::State& state = host_->state().healing;
  if (!serving()) {
    // A follower's state is committed.
    if (setup_.healing->keep_notes && !host_->replica().leading() && state.last_note > noted_) {
      noted_ = state.last_note;
      setup_.healing->keep_notes(state.notes, state.last_note);
    }
    return;
  }
  const auto due = OrchestratorCore::next_deadline(host_->state());
  if (now() - ticked_ >= kTickEvery || (due && *due <= setup_.wall())) {
    ticked_ = now();
    take({healing::Tick{}, nullptr});
  }
  if (now() - nudged_ >= kNudgeEvery && serving()) {
    nudged_ = now();
    host_->submit(healing::Command{healing::Nudge{}, nullptr});
  }
}

void OrchestratorActor::take(healing::Command command) {
  if (!setup_.healing) return;
  if (!serving()) {
    // What this node's audit has is of no matter while another one's decides what is kept.
    if (!std::holds_alternative<healing::NotesWritten>(command.what))
      setup_.healing->forward(healing::encode_command(command));
    return;
  }
  world_ = setup_.healing->world();
  command.world = world_;
  host_->submit(std::move(command));
}

HealingTaken OrchestratorActor::take_word(const healing::Command& command) {
  HealingTaken taken;
  taken.as_of = host_->replica().committed().value;
  if (!setup_.healing) {
    taken.text = "healing is off: [healing] in node.toml turns it on";
    taken.code = ErrorCode::kUnavailable;
    return taken;
  }
  if (const auto would = healing::may(host_->state().healing, command, setup_.wall()); !would) {
    taken.text = would.error().text;
    taken.code = would.error().code;
    return taken;
  }
  if (serving()) {
    take(command);
    taken.ok = true;
    taken.text = "taken";
    return taken;
  }
  const std::string leader = setup_.healing->forward(healing::encode_command(command));
  taken.ok = !leader.empty();
  taken.code = ErrorCode::kUnavailable;
  taken.text = taken.ok ? "sent to " + leader + ", which leads"
                        : "nobody who leads the orchestrator's group can be reached: try again";
  return taken;
}

HealingViewAnswer OrchestratorActor::healing_view() const {
  auto view = std::make_shared<HealingView>(view_of(host_->state().healing));
  view->self = setup_.self;
  view->leads = serving();
  view->as_of = host_->replica().committed().value;
  return view;
}

void OrchestratorActor::released(const healing::Effect& effect) {
  if (!world_) world_ = setup_.healing->world();
  setup_.healing->carry_out(effect, world_, host_->replica().epoch());
}

}  // namespace holdfast::orchestrator
