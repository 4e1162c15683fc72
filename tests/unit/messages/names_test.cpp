// Every enumerator that people or machines read has a name that is its own, and every reason has
// words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "messages/execution.hpp"
#include "messages/order.hpp"
#include "messages/order_entry.hpp"
#include "messages/venue_exchange.hpp"
#include "tests/enumerators.hpp"

namespace holdfast {
namespace {

using tests::enumerators;

TEST(Enumerators, FindsThemAllAndNothingElse) {
  const auto sides = enumerators<Side>();
  ASSERT_EQ(sides.size(), 2u);
  EXPECT_EQ(sides[0].name, "kBuy");
  EXPECT_EQ(sides[1].value, Side::kSell);
  EXPECT_EQ(enumerators<TimeInForce>().size(), 4u);
}

TEST(Names, ReasonsAreSpeltAsTheirEnumerator) {
  const auto reasons = enumerators<Reason>();
  ASSERT_GT(reasons.size(), 40u);
  for (const auto& [reason, name] : reasons) EXPECT_EQ("k" + std::string(name_of(reason)), name);
}

TEST(Names, EveryReasonHasWordsOfItsOwn) {
  std::set<std::string_view> seen;
  for (const auto& [reason, name] : enumerators<Reason>()) {
    const auto words = words_of(reason);
    EXPECT_NE(words, "an unknown reason") << name;
    EXPECT_GE(words.size(), 8u) << name;
    EXPECT_TRUE(ReasonText::parse(words).ok()) << name;
    EXPECT_TRUE(seen.insert(words).second) << name << " shares its words: " << words;
  }
}

TEST(Names, AReasonFromOutsideTheEnumIsNamedSo) {
  EXPECT_EQ(name_of(static_cast<Reason>(9999)), "Unknown");
  EXPECT_EQ(words_of(static_cast<Reason>(9999)), "an unknown reason");
}

// Names that are the enumerator's own spelling.
template <typename Enum>
class SpeltNames : public testing::Test {};
using Spelt = testing::Types<OrderState, Side, OrderType, TimeInForce, ExecType, VenueReportKind,
                             VenueSessionState>;
TYPED_TEST_SUITE(SpeltNames, Spelt);

TYPED_TEST(SpeltNames, AreTheEnumeratorsWithoutTheirK) {
  const auto all = enumerators<TypeParam>();
  ASSERT_GE(all.size(), 2u);
  for (const auto& [value, name] : all) EXPECT_EQ("k" + std::string(name_of(value)), name);
}

// Names that have a spelling of their own (as configuration and JSON write them).
template <typename Enum>
class OwnNames : public testing::Test {};
using Own = testing::Types<Durability, KillScope, KillMode>;
TYPED_TEST_SUITE(OwnNames, Own);

TYPED_TEST(OwnNames, AreSetAndDistinct) {
  std::set<std::string_view> seen;
  for (const auto& [value, name] : enumerators<TypeParam>()) {
    EXPECT_THAT(name_of(value), testing::Not(testing::AnyOf("", "invalid", "Invalid"))) << name;
    EXPECT_TRUE(seen.insert(name_of(value)).second) << name;
  }
  EXPECT_GE(seen.size(), 2u);
}

TEST(OrderStates, AreTerminalFromBlockedOn) {
  for (const auto& [state, name] : enumerators<OrderState>()) {
    const bool done = name == "kBlocked" || name == "kRejected" || name == "kFilled" ||
                      name == "kCancelled" || name == "kExpired" || name == "kNotSent";
    EXPECT_EQ(is_terminal(state), done) << name;
  }
}

// The journal of a deployment depends on where an account's orders live.
TEST(Shards, AnAccountStaysInItsShardForEver) {
  EXPECT_EQ(shard_of("", 1u << 31), 0xcbf29ce484222325ull % (1u << 31));
  EXPECT_EQ(shard_of("a", 1u << 31), 0xaf63dc4c8601ec8cull % (1u << 31));  // FNV-1a of "a"
  EXPECT_EQ(shard_of("foobar", 7), 0x85944171f73967e8ull % 7);             // and of "foobar"
  EXPECT_EQ(shard_of("ACC-1", 1), 0u);
}

TEST(OrderRequests, NameTheAccountOfAnyBody) {
  OrderRequest request;
  NewOrder order;
  order.account = "A1";
  request.body = order;
  EXPECT_EQ(account_of(request), Account("A1"));
  MassCancel cancel;
  cancel.account = "A2";
  request.body = cancel;
  EXPECT_EQ(account_of(request), Account("A2"));
}

}  // namespace
}  // namespace holdfast
