// The measurer: reads what the objectives of a remedy ask for, here and at other members, and
// answers with one value for each, the worst of whom it is asked of. Each member reads its own
// telemetry, by its own clock, and tells the extremes; who asked takes the side that is worse. What
// nobody can read stays empty, and what does not come within a second too. It judges nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "messages/telemetry/view.hpp"
#include "nodes/node/healing/measuring.hpp"
#include "nodes/node/healing/mesh_word.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

/// The topics whose words go to the measurer as MeshWord.
inline constexpr const char* kMeasureWant = "measure-want";
inline constexpr const char* kMeasureHave = "measure-have";

inline constexpr Duration kMeasureGather = Duration::seconds(1);
inline constexpr std::size_t kMeasuresOpenMax = 32;    // of this node; then the oldest is given up
inline constexpr std::size_t kQuestionsOpenMax = 32;   // of other members; more are ignored
inline constexpr std::size_t kQuestionsOfOneMax = 16;  // of one of them

/// The core's effect, to the measurer of the node that leads. Told again while it is open, it is
/// ignored; told again afterwards, it is measured again.
struct MeasureOrder {
  orchestrator::healing::Measure measure;
  std::shared_ptr<const orchestrator::World> world;  // null: no member but the named ones is asked
};

/// Everything from outside. All functions are called on the actor, and must not block.
struct MeasurerSetup {
  MemberId self;
  /// "" and zero: there is no such member.
  std::function<std::string(MemberId)> name_of;
  std::function<MemberId(const std::string&)> member_of;
  /// The telemetry actor; null: none runs.
  std::function<ActorHandle()> telemetry;
  std::function<void(const std::string& to, const std::string& topic, std::string bytes)> send;
  /// Once for each order; one value for each objective, in their order.
  std::function<void(uint64_t remedy, uint32_t round, orchestrator::remediation::Values values)>
      answer;
  std::function<void(const std::string& line, bool alarm)> say;
  std::function<WallTime()> wall;
};

/// The actor as a child of a supervisor on the shared workers, "measurer". Takes MeasureOrder and
/// MeshWord. CHECKs that all functions are set.
ChildDefinition measurer_child(MeasurerSetup setup);

class MeasurerActor final : public PoolActor {
 public:
  MeasurerActor(ActorConfig& config, std::shared_ptr<const MeasurerSetup> setup);
  ~MeasurerActor() override;
  Behavior make_behavior() override;
  const char* name() const override { return "measurer"; }
  std::string detail() const override;

 private:
  using Key = std::pair<uint64_t, uint32_t>;  // remedy, round
  struct Open {
    uint64_t number = 0;  // names it between members
    MeasurePlan plan;
    std::set<MemberId> waiting;
    MeasureAnswers answers;
  };
  /// Looking for readings in this node's telemetry, until all are there or time is up.
  struct Look {
    std::vector<Wish> wishes;
    WallTime asked;
    uint32_t looks = 0, left = 0;              // left: questions of the present look
    bool silent = false;                       // one of them was not answered
    std::vector<telemetry::SharedView> views;  // of the present look
    std::function<void(std::vector<Extremes>)> done;
  };
  void take(const MeasureOrder& order);
  void hear(const MeshWord& word);
  void asked(const MeshWord& word, MemberId from);
  void told(const MeshWord& word, MemberId from);
  void look_for(std::vector<Wish> wishes, std::function<void(std::vector<Extremes>)> done);
  void look(const std::shared_ptr<Look>& look);
  void judge(const std::shared_ptr<Look>& look);
  void answered(const Key& key, uint64_t number, MemberId member, std::vector<Extremes> found);
  void finish(Key key, const char* why);
  void ignore(const MeshWord& word, const std::string& why);

  std::shared_ptr<const MeasurerSetup> setup_;
  std::map<Key, Open> open_;
  std::map<MemberId, std::size_t> questions_;  // of others, open, by who asks
  std::size_t questions_open_ = 0;
  uint64_t last_number_;
  uint64_t measured_ = 0, unanswered_ = 0, ignored_ = 0, late_ = 0, answered_others_ = 0;
};

}  // namespace holdfast::node

HOLDFAST_LOCAL_MESSAGE(holdfast::node::MeasureOrder)
