#include <gtest/gtest.h>

#include <set>

#include "messages/remediation.hpp"
#include "tests/enumerators.hpp"

namespace holdfast {
namespace {

using telemetry::Metric;

TEST(MetricCatalogue, NamesEveryMetricOnceInItsDomainsRange) {
  std::set<std::string_view> names;
  uint16_t last = 0;
  for (const auto& info : telemetry::metrics()) {
    const auto code = static_cast<uint16_t>(info.metric);
    EXPECT_GT(code, last) << info.name;
    last = code;
    EXPECT_EQ(code / 100, static_cast<int>(info.domain)) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(telemetry::find_metric(code), &info);
    EXPECT_EQ(telemetry::find_metric(info.name), &info);
  }
  const auto all = tests::enumerators<Metric, 600>();
  EXPECT_EQ(all.size(), telemetry::metrics().size());
  EXPECT_EQ(telemetry::find_metric(uint16_t{99}), nullptr);
  EXPECT_EQ(telemetry::find_metric("system.cpu.made_up"), nullptr);
}

TEST(FaultClasses, HaveNamesThatLeadBackAndADomain) {
  EXPECT_GE(fault_classes().size(), 20u);
  for (const auto fault : fault_classes()) {
    EXPECT_NE(to_text(fault), "invalid");
    EXPECT_EQ(fault_class_of(to_text(fault)), fault);
    EXPECT_NE(to_text(domain_of(fault)), "invalid");
  }
  const auto all = tests::enumerators<FaultClass, 600>();
  EXPECT_EQ(all.size(), fault_classes().size() + 1);
  EXPECT_EQ(fault_class_of("made_up"), FaultClass::kNone);
}

TEST(ActionKinds, HaveNamesThatLeadBack) {
  const auto all = tests::enumerators<ActionKind>();
  EXPECT_EQ(all.size(), kActionKinds + 1u);
  for (const auto& each : all) {
    ActionKind back = ActionKind::kHaltVenue;
    ASSERT_TRUE(parse_action_kind(to_text(each.value), back)) << each.name;
    EXPECT_EQ(back, each.value);
  }
  ActionKind none = ActionKind::kPage;
  EXPECT_FALSE(parse_action_kind("place_order", none));
  EXPECT_FALSE(parse_action_kind("invalid", none));
}

}  // namespace
}  // namespace holdfast
