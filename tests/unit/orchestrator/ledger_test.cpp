// The executor's memory: each rule of its contract, and, under commands that come twice, late and
// in any order, that no step is carried out twice or after its undo.
#include "supervision/orchestrator/remediation/ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace holdfast::orchestrator::remediation {
namespace {

constexpr WallTime at(int64_t ms) { return {1'000'000'000'000'000 + ms * 1'000'000}; }
constexpr WallTime kStarted = at(0);
constexpr StepId kStep{7, 12, 0, 1, false}, kUndo{7, 12, 0, 1, true};

StepFacts step(StepId id = kStep) {
  return {id, at(20'000), {3}, {}, at(10'000), {}, false, at(10'010)};
}
StepFacts undo(StepId id = kUndo) {
  return {id, at(30'000), {3}, kStep, at(20'000), at(10'000), false, at(20'010)};
}
void expect_answer(const Ruled& ruled, StepOutcome outcome) {
  ASSERT_EQ(ruled.ruling, Ruling::kAnswer);
  EXPECT_EQ(ruled.answer.outcome, outcome);
  EXPECT_FALSE(ruled.answer.text.empty());
}

TEST(Ledger, CarriesAStepOutOnceAndAnswersTheFirstAnswer) {
  Ledger ledger(kStarted);
  EXPECT_EQ(ledger.begin(step()).ruling, Ruling::kCarryOut);
  EXPECT_EQ(ledger.begin(step()).ruling, Ruling::kUnderWay);
  const Ending done{StepOutcome::kDone, 700'000, "done"};
  EXPECT_TRUE(ledger.ended(kStep, done));
  EXPECT_FALSE(ledger.ended(kStep, {StepOutcome::kFailed, {}, "no"}));
  const Ruled again = ledger.begin(step());
  EXPECT_EQ(again.ruling, Ruling::kAnswer);
  EXPECT_EQ(again.answer, done);
}

TEST(Ledger, EndsNothingThatIsNotUnderWay) {
  Ledger ledger(kStarted);
  EXPECT_FALSE(ledger.ended(kStep, {StepOutcome::kDone, {}, ""}));
}

TEST(Ledger, DoesNotBeginTooLateFencedOrKilledAndStaysWithIt) {
  for (int rule = 0; rule < 3; ++rule) {
    Ledger ledger(kStarted);
    StepFacts held = step();
    if (rule == 0) held.now = held.not_after + Duration::milliseconds(1);
    if (rule == 1)
      ledger.begin({{1, 1, 0, 1, false}, at(20'000), {4}, {}, at(9'000), {}, true, {}});
    if (rule == 2) held.killed = true;
    expect_answer(ledger.begin(held), StepOutcome::kVoid);
    StepFacts repeated = step();
    repeated.epoch = {9};
    expect_answer(ledger.begin(repeated), StepOutcome::kVoid);
  }
}

TEST(Ledger, WaitsForItsOwnCopyOfTheState) {
  Ledger ledger(kStarted);
  StepFacts unknown = step();
  unknown.intended.reset();
  EXPECT_EQ(ledger.begin(unknown).ruling, Ruling::kNotYet);
  EXPECT_EQ(ledger.begin(step()).ruling, Ruling::kCarryOut);
}

TEST(Ledger, AnswersLostToWhatTheProcessBeforeMayHaveDone) {
  Ledger ledger(at(9'000));  // clocks may be apart: 10'000 is not surely later
  expect_answer(ledger.begin(step()), StepOutcome::kLost);
}

TEST(Ledger, UndoesWhatWasBegunHere) {
  Ledger ledger(kStarted);
  ledger.begin(step());
  EXPECT_EQ(ledger.begin(undo()).ruling, Ruling::kNotYet);  // it is still under way
  ledger.ended(kStep, {StepOutcome::kDone, {}, ""});
  EXPECT_EQ(ledger.begin(undo()).ruling, Ruling::kCarryOut);
}

TEST(Ledger, WhatNobodyWillTellTheEndOfMayHaveBeenDone) {
  Ledger ledger(kStarted);
  ledger.begin(step());
  ledger.lose_under_way();
  EXPECT_EQ(ledger.under_way(), 0u);
  expect_answer(ledger.begin(step()), StepOutcome::kLost);
  EXPECT_EQ(ledger.begin(undo()).ruling, Ruling::kCarryOut);
}

TEST(Ledger, UndoesNothingWhereNothingStays) {
  Ledger ledger(kStarted);
  ledger.begin(step());
  ledger.ended(kStep, {StepOutcome::kFailed, {}, "refused"});
  expect_answer(ledger.begin(undo()), StepOutcome::kVoid);
}

TEST(Ledger, NeverBeginsWhatWasUndoneBeforeItCame) {
  Ledger ledger(kStarted);
  expect_answer(ledger.begin(undo()), StepOutcome::kVoid);
  expect_answer(ledger.begin(step()), StepOutcome::kVoid);
}

TEST(Ledger, UndoesWhatTheProcessBeforeMayHaveBegun) {
  Ledger ledger(at(9'000));
  EXPECT_EQ(ledger.begin(undo()).ruling, Ruling::kCarryOut);
  expect_answer(ledger.begin(step()), StepOutcome::kVoid);
}

TEST(Ledger, AnUndoThatIsHeldBackDoesNotPassForOneThatHadNothingToDo) {
  for (int rule = 0; rule < 3; ++rule) {
    Ledger ledger(kStarted);
    ledger.begin(step());
    ledger.ended(kStep, {StepOutcome::kDone, {}, ""});
    StepFacts held = undo();
    if (rule == 0) held.now = held.not_after + Duration::milliseconds(1);
    if (rule == 1) held.epoch = {2};
    if (rule == 2) held.killed = true;
    expect_answer(ledger.begin(held), StepOutcome::kFailed);
    // The next try at it is judged by itself.
    EXPECT_EQ(ledger.begin(undo({7, 12, 0, 2, true})).ruling, Ruling::kCarryOut);
  }
}

TEST(Ledger, IsBoundedAndForgetsAsIfItHadBegunAgain) {
  Ledger ledger(kStarted, 8);
  for (uint64_t n = 1; n <= 100; ++n) {
    StepFacts one = step({n, n, 0, 1, false});
    one.intended = at(10'000 + static_cast<int64_t>(n));
    EXPECT_EQ(ledger.begin(one).ruling, Ruling::kCarryOut);
    EXPECT_TRUE(ledger.ended(one.id, {StepOutcome::kDone, {}, ""}));
    EXPECT_LE(ledger.size(), 8u);
  }
  StepFacts first = step({1, 1, 0, 1, false});
  first.intended = at(10'001);
  expect_answer(ledger.begin(first), StepOutcome::kLost);
  StepFacts back = undo({2, 2, 0, 1, true});
  back.voids = StepId{2, 2, 0, 1, false};
  back.voided_intended = at(10'002);
  EXPECT_EQ(ledger.begin(back).ruling, Ruling::kCarryOut);
}

TEST(Ledger, BeginsNothingMoreWhileAllOfItIsUnderWay) {
  Ledger ledger(kStarted, 4);
  std::size_t begun = 0;
  for (uint64_t n = 1; n <= 10; ++n)
    begun += ledger.begin(step({n, n, 0, 1, false})).ruling == Ruling::kCarryOut;
  EXPECT_EQ(begun, 3u);
  EXPECT_EQ(ledger.under_way(), 3u);
  ledger.ended({1, 1, 0, 1, false}, {StepOutcome::kDone, {}, ""});
  EXPECT_EQ(ledger.begin(step({1, 1, 0, 1, false})).ruling, Ruling::kAnswer);
}

// Every command is sent several times and arrives in any order, also to a process that began in
// between, and with a memory far too small.
TEST(Ledger, CarriesEachOutAtMostOnceAndNeverAfterItsUndo) {
  std::size_t carried = 0, undone = 0;
  for (uint32_t seed = 1; seed <= 2'000; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](uint32_t bound) { return static_cast<int64_t>(random() % bound); };
    std::vector<StepFacts> commands;
    for (uint64_t n = 1; n <= 12; ++n) {
      const StepId id{n, n, 0, 1, false}, back{n, n, 0, 1, true};
      const auto intended = at(5'000 + 1'000 * static_cast<int64_t>(n));
      StepFacts one{id, intended + Duration::seconds(30), {3}, {}, intended, {}, false, {}};
      StepFacts other{
          back, one.not_after + Duration::seconds(9), {3}, id, one.not_after, intended, false, {}};
      for (int64_t copies = 1 + draw(3); copies > 0; --copies) commands.push_back(one);
      for (int64_t copies = draw(3); copies > 0; --copies) commands.push_back(other);
    }
    std::shuffle(commands.begin(), commands.end(), random);
    const std::size_t small = 6 + static_cast<std::size_t>(draw(40));
    Ledger ledger(kStarted, small);
    std::map<StepId, int> count;
    std::set<StepId> undoing, running;
    const auto restart = static_cast<std::size_t>(draw(200));
    WallTime now = at(17'000);
    for (std::size_t i = 0; i < commands.size(); ++i) {
      now = now + Duration::milliseconds(draw(300));
      if (i == restart) {
        // Whatever was intended up to now may have been done.
        ledger = Ledger(at(60'000), small);
        running.clear();
      }
      StepFacts told = commands[i];
      told.now = now;
      told.epoch = {static_cast<uint64_t>(2 + draw(2))};
      told.killed = draw(20) == 0;
      if (draw(6) == 0) told.intended.reset();
      const Ruled ruled = ledger.begin(told);
      ASSERT_LE(ledger.size(), small);
      if (ruled.ruling == Ruling::kCarryOut) {
        ASSERT_EQ(++count[told.id], 1) << seed << ": " << to_text(told.id);
        ASSERT_FALSE(undoing.contains(told.id)) << seed << ": " << to_text(told.id);
        running.insert(told.id);
        (told.voids ? undone : carried) += 1;
      }
      // An undo has taken effect once it was begun, or answered that there is nothing to do.
      if (told.voids &&
          (ruled.ruling == Ruling::kCarryOut ||
           (ruled.ruling == Ruling::kAnswer && ruled.answer.outcome == StepOutcome::kVoid))) {
        undoing.insert(*told.voids);
        ASSERT_FALSE(running.contains(*told.voids)) << seed;
        // "Nothing to undo" is true.
        if (ruled.ruling == Ruling::kAnswer) {
          ASSERT_EQ(count[*told.voids], 0) << seed;
        }
      }
      while (!running.empty() && draw(3) != 0) {
        ASSERT_TRUE(ledger.ended(*running.begin(), {StepOutcome::kDone, {}, ""}));
        running.erase(running.begin());
      }
    }
  }
  EXPECT_GT(carried, 1'000u);
  EXPECT_GT(undone, 100u);
}

}  // namespace
}  // namespace holdfast::orchestrator::remediation
