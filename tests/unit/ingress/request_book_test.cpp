#include "actors/ingress/client/request_book.hpp"

#include <gtest/gtest.h>

#include "actors/ingress/client/transport.hpp"

namespace holdfast::client {
namespace {

RequestBody order(const std::string& id) {
  NewOrder o;
  o.client_order_id = ClientOrderId(id);
  return o;
}
MonoTime at(int64_t ms) { return MonoTime{} + Duration::milliseconds(ms); }
using Numbers = std::vector<uint64_t>;

TEST(RequestBook, GivesRequestsInTheOrderInWhichTheyWereMade) {
  RequestBook book;
  for (const char* id : {"a", "b", "c"}) book.add(order(id), {});
  EXPECT_EQ(book.take(2), (Numbers{1, 2}));
  EXPECT_EQ(book.take(2), (Numbers{3}));
  EXPECT_TRUE(book.take(2).empty());
  EXPECT_EQ(book.sent(), 3u);
  EXPECT_EQ(book.queued(), 0u);
  EXPECT_EQ(std::get<NewOrder>(book.body(2)).client_order_id, ClientOrderId("b"));
}

TEST(RequestBook, AnAnsweredRequestIsOffTheBook) {
  RequestBook book;
  int answered = 0;
  const auto number = book.add(order("a"), [&](const Answer&) { ++answered; });
  book.take(1);
  EXPECT_TRUE(book.under_way(number));
  book.finish(number)(Answer{});
  EXPECT_EQ(answered, 1);
  EXPECT_FALSE(book.under_way(number));
  EXPECT_EQ(book.size(), 0u);
}

TEST(RequestBook, ALostConnectionQueuesEverythingUnansweredAgainInOrder) {
  RequestBook book;
  for (int i = 0; i < 6; ++i) book.add(order("o" + std::to_string(i)), {});
  book.take(4);
  book.finish(2);
  book.ask_again(3, at(50));
  book.requeue();
  EXPECT_EQ(book.sent(), 0u);
  EXPECT_FALSE(book.under_way(1));
  EXPECT_FALSE(book.next_wake());
  EXPECT_EQ(book.take(10), (Numbers{1, 3, 4, 5, 6}));
  EXPECT_TRUE(book.sent_before(1));
  EXPECT_FALSE(book.sent_before(5));
}

TEST(RequestBook, WhatIsToBeAskedAgainWaitsForItsTime) {
  RequestBook book;
  for (const char* id : {"a", "b", "c"}) book.add(order(id), {});
  book.take(3);
  book.ask_again(1, at(30));
  book.ask_again(2, at(10));
  EXPECT_EQ(book.sent(), 1u);
  EXPECT_EQ(book.next_wake(), at(10));
  book.wake(at(9));
  EXPECT_EQ(book.queued(), 0u);
  book.wake(at(10));
  EXPECT_EQ(book.take(5), (Numbers{2}));
  book.wake(at(40));
  EXPECT_EQ(book.take(5), (Numbers{1}));
  EXPECT_FALSE(book.next_wake());
}

TEST(RequestBook, FinishingWhatIsNotUnderWayIsABug) {
  RequestBook book;
  book.add(order("a"), {});
  EXPECT_THROW(book.finish(1), CheckFailed);
  EXPECT_THROW(book.finish(2), CheckFailed);
}

TEST(RequestBook, ClearingGivesAllCallbacksInOrder) {
  RequestBook book;
  std::string heard;
  for (const char* id : {"a", "b", "c"})
    book.add(order(id), [&heard, id](const Answer&) { heard += id; });
  book.take(2);
  for (const auto& on_answer : book.clear()) on_answer(Answer{});
  EXPECT_EQ(heard, "abc");
  EXPECT_EQ(book.size() + book.queued() + book.sent(), 0u);
}

TEST(ClientAddress, IsHostAndPortOrAPath) {
  auto address = parse_address("127.0.0.1:7001").value();
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_EQ(address.port, 7001);
  address = parse_address("[::1]:7001").value();
  EXPECT_EQ(address.host, "::1");
  address = parse_address("unix:/run/x.sock").value();
  EXPECT_TRUE(address.unix_socket);
  EXPECT_EQ(address.host, "/run/x.sock");
  for (const char* bad : {"", "host", ":1", "host:", "host:1x", "host:65536", "host:-1", "unix:"})
    EXPECT_FALSE(parse_address(bad).ok()) << bad;
}

}  // namespace
}  // namespace holdfast::client
