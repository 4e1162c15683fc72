// What the etcd engine guarantees when members of the cluster die, stop, or demand credentials.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "messages/limits.hpp"
#include "tests/conformance/arbiter/engines.hpp"

namespace holdfast::tests {
namespace {

using namespace replication;
using testing::HasSubstr;

constexpr GroupId kGroup{3};
constexpr auto kMember = 0;

class EtcdArbiter : public testing::Test {
 protected:
  /// Whatever a test did to the cluster, the next one finds it whole.
  void TearDown() override {
    for (int m = 0; m < cluster().size(); ++m) {
      if (cluster().pid(m) < 0) {
        ASSERT_TRUE(cluster().restart(m).ok());
      }
      cluster().resume(m);
    }
    const auto healthy = cluster().wait_healthy();
    ASSERT_TRUE(healthy.ok()) << healthy.error().text;
  }
  EtcdCluster& cluster() { return EtcdEngine::cluster(); }

  std::unique_ptr<Client> client(Duration deadline) {
    auto settings = engine_.settings();
    settings.deadline = deadline;
    return engine_.client(settings);
  }
  /// One change that must come through, however often it takes: on top of `from`, or of a write of
  /// unknown outcome that arrives late.
  GroupRecord change(Client& client, const GroupRecord& from) {
    auto next = led_by(from, incarnation(1));
    for (int i = 0; i < 400; ++i) {
      const auto result = client.cas(next);
      if (result.outcome == CasOutcome::kWon) return next;
      if (result.outcome != CasOutcome::kLost) continue;
      if (result.current == next) return next;
      next = led_by(result.current.value(), incarnation(1));
    }
    throw std::runtime_error("the change does not come through");
  }

  EtcdEngine engine_;
};

TEST_F(EtcdArbiter, GoesOnWithOneMemberDead) {
  const auto client = engine_.client();
  auto record = first_record(kGroup);
  ASSERT_EQ(client->cas(record).outcome, CasOutcome::kWon);
  for (int m = 0; m < cluster().size(); ++m) {
    cluster().kill(m);
    record = change(*client, record);
    EXPECT_EQ(client->read_at_last(kGroup), record);
    ASSERT_TRUE(cluster().restart(m).ok());
    ASSERT_TRUE(cluster().wait_healthy().ok());
  }
}

TEST_F(EtcdArbiter, GoesOnWhenItsLeaderDies) {
  const auto client = engine_.client();
  auto record = first_record(kGroup);
  ASSERT_EQ(client->cas(record).outcome, CasOutcome::kWon);
  const auto leader = cluster().leader();
  ASSERT_TRUE(leader.has_value());
  cluster().kill(*leader);
  record = change(*client, record);
  EXPECT_EQ(client->read_at_last(kGroup), record);
}

TEST_F(EtcdArbiter, AsksAnotherMemberWhenOneIsStopped) {
  const auto client = engine_.client();
  auto record = first_record(kGroup);
  ASSERT_EQ(client->cas(record).outcome, CasOutcome::kWon);
  const auto leader = cluster().leader();
  ASSERT_TRUE(leader.has_value());
  for (int m = 0; m < cluster().size(); ++m) {
    if (m == *leader) continue;
    cluster().stop(m);
    // Not even late: the next endpoint is asked before the call's deadline.
    record = led_by(record, incarnation(1));
    EXPECT_EQ(client->cas(record).outcome, CasOutcome::kWon);
    EXPECT_EQ(client->read(kGroup).value(), record);
    cluster().resume(m);
  }
}

TEST_F(EtcdArbiter, SaysUnknownWhenTheClusterIsStoppedAndAReadTells) {
  const auto client = this->client(Duration::milliseconds(250));
  auto record = first_record(kGroup);
  while (client->cas(record).outcome != CasOutcome::kWon)
    if (client->read_at_last(kGroup)) break;
  for (int m = 0; m < cluster().size(); ++m) cluster().stop(m);
  const auto next = led_by(record, incarnation(1));
  const auto result = client->cas(next);
  EXPECT_EQ(result.outcome, CasOutcome::kUnknown);
  EXPECT_EQ(result.error.code, ErrorCode::kUnavailable);
  const auto answer = client->read(kGroup);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE((*client)->stats().healthy);
  for (int m = 0; m < cluster().size(); ++m) cluster().resume(m);
  // Either it arrived or it did not; what follows is built on what stands.
  const auto stands = client->read_at_last(kGroup);
  ASSERT_TRUE(stands.has_value());
  EXPECT_TRUE(*stands == record || *stands == next);
  const auto last = change(*client, *stands);
  EXPECT_GE(client->read_at_last(kGroup)->version, last.version);
}

TEST_F(EtcdArbiter, SaysUnknownWithoutAMajorityAndComesBack) {
  const auto client = this->client(Duration::milliseconds(250));
  auto record = first_record(kGroup);
  record = change(*client, [&] {
    while (client->cas(record).outcome != CasOutcome::kWon)
      if (client->read_at_last(kGroup)) break;
    return record;
  }());
  std::optional<GroupRecord> told;
  (*client)->watch(kGroup, [&](const GroupRecord& changed) { told = changed; });
  ASSERT_TRUE(client->loop().run_until([&] { return told == record; }));
  cluster().kill(0);
  cluster().kill(1);
  const auto result = client->cas(led_by(record, incarnation(2)));
  EXPECT_THAT(result.outcome, testing::AnyOf(CasOutcome::kUnknown, CasOutcome::kRefused));
  EXPECT_EQ(result.error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(client->read(kGroup).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(cluster().restart(0).ok());
  const auto stands = client->read_at_last(kGroup);
  ASSERT_TRUE(stands.has_value());
  const auto last = change(*client, *stands);
  ASSERT_TRUE(client->loop().run_until([&] { return told && told->version >= last.version; }));
}

TEST_F(EtcdArbiter, WatchSurvivesEachMembersDeath) {
  const auto client = engine_.client();
  const auto watcher = engine_.client();
  auto record = first_record(kGroup);
  ASSERT_EQ(client->cas(record).outcome, CasOutcome::kWon);
  std::vector<GroupRecord> told;
  (*watcher)->watch(kGroup, [&](const GroupRecord& changed) { told.push_back(changed); });
  const auto heard = [&] { return !told.empty() && told.back() == record; };
  ASSERT_TRUE(watcher->loop().run_until(heard));
  for (int m = 0; m < cluster().size(); ++m) {
    cluster().kill(m);
    record = change(*client, record);
    ASSERT_TRUE(watcher->loop().run_until(heard)) << "member " << m;
    ASSERT_TRUE(cluster().restart(m).ok());
    ASSERT_TRUE(cluster().wait_healthy().ok());
  }
  EXPECT_GE((*watcher)->stats().watch_restarts, 1u);
  for (std::size_t i = 1; i < told.size(); ++i) EXPECT_LT(told[i - 1].version, told[i].version);
}

TEST_F(EtcdArbiter, WatchLeavesAMemberThatIsSilent) {
  auto settings = engine_.settings();
  settings.probe = Duration::milliseconds(100);
  const auto watcher = engine_.client(settings);
  const auto client = engine_.client();
  auto record = first_record(kGroup);
  ASSERT_EQ(client->cas(record).outcome, CasOutcome::kWon);
  std::optional<GroupRecord> told;
  (*watcher)->watch(kGroup, [&](const GroupRecord& changed) { told = changed; });
  ASSERT_TRUE(watcher->loop().run_until([&] { return told == record; }));
  uint64_t restarts = 0;
  for (int m = 0; m < cluster().size(); ++m) {
    cluster().stop(m);
    record = change(*client, record);
    ASSERT_TRUE(watcher->loop().run_until([&] { return told == record; })) << "member " << m;
    // The probe may have told of it: the stream itself is moved as well, if it was there.
    const auto left = [&] { return (*watcher)->stats().watch_restarts > restarts; };
    for (int i = 0; i < 100 && !left(); ++i)
      watcher->loop().run_until(left, std::chrono::milliseconds(10));
    restarts = (*watcher)->stats().watch_restarts;
    cluster().resume(m);
    ASSERT_TRUE(cluster().wait_healthy().ok());
  }
  EXPECT_GE(restarts, 1u);
}

// ---- nobody there, too much asked

TEST_F(EtcdArbiter, RefusesForCertainWhatItCouldNotSend) {
  auto settings = engine_.settings();
  settings.endpoints = {"127.0.0.1:1"};
  settings.deadline = Duration::milliseconds(100);
  const auto client = engine_.client(settings);
  const auto result = client->cas(first_record(kGroup));
  EXPECT_EQ(result.outcome, CasOutcome::kRefused);
  EXPECT_EQ(result.error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(result.error.text, HasSubstr("no endpoint is connected"));
}

TEST_F(EtcdArbiter, RefusesMoreCallsThanMayWait) {
  auto settings = engine_.settings();
  settings.endpoints = {"127.0.0.1:1"};
  const auto client = engine_.client(settings);
  std::size_t answered = 0, full = 0;
  for (std::size_t i = 0; i < limits::kArbiterCallsMax + 10; ++i)
    (*client)->read(kGroup, [&](auto result) {
      ++answered;
      full += !result.ok() && result.error().code == ErrorCode::kFull;
    });
  ASSERT_TRUE(client->loop().run_until([&] { return answered == limits::kArbiterCallsMax + 10; },
                                       std::chrono::seconds(60)));
  EXPECT_EQ(full, 10u);
  EXPECT_EQ((*client)->stats().read_errors, limits::kArbiterCallsMax + 10);
  EXPECT_EQ((*client)->stats().calls_waiting, 0u);
}

TEST_F(EtcdArbiter, KillsNobody) {
  const auto client = engine_.client();
  EXPECT_FALSE((*client)->fences());
  const auto result = client->cas(first_record(kGroup), 0, Victim{incarnation(1), 1, 1});
  EXPECT_EQ(result.outcome, CasOutcome::kRefused);
  EXPECT_THAT(result.error.text, HasSubstr("kills no process"));
}

TEST_F(EtcdArbiter, RefusesSettingsThatCannotWork) {
  const auto refused = [&](auto change) {
    auto settings = engine_.settings();
    change(settings);
    const auto opened = open_etcd_arbiter(settings, [](auto) {});
    return opened.ok() ? std::string("opened") : opened.error().text;
  };
  EXPECT_THAT(refused([](auto& s) { s.endpoints.clear(); }), HasSubstr("no endpoints"));
  EXPECT_THAT(refused([](auto& s) { s.endpoints = {"here"}; }), HasSubstr("not HOST:PORT"));
  EXPECT_THAT(refused([](auto& s) { s.endpoints = {"h:1", "h:1"}; }), HasSubstr("twice"));
  EXPECT_THAT(refused([](auto& s) { s.endpoints = {"https://h:1"}; }), HasSubstr("no CA"));
  EXPECT_THAT(refused([](auto& s) { s.endpoints.assign(10, "h:1"); }), HasSubstr("at most"));
  EXPECT_THAT(refused([](auto& s) { s.ca_file = "/nowhere"; }), HasSubstr("can't be read"));
  EXPECT_THAT(refused([](auto& s) { s.key_file = "/nowhere"; }), HasSubstr("no CA"));
  EXPECT_THAT(refused([](auto& s) { s.cluster = "a/b"; }), HasSubstr("cluster's name"));
  EXPECT_THAT(refused([](auto& s) { s.hedge_after = s.deadline; }), HasSubstr("hedge_after"));
}

// ---- TLS and users, on clusters of their own

TEST(EtcdArbiterTls, TakesTheClustersCertificatesAndNoOthers) {
  const auto started = EtcdCluster::start({.members = 1, .tls = true, .directory = ""});
  ASSERT_TRUE(started.ok()) << started.error().text;
  auto& cluster = *started.value();
  EtcdSettings settings;
  settings.endpoints = {"https://" + cluster.endpoints()[0]};
  settings.cluster = kCluster;
  settings.deadline = Duration::seconds(2);
  settings.ca_file = cluster.file("ca.pem");
  settings.certificate_file = cluster.file("client.pem");
  settings.key_file = cluster.file("client.key");
  const auto ask = [](const EtcdSettings& s) {
    Client client([&](Post post) { return open_etcd_arbiter(s, std::move(post)); });
    return client.cas(first_record(kGroup));
  };
  EXPECT_EQ(ask(settings).outcome, CasOutcome::kWon);
  EXPECT_EQ(ask(settings).outcome, CasOutcome::kLost);
  auto stranger = settings;
  stranger.deadline = Duration::milliseconds(500);
  stranger.ca_file = cluster.file("other-ca.pem");
  EXPECT_EQ(ask(stranger).error.code, ErrorCode::kUnavailable);
  auto nobody = stranger;
  nobody.ca_file = settings.ca_file;
  nobody.certificate_file = nobody.key_file = "";
  EXPECT_EQ(ask(nobody).error.code, ErrorCode::kUnavailable);
  auto plain = nobody;
  plain.ca_file = "";
  plain.endpoints = cluster.endpoints();
  EXPECT_EQ(ask(plain).error.code, ErrorCode::kUnavailable);
}

TEST(EtcdArbiterUsers, TakesTheRightPasswordAndNoOther) {
  const auto started = EtcdCluster::start({.members = 1, .tls = false, .directory = ""});
  ASSERT_TRUE(started.ok()) << started.error().text;
  auto& cluster = *started.value();
  EtcdSettings settings;
  settings.endpoints = cluster.endpoints();
  settings.cluster = kCluster;
  settings.deadline = Duration::seconds(5);
  settings.user = "root";
  settings.password = "right";
  Client before([&](Post post) { return open_etcd_arbiter(settings, std::move(post)); });
  const auto first = before.cas(first_record(kGroup));  // not demanded yet
  EXPECT_EQ(first.outcome, CasOutcome::kWon) << first.error.text;
  for (const auto& [path, json] :
       {std::pair{"/v3/auth/user/add", R"({"name":"root","password":"right"})"},
        {"/v3/auth/role/add", R"({"name":"root"})"},
        {"/v3/auth/user/grant", R"({"user":"root","role":"root"})"},
        {"/v3/auth/enable", "{}"}}) {
    const auto answer = cluster.post(kMember, path, json);
    ASSERT_TRUE(answer.ok()) << answer.error().text;
  }
  // Who was there before fetches a token when one is demanded.
  EXPECT_EQ(before.read(kGroup).value(), first_record(kGroup));
  Client right([&](Post post) { return open_etcd_arbiter(settings, std::move(post)); });
  std::optional<GroupRecord> told;
  right->watch(kGroup, [&](const GroupRecord& changed) { told = changed; });
  const auto next = led_by(first_record(kGroup), incarnation(1));
  const auto second = right.cas(next);
  EXPECT_EQ(second.outcome, CasOutcome::kWon) << second.error.text;
  EXPECT_TRUE(right.loop().run_until([&] { return told == next; }));
  settings.password = "wrong";
  Client wrong([&](Post post) { return open_etcd_arbiter(settings, std::move(post)); });
  EXPECT_EQ(wrong.read(kGroup).error().code, ErrorCode::kDenied);
  EXPECT_EQ(wrong.cas(led_by(next, incarnation(2))).outcome, CasOutcome::kRefused);
  settings.user = "";
  Client nobody([&](Post post) { return open_etcd_arbiter(settings, std::move(post)); });
  EXPECT_EQ(nobody.read(kGroup).error().code, ErrorCode::kDenied);
}

}  // namespace
}  // namespace holdfast::tests
