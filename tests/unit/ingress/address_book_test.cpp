// In which order a client tries the addresses that it was given.
#include "actors/ingress/client/address_book.hpp"

#include <gtest/gtest.h>

namespace holdfast::client {
namespace {

AddressBook book(std::string_view text) { return AddressBook::parse(text).value(); }

TEST(AddressBook, OneAddressIsARoundByItself) {
  auto b = book("h:1");
  EXPECT_EQ(b.size(), 1u);
  EXPECT_TRUE(b.next());
  EXPECT_EQ(b.text(), "h:1");
}

TEST(AddressBook, GoesRoundAndPausesAfterEachRound) {
  auto b = book("h:1,[::1]:2,unix:/c");
  std::vector<std::string> order;
  std::vector<bool> pauses;
  for (int i = 0; i < 6; ++i) {
    pauses.push_back(b.next());
    order.push_back(b.text());
  }
  EXPECT_EQ(order,
            (std::vector<std::string>{"[::1]:2", "unix:/c", "h:1", "[::1]:2", "unix:/c", "h:1"}));
  EXPECT_EQ(pauses, (std::vector<bool>{false, false, true, false, false, true}));
  b.next();
  b.reached();
  EXPECT_FALSE(b.next());
  EXPECT_FALSE(b.next());
  EXPECT_TRUE(b.next());
}

TEST(AddressBook, TheLeaderIsNextAndStrangersAreNot) {
  auto b = book("a:1,b:2,c:3");
  b.prefer("c:3");
  EXPECT_FALSE(b.next());
  EXPECT_EQ(b.text(), "c:3");
  EXPECT_FALSE(b.next());  // the hint was for once
  EXPECT_EQ(b.text(), "a:1");
  b.prefer("evil:9");
  b.next();
  EXPECT_EQ(b.text(), "b:2");
}

TEST(AddressBook, TwoThatNameEachOtherStillPause) {
  auto b = book("a:1,b:2,c:3");
  int pauses = 0;
  for (int i = 0; i < 30; ++i) {
    b.prefer(b.text() == "a:1" ? "b:2" : "a:1");
    pauses += b.next() ? 1 : 0;
  }
  EXPECT_EQ(pauses, 10);
}

TEST(AddressBook, JitterStaysAroundThePause) {
  auto b = book("a:1,b:2");
  const auto pause = Duration::milliseconds(2);
  for (int i = 0; i < 1000; ++i) {
    const auto d = b.jitter(pause);
    EXPECT_GE(d.ns, pause.ns / 2);
    EXPECT_LE(d.ns, pause.ns * 3 / 2);
  }
}

TEST(AddressBook, WrongListsAreRefused) {
  for (const char* bad : {"", "a:1,", ",a:1", "a:1,b", "a:1,b:2,a:1"})
    EXPECT_EQ(AddressBook::parse(bad).error().code, ErrorCode::kInvalid) << bad;
  std::string many = "h:1";
  for (int i = 2; i <= 17; ++i) many += ",h:" + std::to_string(i);
  EXPECT_FALSE(AddressBook::parse(many).ok());
}

}  // namespace
}  // namespace holdfast::client
