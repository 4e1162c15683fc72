// cluster.toml: what it fills, what it refuses, and that the clusters we ship load.
#include "tests/source_path.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

namespace holdfast::settings {
namespace {

using replication::MemberConfig;
using replication::Role;
using replication::Unprotected;

constexpr const char* kCluster = R"([cluster]
name = "demo"
arbiter = "embedded"
arbiter_directory = "/tmp/arbiter"
[[member]]
id = 1
name = "n"
replication = "127.0.0.1:9301"
order_entry = "127.0.0.1:7001"
[[member]]
id = 2
name = "m"
replication = "127.0.0.1:9302"
order_entry = "127.0.0.1:7002"
)";

class ClusterFile : public SettingsFiles {
 protected:
  void SetUp() override {
    SettingsFiles::SetUp();
    write("cluster.toml", kCluster);
  }
  void spoil_cluster(const std::string& from, const std::string& to) {
    spoil("cluster.toml", kCluster, from, to);
  }
  const ClusterSettings& cluster() const { return settings_.cluster.value(); }
};

TEST_F(SettingsFiles, WithoutAClusterFileANodeIsByItself) {
  EXPECT_EQ(problems(), "");
  EXPECT_FALSE(settings_.cluster.has_value());
  EXPECT_EQ(settings_.self(), nullptr);
}

TEST_F(ClusterFile, FillsMembersAndDefaults) {
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(cluster().name, "demo");
  EXPECT_EQ(cluster().arbiter_directory, "/tmp/arbiter");
  EXPECT_FALSE(cluster().etcd.has_value());
  EXPECT_EQ(cluster().unprotected, Unprotected::kHalt);
  EXPECT_EQ(cluster().limits.beat, Duration::milliseconds(10));
  EXPECT_EQ(cluster().limits.suspect, Duration::milliseconds(200));
  ASSERT_EQ(cluster().members.size(), 2u);
  EXPECT_EQ(cluster().members[1].id, MemberId{2});
  EXPECT_EQ(cluster().members[1].role, Role::kSync);
  EXPECT_EQ(to_text(cluster().members[1].replication), "127.0.0.1:9302");
  EXPECT_EQ(to_text(cluster().members[1].order_entry), "127.0.0.1:7002");
  ASSERT_NE(settings_.self(), nullptr);
  EXPECT_EQ(settings_.self()->id, MemberId{1});
  const std::vector<MemberConfig> as_listed = {{MemberId{1}, Role::kSync},
                                               {MemberId{2}, Role::kSync}};
  EXPECT_EQ(cluster().members_of(GroupId{1}), as_listed);
  EXPECT_EQ(cluster().unprotected_of(GroupId{1}), Unprotected::kHalt);
}

TEST_F(ClusterFile, GroupsOverridePreferenceAndWhatHappensUnprotected) {
  write("cluster.toml", std::string(kCluster) + R"([[group]]
name = "venues/XSIM"
prefer = ["m"]
unprotected = "continue"
[[group]]
name = "orders/0"
)");
  EXPECT_EQ(problems(), "");
  const std::vector<MemberConfig> preferred = {{MemberId{2}, Role::kSync},
                                               {MemberId{1}, Role::kSync}};
  EXPECT_EQ(cluster().members_of(GroupId{1001}), preferred);
  EXPECT_EQ(cluster().unprotected_of(GroupId{1001}), Unprotected::kContinue);
  EXPECT_EQ(cluster().members_of(GroupId{1})[0].member, MemberId{1});
  EXPECT_EQ(cluster().unprotected_of(GroupId{1}), Unprotected::kHalt);
}

TEST_F(ClusterFile, ANodeTakesThePortsAndTheFolderThatTheClusterNames) {
  write("node.toml", std::string(kNode) + "[ingress]\nport = 0\n[operator_api]\nport = 0\n");
  write("cluster.toml",
        std::string(kCluster) + "operator = \"127.0.0.1:9782\"\nstate_directory = \"/tmp/m\"\n");
  Overrides overrides;
  overrides.node_name = "m";
  overrides.ingress_port = 0;
  EXPECT_EQ(problems(overrides), "");
  ASSERT_NE(settings_.self(), nullptr);
  EXPECT_EQ(settings_.self()->id, MemberId{2});
  EXPECT_EQ(settings_.node.ingress.listen.port, 7002);
  EXPECT_EQ(settings_.node.operator_api.listen.port, 9782);
  EXPECT_EQ(settings_.node.state_directory, "/tmp/m");
  overrides.state_directory = "/tmp/other";
  overrides.ingress_port = 7100;
  EXPECT_EQ(problems(overrides), "");
  EXPECT_EQ(settings_.node.state_directory, "/tmp/other");
  EXPECT_EQ(settings_.node.ingress.listen.port, 7100);
}

TEST_F(ClusterFile, ANodeThatIsNoMemberIsRefused) {
  Overrides overrides;
  overrides.node_name = "colo-a";
  EXPECT_EQ(problems(overrides),
            "cluster.toml: no [[member]] is named like this node, \"colo-a\"\n");
  overrides.node_name = "";
  EXPECT_EQ(problems(overrides),
            "node name override: expected 1 to 32 printable ASCII characters, found \"\"\n");
}

TEST_F(ClusterFile, LimitsStandInTheirOrder) {
  spoil_cluster("[[member]]\nid = 1",
                "[cluster.limits]\nbeat = \"34ms\"\neject = \"100ms\"\nsuspect = \"100ms\"\n"
                "[[member]]\nid = 1");
  EXPECT_EQ(
      problems(),
      R"(cluster.toml:6:8: beat: three beats must fit into egress_hold; 34ms * 3 is more than 100ms
cluster.toml:7:9: eject: must be longer than egress_hold, so that a leader holds its venue's bytes before it gives up on a member; 100ms is not more than 100ms
cluster.toml:8:11: suspect: must be longer than eject, so that a leader lets go of a silent member before members suspect the leader; 100ms is not more than 100ms
)");
  spoil_cluster("[[member]]\nid = 1",
                "[cluster.limits]\negress_hold = \"49ms\"\n[[member]]\nid = 1");
  EXPECT_THAT(problems(), testing::HasSubstr("cluster.toml:6:15: egress_hold: expected a time"));
  spoil_cluster("[[member]]\nid = 1",
                "[cluster.limits]\negress_hold = \"50ms\"\neject = \"60ms\"\nsuspect = \"70ms\"\n"
                "[[member]]\nid = 1");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(cluster().limits.eject, Duration::milliseconds(60));
}

TEST_F(ClusterFile, LongFoldersThatDifferAtTheirEndAreTwo) {
  const std::string folder = "state_directory = \"/" + std::string(70, 'd');
  std::string text = kCluster;
  text.insert(text.find("[[member]]\nid = 2"), folder + "/a\"\n");
  write("cluster.toml", text + folder + "/b\"\n");
  EXPECT_EQ(problems(), "");
}

TEST_F(ClusterFile, MembersShareNothing) {
  write("cluster.toml", std::string(kCluster) + R"([[member]]
id = 2
name = "n"
replication = "127.0.0.1:9301"
order_entry = "127.0.0.1:9302"
)");
  EXPECT_EQ(problems(),
            "cluster.toml:16:6: id: 2 is already that of \"m\"\n"
            "cluster.toml:17:8: name: \"n\" is already taken\n"
            "cluster.toml:18:15: replication: 127.0.0.1:9301 is already that of \"n\"\n"
            "cluster.toml:19:15: order_entry: 127.0.0.1:9302 is already that of \"m\"\n");
}

TEST_F(ClusterFile, AddressesNeedHostAndPort) {
  for (const std::string bad :
       {"127.0.0.1", "127.0.0.1:0", ":9301", "127.0.0.1:65536", "::1:9301", "http://h:1", "h:1x"}) {
    spoil_cluster("\"127.0.0.1:9301\"", "\"" + bad + "\"");
    EXPECT_EQ(problems(),
              "cluster.toml:8:15: replication: expected HOST:PORT or [IPV6]:PORT with a port from "
              "1 to 65535, found text \"" +
                  bad + "\"\n");
  }
  spoil_cluster("\"127.0.0.1:9301\"", "\"[::1]:9301\"");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(cluster().members[0].replication.address, "::1");
  EXPECT_EQ(to_text(cluster().members[0].replication), "[::1]:9301");
}

TEST_F(ClusterFile, OutsideLoopbackCertificatesAndEtcdAreDemanded) {
  spoil_cluster("127.0.0.1:9302", "10.0.0.2:9302");
  EXPECT_EQ(problems(),
            "cluster.toml:1:1: the embedded arbiter serves members on one machine, these are on 2; "
            "take arbiter = \"etcd\"\n"
            "cluster.toml:13:15: replication: outside loopback members prove themselves by "
            "certificates; add [cluster.tls] with ca, certificate and key\n");
}

TEST_F(ClusterFile, TheMeshIsOnLoopbackOrHasCertificates) {
  const std::string at = "order_entry = \"127.0.0.1:7002\"\n";
  spoil_cluster(at, at + "mesh = \"127.0.0.1:9872\"\n");
  EXPECT_EQ(problems(), "");
  spoil_cluster(at, at + "mesh = \"10.0.0.2:9872\"\n");
  EXPECT_EQ(problems(),
            "cluster.toml:15:8: mesh: outside loopback members prove themselves by certificates; "
            "add [cluster.tls] with ca, certificate and key\n");
  spoil_cluster(at, at + "mesh = \"10.0.0.2:9872\"\n[cluster.tls]\nca = \"ca.pem\"\n"
                         "certificate = \"c.pem\"\nkey = \"k.pem\"\n");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(to_text(cluster().members[1].mesh.value()), "10.0.0.2:9872");
}

TEST_F(ClusterFile, EtcdIsReadAndItsPairsAreWhole) {
  const std::string etcd =
      "arbiter = \"etcd\"\n[cluster.etcd]\nendpoints = [\"10.0.0.1:2379\", \"127.0.0.1:2379\"]\n";
  const std::string embedded = "arbiter = \"embedded\"\narbiter_directory = \"/tmp/arbiter\"\n";
  spoil_cluster(embedded, etcd + "ca = \"ca.pem\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n");
  EXPECT_EQ(problems(), "");
  ASSERT_TRUE(cluster().etcd.has_value());
  EXPECT_THAT(cluster().etcd->endpoints, testing::ElementsAre("10.0.0.1:2379", "127.0.0.1:2379"));
  EXPECT_EQ(cluster().etcd->ca, "ca.pem");
  spoil_cluster(embedded, etcd + "user = \"u\"\ncertificate = \"c.pem\"\n");
  EXPECT_EQ(problems(),
            R"(cluster.toml:5:13: endpoints: outside loopback etcd is spoken to by TLS only; add ca
cluster.toml:6:8: user: needs password_file beside it
cluster.toml:7:15: certificate: needs key beside it
cluster.toml:7:15: certificate: without ca nothing is encrypted; add ca
)");
  spoil_cluster(embedded, "arbiter = \"etcd\"\n");
  EXPECT_EQ(problems(),
            "cluster.toml:3:11: arbiter: \"etcd\" needs the table [cluster.etcd] with endpoints\n");
  spoil_cluster(embedded, "arbiter = \"embedded\"\n[cluster.etcd]\nendpoints = []\n");
  EXPECT_EQ(problems(),
            "cluster.toml:3:11: arbiter: \"embedded\" needs arbiter_directory, a folder that all "
            "members on this machine share\n"
            "cluster.toml:4:1: [cluster.etcd] is there, but arbiter is \"embedded\"\n");
}

TEST_F(ClusterFile, GroupsThatAreNotThereGetTheNearestName) {
  write("cluster.toml", std::string(kCluster) + R"([[group]]
name = "venues/XSMI"
prefer = ["m", "nn"]
[[group]]
name = "orders/1"
unprotected = "stop"
[[group]]
name = "orders/0"
[[group]]
name = "orders/0"
prefered = ["m"]
)");
  EXPECT_EQ(problems(),
            R"(cluster.toml:16:8: name: there is no group "venues/XSMI"; did you mean "venues/XSIM"?
cluster.toml:17:10: prefer: there is no [[member]] "nn"; did you mean "n"?
cluster.toml:19:8: name: there is no group "orders/1"; did you mean "orders/0"?
cluster.toml:20:15: unprotected: expected one of "continue" "halt", found text "stop"
cluster.toml:24:8: name: the group "orders/0" is there twice
cluster.toml:25:1: unknown key "prefered" in [[group]] orders/0; did you mean "prefer"?
)");
}

TEST_F(ClusterFile, LearnersLeadByForceOnly) {
  spoil_cluster("name = \"m\"", "name = \"m\"\nrole = \"learner\"");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(cluster().members[1].role, Role::kLearner);
  write("cluster.toml", std::string(kCluster) +
                            "role = \"learner\"\n[[group]]\nname = \"orders/0\"\n"
                            "prefer = [\"m\"]\n");
  EXPECT_EQ(problems(),
            "cluster.toml:18:10: prefer: \"m\" is a learner, which leads by force only\n");
  spoil_cluster("name = \"n\"\n", "name = \"n\"\nrole = \"learner\"\n");
  const auto with_one = problems();
  EXPECT_EQ(with_one, "");
  std::string none = std::string(kCluster) + "role = \"learner\"\n";
  none.replace(none.find("name = \"n\"\n"), 11, "name = \"n\"\nrole = \"learner\"\n");
  write("cluster.toml", none);
  EXPECT_EQ(problems(),
            "cluster.toml:5:1: all members are learners, so none could lead; make one \"sync\"\n");
}

TEST_F(ClusterFile, UnknownKeysAndMissingPartsAreProblems) {
  write("cluster.toml", "[cluster]\nname = \"a b\"\narbitre = \"etcd\"\n");
  EXPECT_EQ(problems(),
            R"(cluster.toml: needs at least one [[member]]
cluster.toml:1:1: [cluster] needs the key "arbiter": one of "embedded" "etcd"
cluster.toml:1:1: arbiter: "embedded" needs arbiter_directory, a folder that all members on this machine share
cluster.toml:2:8: name: expected 1 to 32 of letters, digits, '.', '_' and '-', found text "a b"
cluster.toml:3:1: unknown key "arbitre" in [cluster]; did you mean "arbiter"?
)");
  fs::remove(folder_ + "/cluster.toml");
  fs::create_symlink("nowhere", folder_ + "/cluster.toml");
  EXPECT_EQ(problems(), "cluster.toml: cannot be read: No such file or directory\n");
}

TEST(ClusterSettings, WhatWeShipLoadsForEveryMember) {
  for (const std::string folder : {"config/cluster/default", "config/cluster/drill"}) {
    for (const char* member : {"colo-a", "colo-b", "cloud-c"}) {
      Problems found;
      Overrides overrides;
      overrides.node_name = member;
      const auto settings = load_settings(tests::source_path(folder), overrides, found);
      EXPECT_EQ(found.str(), "");
      ASSERT_NE(settings.self(), nullptr) << folder;
      EXPECT_EQ(settings.self()->name, member);
      EXPECT_EQ(settings.self()->role == Role::kSync,
                folder.ends_with("drill") || settings.self()->name != "cloud-c");
    }
  }
}

}  // namespace
}  // namespace holdfast::settings
