#include "supervision/tree/supervisor_shell_actor.hpp"

#include <algorithm>
#include <utility>

#include "messages/limits.hpp"

namespace holdfast {

namespace {

std::vector<ChildSpec> specs_of(const SupervisorSetup& setup) {
  std::vector<ChildSpec> specs;
  for (const auto& child : setup.children) specs.push_back(child.spec);
  return specs;
}

// The child of `own` on the way to `path`, and whether the path ends there. Empty: not below `own`.
std::pair<std::string, bool> step_towards(const std::string& own, const std::string& path) {
  if (path.size() <= own.size() + 1 || path.compare(0, own.size(), own) != 0 ||
      path[own.size()] != '/')
    return {};
  const std::string rest = path.substr(own.size() + 1);
  const auto slash = rest.find('/');
  if (slash == std::string::npos) return {rest, true};
  return {rest.substr(0, slash), false};
}

TreeNode row_of(const ChildView& child, const std::string& path, MonoTime now) {
  TreeNode row;
  row.path = path;
  row.kind = to_string(child.spec->type);
  row.state = to_string(child.state);
  row.restarts = child.restarts;
  row.last_exit = child.last_exit;
  if (child.state == ChildState::kPending && child.not_before > now)
    row.detail = "restart in " + std::to_string((child.not_before - now).ms()) + " ms";
  return row;
}

// A tree that is being put together: answers fill its rows, the last one delivers it.
struct Assembly {
  TreeNode root;
  std::size_t open = 0;
  ResponsePromise promise;

  void answered() {
    if (--open == 0) promise.deliver(std::move(root));
  }
  // An actor that has no handler is alive all the same; silence is what matters.
  void failed(std::size_t index, const ActorError& error) {
    if (error == caf::sec::request_timeout) root.children[index].state = "not answering";
    answered();
  }
};

}  // namespace

SupervisorShell::SupervisorShell(caf::event_based_actor* self, std::function<ActorStats()> stats,
                                 SupervisorSetup setup)
    : self_(self),
      stats_(std::move(stats)),
      setup_(std::move(setup)),
      core_(setup_.spec, specs_of(setup_)) {
  CHECK(!setup_.path.empty());
  CHECK(static_cast<std::size_t>(std::count(setup_.path.begin(), setup_.path.end(), '/')) <
        limits::kTreeDepthMax);
  for (auto& child : setup_.children) {
    CHECK(child.make != nullptr);
    factories_.emplace(child.spec.id, child.make);
  }
  random_ = setup_.random;
  if (!random_)
    random_ = [state = uint64_t{std::hash<std::string>{}(setup_.path)}]() mutable {
      state += 0x9E3779B97F4A7C15ull;
      uint64_t z = state;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
      return z ^ (z >> 31);
    };
  self_->set_down_handler([this](DownMessage& message) { down(message); });
  // Whoever asks it to end, for whatever reason: in order. A kill does not come here.
  self_->set_exit_handler([this](ExitMessage&) { obey(core_.stop(now())); });
}

Behavior SupervisorShell::behavior() {
  obey(core_.start(now()));
  return {
      [this](SupervisorTick) { tick(); },
      [this](const TreeQuery& query) { return tree(query); },
      [this](const LeafQuery& query) { return leaves(query); },
      [this](const TreeCommand& c) { return command(c); },
      [this](const AddChild& request) { return add(request); },
  };
}

void SupervisorShell::ended() {
  for (auto& [id, child] : running_) {
    if (setup_.registry) setup_.registry->erase(path_of(id), child.address);
    send_kill(child.actor);
  }
  running_.clear();
}

MonoTime SupervisorShell::now() const {
  return {
      std::chrono::duration_cast<std::chrono::nanoseconds>(self_->clock().now().time_since_epoch())
          .count()};
}

// Decisions are carried out in order; the answers to them queue behind.
void SupervisorShell::obey(Decisions decisions) {
  std::move(decisions.begin(), decisions.end(), std::back_inserter(work_));
  if (std::exchange(obeying_, true)) return;
  while (!work_.empty()) {
    const Decision decision = std::move(work_.front());
    work_.pop_front();
    auto answer = carry_out(decision);
    std::move(answer.begin(), answer.end(), std::back_inserter(work_));
  }
  obeying_ = false;
  arm();
}

Decisions SupervisorShell::carry_out(const Decision& decision) {
  const auto child = running_.find(decision.child);
  switch (decision.kind) {
    case Decision::Kind::kStart:
      return make(decision.child);
    case Decision::Kind::kStop:
      // Not there: it has died already, and its DOWN message is on the way.
      if (child != running_.end()) send_shutdown(child->second.actor);
      return {};
    case Decision::Kind::kKill:
      if (child != running_.end()) send_kill(child->second.actor);
      return {};
    case Decision::Kind::kReport:
      tell(decision.child, decision.event, decision.text, decision.alarm);
      return {};
    case Decision::Kind::kEscalate:
      if (setup_.on_event)
        setup_.on_event({setup_.path, "supervisor_escalated", decision.text, true,
                         decision.child.empty() ? "" : path_of(decision.child)});
      return {};
    case Decision::Kind::kFinished:
      finish(decision.exit);
      return {};
  }
  return {};
}

Decisions SupervisorShell::make(const std::string& id) {
  const auto view = core_.child(id);
  CHECK(view.has_value());
  const ChildContext context{self_->system(), path_of(id),    setup_.path,     ActorHandle{self_},
                             setup_.registry, view->restarts, setup_.on_event, setup_.random};
  const auto own = factories_.find(id);
  const ChildFactory& factory = own != factories_.end() ? own->second : setup_.make;
  ActorHandle actor;
  std::string why = "its factory made nothing";
  try {
    actor = factory(context);
  } catch (...) {
    // A constructor that throws escapes the spawn.
    why = describe(error_of(std::current_exception()));
  }
  if (!actor) return core_.start_failed(id, why, now(), random_());
  running_[id] = {actor, actor.address()};
  monitor_exit(self_, actor);
  if (setup_.registry) setup_.registry->set(context.path, actor);
  return core_.started(id, now());
}

void SupervisorShell::down(const DownMessage& message) {
  const auto found = std::find_if(running_.begin(), running_.end(), [&](const auto& entry) {
    return entry.second.address == message.source;
  });
  if (found == running_.end()) return;
  const std::string id = found->first;
  if (setup_.registry) setup_.registry->erase(path_of(id), found->second.address);
  running_.erase(found);
  obey(core_.exited(id, explain_exit(message.reason), now(), random_()));
  if (!core_.child(id)) factories_.erase(id);
}

void SupervisorShell::finish(const ExitInfo& exit) {
  tell("", "supervisor_finished", exit.text, exit.kind == ExitKind::kError);
  if (exit.kind == ExitKind::kError)
    self_->quit(error_text(exit.text));
  else
    self_->quit(caf::exit_reason::user_shutdown);
}

void SupervisorShell::arm() {
  const auto next = core_.next_deadline();
  if (!next || core_.finished() || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  const Duration wait = std::max(Duration{}, *next - now());
  self_->delayed_send(self_, to_chrono(wait), SupervisorTick{});
}

void SupervisorShell::tick() {
  armed_.reset();
  obey(core_.tick(now()));
}

void SupervisorShell::tell(const std::string& child, const std::string& event,
                           const std::string& text, bool alarm) {
  if (setup_.on_event)
    setup_.on_event({child.empty() ? setup_.path : path_of(child), event, text, alarm});
}

ResponsePromise SupervisorShell::tree(const TreeQuery& query) {
  auto assembly = std::make_shared<Assembly>();
  const ActorStats own = stats_();
  assembly->root.path = setup_.path;
  assembly->root.kind = "supervisor";
  assembly->root.state = core_.stopping() ? "stopping" : "running";
  assembly->root.restarts = core_.restarts();
  assembly->root.mailbox_depth = own.mailbox_depth;
  assembly->root.messages_handled = own.messages_handled;
  assembly->root.detail = to_string(setup_.spec.strategy);
  assembly->promise = self_->make_response_promise();
  assembly->open = 1;  // this function itself
  // Each level gets three quarters of the time, so that an inner silence is told by the inner
  // level.
  const Duration wait = std::max(Duration::milliseconds(1), Duration{query.deadline.ns / 4 * 3});
  const Deadline deadline{"tree query", wait};
  for (const auto& child : core_.children())
    assembly->root.children.push_back(row_of(child, path_of(child.spec->id), now()));
  std::size_t index = 0;
  for (const auto& child : core_.children()) {
    const std::size_t row = index++;
    const auto running = running_.find(child.spec->id);
    if (running == running_.end()) continue;
    ++assembly->open;
    auto failed = [assembly, row](ActorError& error) { assembly->failed(row, error); };
    if (child.spec->type == ChildType::kSupervisor)
      request_within(self_, running->second.actor, deadline, TreeQuery{wait})
          .then(
              [assembly, row](TreeNode& answer) {
                TreeNode& mine = assembly->root.children[row];
                // What happened to it is known here, what it does is known there.
                answer.last_exit = std::move(mine.last_exit);
                answer.detail += "; inner restarts " + std::to_string(answer.restarts);
                answer.restarts = mine.restarts;
                mine = std::move(answer);
                assembly->answered();
              },
              failed);
    else
      request_within(self_, running->second.actor, deadline, ActorStatsQuery{})
          .then(
              [assembly, row](ActorStats& stats) {
                TreeNode& mine = assembly->root.children[row];
                mine.mailbox_depth = stats.mailbox_depth;
                mine.messages_handled = stats.messages_handled;
                mine.leaves = stats.leaves;
                if (mine.detail.empty()) mine.detail = std::move(stats.detail);
                assembly->answered();
              },
              failed);
  }
  auto promise = assembly->promise;
  assembly->answered();
  return promise;
}

caf::result<Message> SupervisorShell::leaves(const LeafQuery& query) {
  const auto [child, last] = step_towards(setup_.path, query.path);
  const auto running = running_.find(child);
  if (running == running_.end())
    return error_text("nothing runs at '" + query.path + "' (seen from " + setup_.path + ")");
  LeafQuery bounded = query;
  bounded.limit = std::min<uint64_t>(query.limit, limits::kLeafPageMax);
  return self_->delegate(running->second.actor, std::move(bounded));
}

caf::result<Message> SupervisorShell::command(const TreeCommand& command) {
  const auto [child, last] = step_towards(setup_.path, command.path);
  if (child.empty())
    return make_message(TreeReply{false, "'" + command.path + "' is not below " + setup_.path});
  if (!last) {
    const auto running = running_.find(child);
    if (running == running_.end())
      return make_message(TreeReply{
          false, "nothing runs at '" + path_of(child) + "', on the way to '" + command.path + "'"});
    return self_->delegate(running->second.actor, command);
  }
  tell(child, std::string("operator_") + to_string(command.action),
       "by " + command.who + ": " + command.reason, false);
  const auto result = apply(command.action, child, command.reason);
  if (!result.ok()) return make_message(TreeReply{false, result.error().text});
  return make_message(TreeReply{
      true, to_string(command.action) + std::string(" of '") + command.path + "' under way"});
}

Result<> SupervisorShell::apply(TreeAction action, const std::string& child,
                                const std::string& reason) {
  auto decide = [&]() -> Result<Decisions> {
    switch (action) {
      case TreeAction::kRestart:
        return core_.restart_child(child, now());
      case TreeAction::kStop:
        return core_.stop_child(child, now());
      case TreeAction::kRelease:
        return core_.release_child(child, now());
      case TreeAction::kQuarantine:
        return core_.quarantine_child(child, reason, now());
      case TreeAction::kKill:
        return core_.kill_child(child, now());
    }
    return Error{ErrorCode::kInvalid, "an unknown action"};
  };
  auto decisions = decide();
  if (!decisions.ok()) return decisions.error();
  obey(std::move(decisions).value());
  return success();
}

caf::result<ActorHandle> SupervisorShell::add(const AddChild& request) {
  if (!setup_.make) return error_text(setup_.path + " has no factory for children at run time");
  auto decisions = core_.add_child(request.spec, now());
  if (!decisions.ok()) return error_text(decisions.error().text);
  obey(std::move(decisions).value());
  const auto running = running_.find(request.spec.id);
  if (running == running_.end())
    return error_text("'" + request.spec.id + "' was added, but has not started yet");
  return running->second.actor;
}

}  // namespace holdfast
