#include "actors/ingress/credentials_linux.hpp"

#include <gtest/gtest.h>

#include <set>

namespace holdfast::ingress {
namespace {

Settings two_clients(const std::string& first, const std::string& second) {
  Settings settings;
  ClientEntry one, two;
  one.id = ClientId("one");
  one.credential_sha256 = hash_credential(first).value();
  two.id = ClientId("two");
  two.credential_sha256 = hash_credential(second).value();
  settings.clients = {one, two};
  return settings;
}

TEST(Credentials, AreRandomAndOf64Digits) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto credential = make_credential();
    EXPECT_EQ(credential.size(), 64u);
    EXPECT_TRUE(hash_credential(credential).ok());
    seen.insert(credential);
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Credentials, HashIsSha256OfTheBytes) {
  // sha256 of 32 zero bytes
  const auto hash = hash_credential(std::string(64, '0'));
  ASSERT_TRUE(hash.ok());
  EXPECT_EQ(format_hash(hash.value()),
            "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

TEST(Credentials, HashesReadBackAsTheyAreSpelt) {
  const auto hash = hash_credential(make_credential()).value();
  EXPECT_EQ(parse_hash(format_hash(hash)).value(), hash);
  for (const std::string& bad : {std::string(), std::string(63, 'a'), std::string(65, 'a'),
                                 std::string(63, 'a') + "g", std::string(64, '\xff')}) {
    EXPECT_FALSE(parse_hash(bad).ok());
    EXPECT_FALSE(hash_credential(bad).ok());
  }
}

TEST(Credentials, UpperCaseDigitsAreTheSameCredential) {
  EXPECT_EQ(hash_credential(std::string(64, 'a')).value(),
            hash_credential(std::string(64, 'A')).value());
}

TEST(Credentials, EveryBitCounts) {
  const auto hash = hash_credential(make_credential()).value();
  EXPECT_TRUE(equal(hash, hash));
  for (std::size_t byte = 0; byte < hash.size(); ++byte)
    for (int bit = 0; bit < 8; ++bit) {
      auto other = hash;
      other[byte] ^= static_cast<uint8_t>(1 << bit);
      EXPECT_FALSE(equal(hash, other)) << byte << " " << bit;
    }
}

TEST(Credentials, ProveTheClientTheyBelongToAndNoOther) {
  const auto first = make_credential(), second = make_credential();
  const auto settings = two_clients(first, second);
  EXPECT_EQ(authenticate(settings, "one", first), &settings.clients[0]);
  EXPECT_EQ(authenticate(settings, "two", second), &settings.clients[1]);
  EXPECT_EQ(authenticate(settings, "one", second), nullptr);
  EXPECT_EQ(authenticate(settings, "three", first), nullptr);
  EXPECT_EQ(authenticate(settings, "", ""), nullptr);
  EXPECT_EQ(authenticate(settings, "one", ""), nullptr);
  EXPECT_EQ(authenticate(settings, "one", first.substr(1)), nullptr);
}

TEST(Credentials, AnUnsetHashIsProvedByNothing) {
  Settings settings;
  ClientEntry entry;
  entry.id = ClientId("one");  // hash all zero, as of a malformed credential
  settings.clients = {entry};
  EXPECT_EQ(authenticate(settings, "one", "not hexadecimal"), nullptr);
  EXPECT_EQ(authenticate(settings, "one", ""), nullptr);
}

}  // namespace
}  // namespace holdfast::ingress
