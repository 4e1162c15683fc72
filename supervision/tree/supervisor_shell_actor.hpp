// The inside of a supervisor actor, free of which base class carries it. Only supervisor_actor.cpp
// includes this.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "supervision/tree/supervisor_actor.hpp"
#include "supervision/tree/supervisor_core.hpp"

namespace holdfast {

/// Tells the supervisor that time may have come.
struct SupervisorTick {};

/// Carries out the core's decisions in the name of the actor `self`. Only in that actor's handlers.
class SupervisorShell {
 public:
  SupervisorShell(caf::event_based_actor* self, std::function<ActorStats()> stats,
                  SupervisorSetup setup);

  /// The actor's behavior; starts the children.
  Behavior behavior();
  /// The actor ends: whoever is left of the children is killed.
  void ended();

 private:
  struct Running {
    ActorHandle actor;
    ActorAddress address;
  };

  MonoTime now() const;
  std::string path_of(const std::string& child) const { return setup_.path + "/" + child; }
  void obey(Decisions decisions);
  Decisions carry_out(const Decision& decision);
  Decisions make(const std::string& id);
  void down(const DownMessage& message);
  void finish(const ExitInfo& exit);
  void arm();
  void tick();
  void tell(const std::string& child, const std::string& event, const std::string& text,
            bool alarm);

  ResponsePromise tree(const TreeQuery& query);
  caf::result<Message> leaves(const LeafQuery& query);
  caf::result<Message> command(const TreeCommand& command);
  Result<> apply(TreeAction action, const std::string& child, const std::string& reason);
  caf::result<ActorHandle> add(const AddChild& request);

  caf::event_based_actor* self_;
  std::function<ActorStats()> stats_;
  SupervisorSetup setup_;
  std::function<uint64_t()> random_;
  SupervisorCore core_;
  std::map<std::string, ChildFactory> factories_;
  std::map<std::string, Running> running_;
  std::deque<Decision> work_;
  bool obeying_ = false;
  std::optional<MonoTime> armed_;
};

}  // namespace holdfast

HOLDFAST_LOCAL_MESSAGE(holdfast::SupervisorTick)
