// What is deferred to the very end of a turn comes after all that the turn still led to.
#include <gtest/gtest.h>

#include "supervision/runtime/hot_loop_linux.hpp"

namespace holdfast {
namespace {

TEST(DeferLast, ComesAfterEverythingThatTheTurnLedTo) {
  HotLoop loop;
  std::string order;
  loop.post([&] {
    loop.defer_last([&] { order += 'L'; });
    loop.defer([&] {
      order += 'a';
      loop.post([&] {
        order += 'b';
        loop.defer([&] { order += 'c'; });
      });
    });
  });
  loop.turn();
  EXPECT_EQ(order, "abcL");
}

TEST(DeferLast, WhatItLeadsToRunsInTheSameTurn) {
  HotLoop loop;
  std::string order;
  loop.post([&] {
    loop.defer_last([&] {
      order += 'L';
      loop.defer([&] { order += 'd'; });
      loop.defer_last([&] { order += 'M'; });
    });
  });
  loop.turn();
  EXPECT_EQ(order, "LdM");
}

TEST(DeferLast, OutsideATurnItWakesTheLoop) {
  HotLoop loop;
  int ran = 0;
  loop.defer_last([&] { ++ran; });
  loop.turn();
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace holdfast
