// SupervisorRig: drives a SupervisorCore as a shell would, and holds it to the rules that are true
// of every supervisor: no second start of a child that is up, a stop only of what runs, a kill only
// of what was asked to stop, shutdown in reverse order.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "messages/check.hpp"
#include "supervision/tree/supervisor_core.hpp"

namespace holdfast {

class SupervisorRig {
 public:
  enum class Up { kNo, kStarting, kYes, kAskedToStop, kKilled };

  explicit SupervisorRig(SupervisorSpec spec, std::vector<ChildSpec> children)
      : core(std::move(spec), std::move(children)) {}

  /// Starts succeed at once, stops too, unless these say otherwise.
  bool answer_starts = true;
  bool answer_stops = true;
  bool answer_kills = true;
  uint64_t random = 0;

  void start() { obey(core.start(now)); }
  void stop() { obey(core.stop(now)); }
  void started(const std::string& id) {
    up_[id] = Up::kYes;
    obey(core.started(id, now));
  }
  void start_failed(const std::string& id) {
    up_[id] = Up::kNo;
    obey(core.start_failed(id, "no luck", now, random));
  }
  void exit(const std::string& id, ExitKind kind = ExitKind::kError) {
    up_[id] = Up::kNo;
    obey(core.exited(id, {kind, kind == ExitKind::kNormal ? "" : "words"}, now, random));
  }
  /// Goes on in time, stopping at each deadline of the core.
  void pass(Duration d) {
    const MonoTime until = now + d;
    while (const auto next = core.next_deadline()) {
      if (*next > until) break;
      now = std::max(now, *next);
      obey(core.tick(now));
    }
    now = until;
  }
  Result<> command(Result<Decisions> result) {
    if (!result.ok()) return result.error();
    obey(std::move(result).value());
    return success();
  }

  void obey(Decisions decisions) {
    for (auto& decision : decisions) {
      ASSERT_FALSE(finished) << "a decision after the last";
      obey_one(decision);
    }
    if (++depth_ > 1) {
      --depth_;
      return;
    }
    // Answers come as separate events, as a mailbox would bring them.
    while (!answers_.empty()) {
      const auto [id, what] = answers_.front();
      answers_.erase(answers_.begin());
      if (what == Up::kStarting) {
        if (up_[id] == Up::kStarting) started(id);
      } else if (up_[id] == Up::kAskedToStop || up_[id] == Up::kKilled) {
        exit(id, what == Up::kKilled ? ExitKind::kKilled : ExitKind::kShutdown);
      }
    }
    --depth_;
  }

  bool running(const std::string& id) { return up_[id] == Up::kYes; }
  Up up(const std::string& id) { return up_[id]; }
  ChildState state(const std::string& id) {
    const auto view = core.child(id);
    CHECK(view.has_value());
    return view->state;
  }
  /// "+a -b !c": starts, stops and kills since the last call.
  std::string log() { return std::exchange(log_, ""); }
  bool reported(const std::string& event) const {
    return std::count(events.begin(), events.end(), event) > 0;
  }

  SupervisorCore core;
  MonoTime now = {1'000'000'000};
  bool finished = false;
  bool escalated = false;
  std::string escalated_for;  // whose failure it was
  ExitInfo result;
  std::vector<std::string> events;
  std::vector<std::string> alarms;
  std::vector<MonoTime> restarts;

 private:
  void obey_one(const Decision& decision) {
    Up& up = up_[decision.child];
    switch (decision.kind) {
      case Decision::Kind::kStart:
        ASSERT_EQ(up, Up::kNo) << "second start of " << decision.child;
        ASSERT_FALSE(core.stopping()) << "start of " << decision.child << " while stopping";
        up = Up::kStarting;
        note('+', decision.child);
        if (answer_starts) answers_.emplace_back(decision.child, Up::kStarting);
        break;
      case Decision::Kind::kStop:
        ASSERT_EQ(up, Up::kYes) << "stop of " << decision.child << ", which does not run";
        expect_last(decision.child);
        up = Up::kAskedToStop;
        note('-', decision.child);
        if (answer_stops) answers_.emplace_back(decision.child, Up::kAskedToStop);
        break;
      case Decision::Kind::kKill:
        ASSERT_TRUE(up == Up::kYes || up == Up::kAskedToStop) << "kill of " << decision.child;
        if (up == Up::kYes) expect_last(decision.child);
        up = Up::kKilled;
        note('!', decision.child);
        if (answer_kills) answers_.emplace_back(decision.child, Up::kKilled);
        break;
      case Decision::Kind::kReport:
        events.push_back(decision.event);
        if (decision.alarm) alarms.push_back(decision.event + " " + decision.child);
        if (decision.event == "child_restarting") restarts.push_back(now);
        break;
      case Decision::Kind::kEscalate:
        escalated = true;
        escalated_for = decision.child;
        break;
      case Decision::Kind::kFinished:
        finished = true;
        result = decision.exit;
        for (const auto& [id, state] : up_) EXPECT_EQ(state, Up::kNo) << id << " is left behind";
    }
  }
  // While an ordered supervisor stops, nobody who was started later is still up and willing.
  void expect_last(const std::string& id) {
    if (!core.stopping() || core.spec().strategy == Strategy::kSimpleOneForOne) return;
    bool after = false;
    for (const auto& view : core.children()) {
      if (after) {
        EXPECT_TRUE(up_[view.spec->id] == Up::kNo || up_[view.spec->id] == Up::kKilled)
            << id << " is stopped before " << view.spec->id;
      }
      after = after || view.spec->id == id;
    }
  }
  void note(char what, const std::string& id) {
    if (!log_.empty()) log_ += ' ';
    log_ += what + id;
  }

  std::map<std::string, Up> up_;
  std::vector<std::pair<std::string, Up>> answers_;
  int depth_ = 0;
  std::string log_;
};

}  // namespace holdfast
