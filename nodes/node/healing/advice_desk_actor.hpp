// The advice desk: turns the loop's asks into questions with closed lists of options, puts them to
// the advisor with the precedents that resemble them, and gives proposals back, always before the
// ask expires: what is late, refused or not among the options is answered by the deterministic
// advisor. It also tells the precedents how remedies ended. It decides nothing and keeps nothing
// over a restart: the loop asks again.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/agents/precedents/precedent.hpp"
#include "messages/advice/advice.hpp"
#include "supervision/orchestrator/healing/healing.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

/// An ask, with the world as its leader knows it. The same ask again is ignored while it is open;
/// later it gets the same answer, as long as it is among the last kAnswersKept.
struct AskOrder {
  orchestrator::healing::AskAdvice ask;
  std::shared_ptr<const orchestrator::World> world;
};
/// A remedy of an incident has ended: the precedents learn from it.
struct CaseOver {
  Incident incident;
  ActionKind action = ActionKind::kNone;
  RemedyOutcome outcome = RemedyOutcome::kOpen;
};
/// The answer is a shared AdviceDeskView.
struct AdviceDeskQuery {};

/// One answer that was given.
struct AnsweredAsk {
  uint64_t ask = 0, incident = 0;  // incident 0: in advance,
  std::string about;               // "slow_disk", "order_shard gave_up"
  WallTime at;
  AdvisorKind by = AdvisorKind::kDeterministic;  // whose proposals were given
  std::size_t options = 0;
  std::vector<ActionKind> proposed;  // best first; empty: nothing
  /// What the advisor that was asked first said; its proposals are not kept. No `endpoint`: no
  /// model was reached, or none is configured.
  AdviceReply asked;
};

struct AdviceDeskView {
  AdvisorKind advisor = AdvisorKind::kDeterministic;  // that is asked first
  uint64_t asked = 0, repeated = 0;
  uint64_t by_model = 0, by_rules = 0;  // answers: a model's, the deterministic advisor's
  uint64_t with_nothing = 0;            // of them, without a proposal
  uint64_t too_late = 0;                // the advisor answered after the desk had to
  uint64_t unusable = 0;                // asks that had expired, or came without a world
  std::array<uint64_t, kAdviceOutcomes + 1> outcomes{};  // of the advisor asked, by AdviceOutcome
  std::array<uint64_t, kReplyProblems + 1> problems{};   // by ReplyProblem
  uint64_t input_tokens = 0, output_tokens = 0;
  int64_t cost_micros = 0;
  uint64_t learned = 0, not_learned = 0;  // outcomes told to the precedents
  std::size_t precedents = 0, open = 0;
  std::vector<AnsweredAsk> last;  // the last first
};
using AdviceDeskViewAnswer = std::shared_ptr<const AdviceDeskView>;

/// Whoever makes one keeps the advisor and the precedents until the actor system has ended.
struct AdviceDeskSetup {
  std::shared_ptr<Advisor> advisor;
  std::shared_ptr<precedents::Precedents> precedents;  // null: none
  std::function<WallTime()> wall;
  /// Brings an answer to whoever leads the orchestrator; called in the desk, must not block.
  std::function<void(uint64_t ask, std::vector<Proposal>)> answer;
  std::function<void(const std::string& line, bool alarm)> say = {};
};

class AdviceDeskActor final : public PoolActor {
 public:
  static constexpr std::size_t kAnswersKept = 64;
  static constexpr std::size_t kOpenMax = 2 * orchestrator::healing::kAsksMax;

  /// CHECKs that advisor, clock and `answer` are set.
  AdviceDeskActor(ActorConfig& config, std::shared_ptr<const AdviceDeskSetup> setup);
  ~AdviceDeskActor() override;
  /// Takes AskOrder, CaseOver, AdviceDeskQuery.
  Behavior make_behavior() override;
  const char* name() const override { return "advice desk"; }
  std::string detail() const override;

 private:
  struct Open {
    AdviceRequest request;
    uint64_t turn = 0;  // of this desk: what answers another turn is late
  };
  struct Answered {
    AnsweredAsk told;
    std::vector<Proposal> proposals;
  };
  void take(const AskOrder& order);
  /// Asks the advisor; in `due` from now the desk answers by itself.
  void put(uint64_t ask, Open open, Duration due);
  void hear(uint64_t ask, uint64_t turn, AdviceReply reply);
  void give(uint64_t ask, AdviceReply reply);
  void count(const AnsweredAsk& told);
  void learn(const CaseOver& over);
  std::vector<PrecedentCase> cases_for(const AdviceRequest& request) const;
  AdviceDeskViewAnswer view() const;

  std::shared_ptr<const AdviceDeskSetup> setup_;
  std::map<uint64_t, Open> open_;
  std::deque<Answered> answered_;
  uint64_t turns_ = 0;
  AdviceDeskView counts_;  // without what is looked up for a query
};

/// A desk as a child, "advice".
ChildDefinition advice_child(AdviceDeskSetup setup);

}  // namespace holdfast::node

HOLDFAST_LOCAL_MESSAGE(holdfast::node::AskOrder)
HOLDFAST_LOCAL_MESSAGE(holdfast::node::CaseOver)
HOLDFAST_LOCAL_MESSAGE(holdfast::node::AdviceDeskQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::node::AdviceDeskViewAnswer)
