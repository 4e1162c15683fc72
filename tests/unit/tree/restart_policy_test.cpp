#include "supervision/tree/restart_policy.hpp"

#include <gtest/gtest.h>

#include <random>

namespace holdfast {
namespace {

MonoTime ms(int64_t n) { return MonoTime{} + Duration::milliseconds(n); }

TEST(RestartIntensity, AllowsAsManyAsTheLimitInOnePeriod) {
  RestartIntensity intensity({.restarts = 3, .period = Duration::milliseconds(100)});
  EXPECT_TRUE(intensity.allow(ms(0)));
  EXPECT_TRUE(intensity.allow(ms(10)));
  EXPECT_TRUE(intensity.allow(ms(20)));
  EXPECT_FALSE(intensity.allow(ms(99)));
}

TEST(RestartIntensity, ForgetsWhatIsOlderThanThePeriod) {
  RestartIntensity intensity({.restarts = 1, .period = Duration::milliseconds(100)});
  EXPECT_TRUE(intensity.allow(ms(0)));
  EXPECT_TRUE(intensity.allow(ms(100)));
  EXPECT_FALSE(intensity.allow(ms(150)));
}

TEST(RestartIntensity, AllowsNoneWhenTheLimitIsZero) {
  RestartIntensity intensity({.restarts = 0, .period = Duration::milliseconds(100)});
  EXPECT_FALSE(intensity.allow(ms(0)));
}

TEST(RestartIntensity, StaysBoundedWhenItsOwnerGoesOn) {
  RestartIntensity intensity({.restarts = 2, .period = Duration::seconds(100)});
  for (int i = 0; i < 1'000; ++i) (void)intensity.allow(ms(i));
  EXPECT_LE(intensity.counted(), 3u);
}

const Backoff kNoJitter = {.first = Duration::milliseconds(10),
                           .longest = Duration::milliseconds(100),
                           .jitter_permille = 0,
                           .stable_after = Duration::seconds(1)};

TEST(RestartBackoff, IsImmediateThenDoublesUpToTheLongest) {
  RestartBackoff backoff(kNoJitter);
  for (const int64_t expected : {0, 10, 20, 40, 80, 100, 100, 100})
    EXPECT_EQ(backoff.next({}, 12345).ms(), expected);
}

TEST(RestartBackoff, StartsOverAfterAStableRun) {
  RestartBackoff backoff(kNoJitter);
  (void)backoff.next({}, 0);
  (void)backoff.next({}, 0);
  EXPECT_EQ(backoff.next(Duration::milliseconds(999), 0).ms(), 20);
  EXPECT_EQ(backoff.next(Duration::seconds(1), 0).ms(), 0);
}

TEST(RestartBackoff, StartsOverWhenReset) {
  RestartBackoff backoff(kNoJitter);
  (void)backoff.next({}, 0);
  backoff.reset();
  EXPECT_EQ(backoff.next({}, 0).ms(), 0);
}

TEST(RestartBackoff, JittersWithinItsShareAndNeverAboveTheDelay) {
  Backoff settings = kNoJitter;
  settings.jitter_permille = 500;
  std::mt19937_64 random(1);
  int64_t lowest = INT64_MAX;
  int64_t highest = 0;
  for (int i = 0; i < 10'000; ++i) {
    RestartBackoff backoff(settings);
    (void)backoff.next({}, random());
    const int64_t delay = backoff.next({}, random()).ns;
    lowest = std::min(lowest, delay);
    highest = std::max(highest, delay);
  }
  EXPECT_GE(lowest, Duration::milliseconds(5).ns);
  EXPECT_LT(lowest, Duration::milliseconds(6).ns);
  EXPECT_LE(highest, Duration::milliseconds(10).ns);
  EXPECT_GT(highest, Duration::milliseconds(9).ns);
}

TEST(RestartBackoff, DoesNotOverflow) {
  RestartBackoff backoff({.first = {1}, .longest = {INT64_MAX}, .jitter_permille = 1000});
  for (int i = 0; i < 200; ++i) EXPECT_GE(backoff.next({}, UINT64_MAX - i).ns, 0);
}

TEST(ChildSpec, IsRefusedWithWordsThatSayWhatIsWrong) {
  SupervisorSpec supervisor;
  auto text = [&](ChildSpec spec) {
    const auto result = validate(spec, supervisor);
    return result.ok() ? "" : result.error().text;
  };
  EXPECT_EQ(text({.id = "shard-0"}), "");
  EXPECT_NE(text({.id = ""}).find("1 to 64"), std::string::npos);
  EXPECT_NE(text({.id = "a/b"}).find("1 to 64"), std::string::npos);
  EXPECT_NE(text({.id = std::string(65, 'a')}).find("1 to 64"), std::string::npos);
  EXPECT_NE(text({.id = "a", .shutdown_timeout = {-1}}).find("negative"), std::string::npos);
  EXPECT_NE(text({.id = "a", .significant = true}).find("permanent"), std::string::npos);
  EXPECT_NE(text({.id = "a", .restart = RestartKind::kTransient, .significant = true})
                .find("auto_shutdown"),
            std::string::npos);
}

TEST(SupervisorSpec, IsRefusedWhenItsNumbersMakeNoSense) {
  EXPECT_TRUE(validate(SupervisorSpec{}).ok());
  SupervisorSpec spec;
  spec.intensity.period = {};
  EXPECT_FALSE(validate(spec).ok());
  spec = {};
  spec.backoff.longest = Duration::milliseconds(1);
  EXPECT_FALSE(validate(spec).ok());
  spec = {};
  spec.backoff.jitter_permille = 1001;
  EXPECT_FALSE(validate(spec).ok());
  spec = {};
  spec.backoff.stable_after = {};
  EXPECT_FALSE(validate(spec).ok());
  spec = {};
  spec.kill_grace = {};
  EXPECT_FALSE(validate(spec).ok());
}

}  // namespace
}  // namespace holdfast
