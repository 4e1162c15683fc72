// The self-healing loop in one thread, from one seed: the production core in the production
// replica, an orchestrator that dies at any point and goes on from its journal, agents, an advisor
// of any temper, executors, a meter, an audit and operators, with every message late, lost, doubled
// or out of order. Checkers look at what was committed, sent and done, and at nothing else.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>

#include "supervision/orchestrator/orchestrator.hpp"
#include "supervision/orchestrator/orchestrator_capnp.hpp"
#include "supervision/replication/replica.hpp"

namespace holdfast::healing_simulation {

/// Planted in what surrounds the core, or by what it is handed; what is shipped knows none of them.
enum class Bug : uint8_t {
  kNone,
  kExecutesTwice,   // an executor that keeps no ids
  kReleasesEarly,   // a step is sent before its intent is committed
  kAsksNoPolicy,    // the policy that is asked allows everything
  kIgnoresKill,     // the loop doesn't look at the kill switch
  kNoLimits,        // the limits on blast radius are not those that are configured
  kLostIsFailed,    // a step that nobody answered for is tried again
  kExecutesLate,    // an executor that looks at no clock
  kForgetsEvents,   // a successor leaves events of the journal out
  kApprovesItself,  // a proposer's own word counts
  kCount_,
};
std::string_view name_of(Bug bug);

enum class Advisor : uint8_t { kRules, kRandom, kHostile, kLate, kPromotes, kSilent, kCount_ };

struct Settings {
  uint64_t seed = 1;
  Bug bug = Bug::kNone;
  Advisor advisor = Advisor::kRules;
  bool control = false;    // no faults and no findings
  bool approvals = false;  // the policy wants a person's word for what disturbs
  bool crashes = true;
  bool kills = false;  // an operator uses the kill switch
  bool audit_away = false;
  bool trace = false;
};
Settings settings_of(uint64_t seed);

/// The same core; a planted bug changes what it is handed or what it says.
struct TestedCore {
  using State = orchestrator::State;
  using Command = orchestrator::Command;
  using Event = orchestrator::Event;
  using Effect = orchestrator::Effect;
  static inline Bug bug = Bug::kNone;
  static void decide(const State& state, const Command& command, WallTime now,
                     replication::Decision<TestedCore>& decision);
  static void apply(State& state, const Event& event, const replication::Position& at) {
    orchestrator::OrchestratorCore::apply(state, event, at);
  }
  static void effects(const State& state, const Event& event, const replication::Position& at,
                      std::vector<Effect>& effects) {
    orchestrator::OrchestratorCore::effects(state, event, at, effects);
  }
  static void outstanding(const State& state, std::vector<Effect>& effects) {
    orchestrator::OrchestratorCore::outstanding(state, effects);
  }
  static std::optional<WallTime> next_deadline(const State& state) {
    return orchestrator::OrchestratorCore::next_deadline(state);
  }
  static uint64_t digest(const State& state) {
    return orchestrator::OrchestratorCore::digest(state);
  }
  static constexpr uint8_t kDigestVersion = 1;
};

/// One thing that an executor did.
struct Done {
  WallTime at;
  orchestrator::healing::ExecuteStep step;
};

class World {
 public:
  explicit World(Settings settings);
  /// What was wrong first; empty: nothing.
  std::string run();
  uint64_t trace_hash() const { return hash_; }
  const std::map<std::string, uint64_t>& sometimes() const { return sometimes_; }
  uint64_t remedies() const { return ended_; }
  uint64_t steps() const { return done_.size(); }

 private:
  struct Entry {
    replication::EntryHeader header;
    replication::Bytes body;
  };
  struct Fault {
    FaultClass kind = FaultClass::kNone;
    MemberId member;
    GroupId group;
    WallTime began, ends;
    uint64_t number = 0;
    bool told_over = false;
    std::vector<std::pair<FaultClass, MemberId>> effects;
  };
  struct Executor {
    std::map<orchestrator::remediation::StepId, orchestrator::healing::StepResult> results;
    std::set<orchestrator::remediation::StepId> voided;
    bool killed = false;  // as its copy of the state has it
    WallTime began;
  };

  // the orchestrator
  void submit(orchestrator::healing::Command command, bool with_world = true);
  void tick();
  void commit();
  void crash();
  void lead();
  void carry_out(const orchestrator::Effect& effect, bool committed);
  orchestrator::World view() const;
  // the world
  void agents();
  void findings_of(const Fault& fault, bool over);
  void answer(const orchestrator::healing::AskAdvice& ask);
  std::vector<Proposal> advice(const orchestrator::healing::AskAdvice& ask);
  void execute(const orchestrator::healing::ExecuteStep& step);
  void act(const orchestrator::healing::ExecuteStep& step);
  void measure(const orchestrator::healing::Measure& measure);
  void operators();
  void send(Duration least, Duration most, std::function<void()> what);
  bool chance(uint32_t percent) { return draw(100) < percent; }
  uint64_t draw(uint64_t below) { return below == 0 ? 0 : random_() % below; }
  void note(const std::string& line);
  void fail(std::string text) {
    if (failure_.empty()) failure_ = std::move(text);
  }
  // the checkers
  void check_bounds();
  void check_committed(const Entry& entry, const std::vector<orchestrator::Event>& events);
  void check_step(const orchestrator::healing::ExecuteStep& step);
  void check_history();
  void check_quiet();

  Settings settings_;
  std::mt19937_64 random_;
  WallTime now_, quiet_from_, end_;
  std::multimap<WallTime, std::function<void()>> due_;

  std::shared_ptr<orchestrator::remediation::Book> book_;
  std::shared_ptr<policy::Policy> policy_, lax_;
  std::set<ActionKind> allowed_;
  orchestrator::OrchestratorCodec codec_;
  std::unique_ptr<replication::Replica<TestedCore>> replica_;
  std::vector<Entry> journal_;
  std::size_t committed_ = 0;  // entries
  Epoch epoch_;
  bool led_ = false;

  std::vector<GroupId> groups_;
  std::map<GroupId, MemberId> leaders_;
  std::set<MemberId> away_;
  std::vector<Fault> faults_;
  std::map<MemberId, Executor> executors_;
  uint64_t finding_ = 0, fault_ = 0;
  bool audit_on_ = true;

  // what the checkers have seen
  struct Seen {
    orchestrator::remediation::Remedy opened;
    std::vector<orchestrator::remediation::Word> words;
    bool ended = false;
    WallTime ended_at;
    bool moved = false;
    RemedyOutcome outcome = RemedyOutcome::kOpen;
  };
  orchestrator::State mirror_;  // of what is committed
  std::map<uint64_t, Seen> seen_;
  std::map<orchestrator::remediation::StepId, std::pair<Action, WallTime>> intents_, sent_;
  std::vector<Done> done_;
  std::map<orchestrator::remediation::StepId, uint64_t> done_count_;
  std::vector<std::pair<WallTime, bool>> kills_;
  uint64_t ended_ = 0, hash_ = 0xcbf29ce484222325ull;
  std::string failure_;
  std::map<std::string, uint64_t> sometimes_;
};

}  // namespace holdfast::healing_simulation
