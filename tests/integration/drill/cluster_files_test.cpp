#include "nodes/drill/cluster_files_linux.hpp"

#include <gtest/gtest.h>

#include <set>

namespace holdfast::drill {
namespace {

constexpr const char* kTemplate = R"([cluster]
name = "drill"
arbiter = "embedded"
arbiter_directory = "x"

[[member]]
id = 1
name = "a"
replication = "127.0.0.1:1"
order_entry = "127.0.0.1:2"
operator = "127.0.0.1:3"
state_directory = "x"

[[member]]
id = 2
name = "b"
replication = "127.0.0.1:4"
)";

TEST(DrillFiles, MembersAreThoseOfTheTemplate) {
  EXPECT_EQ(members_in(kTemplate), (std::vector<std::string>{"a", "b"}));
}

TEST(DrillFiles, EachMemberGetsItsPlaces) {
  Places places;
  places.folder = "/f";
  places.replication = {{"a", 11}, {"b", 12}};
  places.order_entry = {{"a", 13}};
  places.operator_api = {{"a", 14}};
  const auto text = rewrite_cluster(kTemplate, places);
  for (const char* line :
       {"arbiter_directory = \"/f/arbiter\"", "state_directory = \"/f/a\"",
        "replication = \"127.0.0.1:11\"", "replication = \"127.0.0.1:12\"",
        "order_entry = \"127.0.0.1:13\"", "operator = \"127.0.0.1:14\"", "name = \"drill\""})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  EXPECT_EQ(text.find("mesh"), std::string::npos);
  places.mesh = {{"a", 15}};
  EXPECT_NE(rewrite_cluster(kTemplate, places).find("mesh = \"127.0.0.1:15\""), std::string::npos);
}

TEST(DrillFiles, EtcdTakesThePlaceOfTheFolder) {
  Places places;
  places.folder = "/f";
  places.etcd = {21, 22, 23};
  const auto text = rewrite_cluster(kTemplate, places);
  EXPECT_EQ(text.find("arbiter_directory"), std::string::npos);
  EXPECT_NE(text.find("arbiter = \"etcd\""), std::string::npos);
  EXPECT_NE(text.find("endpoints = [\"127.0.0.1:21\", \"127.0.0.1:22\", \"127.0.0.1:23\"]"),
            std::string::npos);
}

TEST(DrillFiles, OnlyTheHeartbeatChanges) {
  EXPECT_EQ(rewrite_heartbeat("port = 1\nheartbeat_interval = \"5s\"  # x\n", 1),
            "port = 1\nheartbeat_interval = \"1s\"\n");
}

TEST(DrillFiles, PortsAreDifferentOnes) {
  const auto ports = free_ports(40);
  ASSERT_TRUE(ports.ok());
  EXPECT_EQ(std::set<uint16_t>(ports.value().begin(), ports.value().end()).size(), 40u);
}

}  // namespace
}  // namespace holdfast::drill
