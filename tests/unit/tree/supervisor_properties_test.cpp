// Random supervisors under random events. The rig checks each decision; here are the rules that
// span a whole history.
#include <gtest/gtest.h>

#include <random>

#include "supervision/tree/supervisor_core.hpp"
#include "tests/unit/tree/supervisor_rig.hpp"

namespace holdfast {
namespace {

class RandomSupervisor {
 public:
  explicit RandomSupervisor(uint64_t seed) : random_(seed), rig_(make_spec(), make_children()) {}

  void live(int events) {
    rig_.start();
    for (int i = 0; i < events && !rig_.finished && !::testing::Test::HasFailure(); ++i) {
      rig_.random = random_();
      one_event();
      rig_.now = rig_.now + Duration::microseconds(pick(2'000'000));
      if (pick(2) == 0) rig_.pass({});
    }
  }

  // Once stopped, a supervisor whose children obey or die finishes in bounded time.
  void die() {
    if (!rig_.core.stopping()) rig_.stop();
    for (int round = 0; round < 200 && !rig_.finished; ++round) {
      for (const auto& id : ids_)
        if (rig_.up(id) == SupervisorRig::Up::kStarting) {
          if (pick(2) == 0)
            rig_.started(id);
          else
            rig_.start_failed(id);
        } else if (rig_.up(id) == SupervisorRig::Up::kKilled) {
          rig_.exit(id, ExitKind::kKilled);
        }
      rig_.pass(Duration::seconds(10));
    }
    EXPECT_TRUE(rig_.finished);
  }

  void check_history() {
    const auto& limit = rig_.core.spec().intensity;
    for (std::size_t i = limit.restarts; i < rig_.restarts.size(); ++i)
      EXPECT_GE((rig_.restarts[i] - rig_.restarts[i - limit.restarts]).ns, limit.period.ns)
          << "the intensity was exceeded without an escalation";
    if (rig_.escalated) {
      EXPECT_EQ(rig_.result.kind, ExitKind::kError);
    }
  }

  bool escalated() const { return rig_.escalated; }
  uint64_t restarts() const { return rig_.core.restarts(); }
  bool quarantined() const { return rig_.reported("child_quarantined"); }
  bool hung() const { return rig_.reported("child_hung"); }

 private:
  uint64_t pick(uint64_t n) { return random_() % n; }

  SupervisorSpec make_spec() {
    SupervisorSpec spec;
    spec.strategy = static_cast<Strategy>(pick(4));
    spec.intensity = {static_cast<uint32_t>(pick(6)),
                      Duration::seconds(1 + static_cast<int>(pick(20)))};
    spec.backoff.jitter_permille = static_cast<uint32_t>(pick(1001));
    spec.auto_shutdown = static_cast<AutoShutdown>(pick(3));
    return spec;
  }

  std::vector<ChildSpec> make_children() {
    // rig_ is not built yet; the spec's auto_shutdown decides, so leave significance to the seeds
    // below.
    std::vector<ChildSpec> children;
    const auto n = pick(7);
    for (uint64_t i = 0; i < n; ++i) children.push_back(make_child());
    return children;
  }

  ChildSpec make_child() {
    ids_.push_back("child-" + std::to_string(ids_.size()));
    return {.id = ids_.back(),
            .restart = static_cast<RestartKind>(pick(3)),
            .shutdown_timeout = pick(5) == 0
                                    ? Duration{}
                                    : Duration::milliseconds(1 + static_cast<int>(pick(5'000)))};
  }

  void one_event() {
    rig_.answer_starts = pick(4) != 0;
    rig_.answer_stops = pick(3) != 0;
    rig_.answer_kills = pick(4) != 0;
    if (ids_.empty() || pick(30) == 0) {
      auto child = make_child();
      child.significant = child.restart != RestartKind::kPermanent &&
                          rig_.core.spec().auto_shutdown != AutoShutdown::kNever && pick(2) == 0;
      (void)rig_.command(rig_.core.add_child(child, rig_.now));
      return;
    }
    const std::string id = ids_[pick(ids_.size())];
    switch (rig_.up(id)) {
      case SupervisorRig::Up::kStarting:
        return pick(3) == 0 ? rig_.start_failed(id) : rig_.started(id);
      case SupervisorRig::Up::kYes:
        if (pick(2) == 0) return rig_.exit(id, static_cast<ExitKind>(pick(5)));
        break;
      case SupervisorRig::Up::kAskedToStop:
      case SupervisorRig::Up::kKilled:
        if (pick(2) == 0) return rig_.exit(id, static_cast<ExitKind>(pick(4)));
        break;
      case SupervisorRig::Up::kNo:
        break;
    }
    switch (pick(12)) {
      case 0:
        (void)rig_.command(rig_.core.restart_child(id, rig_.now));
        break;
      case 1:
        (void)rig_.command(rig_.core.stop_child(id, rig_.now));
        break;
      case 2:
        (void)rig_.command(rig_.core.release_child(id, rig_.now));
        break;
      case 3:
        (void)rig_.command(rig_.core.quarantine_child(id, "test", rig_.now));
        break;
      case 4:
        if (pick(4) == 0) (void)rig_.command(rig_.core.remove_child(id, rig_.now));
        break;
      case 5:
        if (pick(20) == 0) rig_.stop();
        break;
      case 6:
        (void)rig_.command(rig_.core.kill_child(id, rig_.now));
        break;
      default:
        rig_.pass(Duration::milliseconds(static_cast<int>(pick(3'000))));
        break;
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> ids_;
  SupervisorRig rig_;
};

TEST(SupervisorProperties, HoldUnderRandomEvents) {
  int escalated = 0;
  int quarantined = 0;
  int hung = 0;
  uint64_t restarts = 0;
  for (uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSupervisor supervisor(seed);
    supervisor.live(300);
    supervisor.die();
    supervisor.check_history();
    if (HasFailure()) return;
    escalated += supervisor.escalated();
    quarantined += supervisor.quarantined();
    hung += supervisor.hung();
    restarts += supervisor.restarts();
  }
  // The rare paths were reached, or the above says little.
  EXPECT_GT(escalated, 100);
  EXPECT_GT(quarantined, 100);
  EXPECT_GT(hung, 100);
  EXPECT_GT(restarts, 3'000u);
}

TEST(SupervisorProperties, TheSameEventsGiveTheSameDecisions) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    RandomSupervisor a(seed);
    RandomSupervisor b(seed);
    a.live(300);
    b.live(300);
    EXPECT_EQ(a.restarts(), b.restarts());
    EXPECT_EQ(a.escalated(), b.escalated());
  }
}

}  // namespace
}  // namespace holdfast
