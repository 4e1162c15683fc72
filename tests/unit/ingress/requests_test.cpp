#include "tests/unit/ingress/ingress_fakes.hpp"

namespace holdfast::ingress::tests {
namespace {

TEST(IngressRequests, OneTurnMakesOneBatchAShard) {
  Bench b;
  for (const char* id : {"o1", "o2", "o3"}) EXPECT_FALSE(b.submit(id).refused);
  EXPECT_FALSE(b.submit("o4", "B").refused);
  EXPECT_TRUE(b.shards.batches.empty());
  EXPECT_EQ(b.shards.flushes_asked, 1);
  b.ingress.flush();
  ASSERT_EQ(b.shards.requests.size(), 4u);
  const bool together = shard_of(Account("A"), 2) == shard_of(Account("B"), 2);
  EXPECT_EQ(b.shards.batches.size(), together ? 1u : 2u);
  for (const auto& [shard, batch] : b.shards.batches)
    for (const auto& request : *batch) EXPECT_EQ(shard, shard_of(account_of(request), 2));
  b.ingress.flush();
  EXPECT_EQ(b.shards.requests.size(), 4u);
}

TEST(IngressRequests, CarryClientTicketAndDeadline) {
  Bench b;
  const auto admission = b.submit("o1", "A", at(5));
  b.ingress.flush();
  const auto& request = b.shards.requests.at(0);
  EXPECT_EQ(request.client, ClientId("one"));
  EXPECT_EQ(request.ticket, (RequestTicket{b.session, admission.request}));
  EXPECT_EQ(request.deadline, at(5) + b.ingress.settings().request_deadline);
}

TEST(IngressRequests, AreRefusedForAccountsOfOthers) {
  Bench b;
  const auto admission = b.submit("o1", "C");
  ASSERT_TRUE(admission.refused);
  EXPECT_EQ(admission.refused->reason, Reason::kNotPermitted);
  EXPECT_EQ(b.ingress.query(b.session, Account("C"), ClientOrderId("o"), at(0)).refused->reason,
            Reason::kNotPermitted);
  EXPECT_EQ(b.ingress.credits_left(b.session), 4u);
  EXPECT_EQ(b.ingress.counters().refused_permission, 2u);
}

TEST(IngressCredits, AreTakenByRequestsAndReturnedByReplies) {
  Bench b;
  std::vector<uint64_t> requests;
  for (int i = 0; i < 4; ++i) requests.push_back(b.submit("o" + std::to_string(i)).request);
  EXPECT_EQ(b.ingress.credits_left(b.session), 0u);
  const auto refused = b.submit("o4");
  ASSERT_TRUE(refused.refused);
  EXPECT_EQ(refused.refused->reason, Reason::kOutOfCredits);
  b.ingress.on_replies({accepted({b.session, requests[2]})});
  ASSERT_EQ(b.client.replies.size(), 1u);
  EXPECT_EQ(b.client.replies[0].first, requests[2]);
  EXPECT_EQ(b.client.credits_left, 1u);
  EXPECT_FALSE(b.submit("o4").refused);
}

TEST(IngressCredits, ABatchIsAllOrNothing) {
  Bench b;
  EXPECT_TRUE(b.ingress.has_credits(b.session, 4));
  EXPECT_FALSE(b.ingress.has_credits(b.session, 5));
  b.submit("o1");
  EXPECT_FALSE(b.ingress.has_credits(b.session, 4));
  EXPECT_EQ(b.ingress.refuse_for_credits().refused->reason, Reason::kOutOfCredits);
}

TEST(IngressCredits, OfAClientMayDifferFromTheOthers) {
  auto settings = settings_for_tests();
  settings.clients[0].credits = 1;
  Bench b(settings);
  EXPECT_FALSE(b.submit("o1").refused);
  EXPECT_TRUE(b.submit("o2").refused);
}

TEST(IngressCredits, ShrinkWhenTheShardIsFull) {
  auto settings = settings_for_tests();
  settings.shard_in_flight_max = 3;
  Bench b(settings);
  FakeClient other;
  const auto second = b.ingress.open(b.ingress.settings().clients[0], other).value();
  const auto first = b.submit("o1").request;
  b.submit("o2");
  EXPECT_FALSE(b.ingress.admit(second, order("p1"), at(0)).refused);
  const auto refused = b.ingress.admit(second, order("p2"), at(0));
  ASSERT_TRUE(refused.refused);
  EXPECT_EQ(refused.refused->reason, Reason::kOutOfCredits);
  b.ingress.on_replies({accepted({b.session, first})});
  EXPECT_EQ(b.client.credits_left, 1u);  // the shard's room, not the session's three
}

TEST(IngressReplies, AreGivenOnceAndDroppedWhenNobodyWaits) {
  Bench b;
  const auto request = b.submit("o1").request;
  b.ingress.on_replies({accepted({b.session, request}), accepted({b.session, request}),
                        accepted({SessionId{1}, 1})});
  EXPECT_EQ(b.client.replies.size(), 1u);
  EXPECT_EQ(b.ingress.counters().replies_dropped, 2u);
}

TEST(IngressReplies, ToAClosedSessionAreDroppedAndGiveTheShardRoom) {
  auto settings = settings_for_tests();
  settings.shard_in_flight_max = 4;
  Bench b(settings);
  const auto request = b.submit("o1").request;
  b.ingress.close(b.session);
  b.ingress.on_replies({accepted({b.session, request})});
  EXPECT_TRUE(b.client.replies.empty());
  FakeClient other;
  const auto next = b.ingress.open(b.ingress.settings().clients[0], other).value();
  EXPECT_NE(next, b.session);
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(b.ingress.admit(next, order("p" + std::to_string(i)), at(0)).refused);
}

TEST(IngressDeadline, AnswersWhatTheShardDoesNot) {
  Bench b;
  const auto first = b.submit("o1", "A", at(0)).request;
  const auto second = b.submit("o2", "A", at(100)).request;
  const auto due = b.ingress.next_deadline();
  ASSERT_TRUE(due);
  EXPECT_EQ(*due, at(0) + b.ingress.settings().answer_deadline);
  b.ingress.expire(*due);
  ASSERT_EQ(b.client.replies.size(), 1u);
  EXPECT_EQ(b.client.replies[0].first, first);
  EXPECT_EQ(b.client.replies[0].second.reason, Reason::kNotServing);
  EXPECT_EQ(b.ingress.counters().answered_by_deadline, 1u);
  b.ingress.on_replies({accepted({b.session, second})});
  EXPECT_FALSE(b.ingress.next_deadline());
  b.ingress.expire(at(1'000'000));
  EXPECT_EQ(b.client.replies.size(), 2u);
}

TEST(IngressDeadline, AnswersQueriesToo) {
  Bench b;
  const auto query = b.ingress.query(b.session, Account("A"), ClientOrderId("o1"), at(0)).request;
  b.ingress.expire(at(1'000'000));
  ASSERT_EQ(b.client.views.size(), 1u);
  EXPECT_EQ(b.client.views[0].first, query);
  EXPECT_FALSE(b.client.views[0].second.found);
  EXPECT_EQ(b.client.views[0].second.reason, Reason::kNotServing);
}

TEST(IngressQuery, FollowsWhatTheSessionHasSentBefore) {
  Bench b;
  b.submit("o1");
  b.ingress.query(b.session, Account("A"), ClientOrderId("o1"), at(0));
  EXPECT_EQ(b.shards.requests.size(), 1u);  // flushed ahead of the query
  ASSERT_EQ(b.shards.queries.size(), 1u);
  OrderQueryReply reply;
  reply.ticket = b.shards.queries[0].ticket;
  reply.found = true;
  b.ingress.on_view(reply);
  ASSERT_EQ(b.client.views.size(), 1u);
  EXPECT_TRUE(b.client.views[0].second.found);
  b.ingress.on_view(reply);
  EXPECT_EQ(b.client.views.size(), 1u);
}

TEST(IngressShard, ThatGoesDownAnswersWhatItHadAndRefusesMore) {
  Bench b;
  const uint32_t shard = shard_of(Account("A"), 2);
  const auto sent = b.submit("o1").request;
  b.ingress.flush();
  const auto collected = b.submit("o2").request;
  b.ingress.shard_down(shard);
  ASSERT_EQ(b.client.replies.size(), 2u);
  EXPECT_EQ(b.client.replies[0].first, sent);
  EXPECT_EQ(b.client.replies[1].first, collected);
  for (const auto& [request, reply] : b.client.replies)
    EXPECT_EQ(reply.reason, Reason::kNotServing);
  EXPECT_EQ(b.submit("o3").refused->reason, Reason::kNotServing);
  b.ingress.flush();
  EXPECT_EQ(b.shards.requests.size(), 1u);
  b.ingress.shard_up(shard);
  EXPECT_FALSE(b.submit("o3").refused);
  EXPECT_EQ(b.ingress.credits_left(b.session), 3u);
}

TEST(IngressSessions, AreLimitedInNumber) {
  auto settings = settings_for_tests();
  settings.sessions_max = 1;
  Bench b(settings);
  FakeClient other;
  const auto refused = b.ingress.open(b.ingress.settings().clients[0], other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kFull);
  b.ingress.close(b.session);
  EXPECT_TRUE(b.ingress.open(b.ingress.settings().clients[0], other).ok());
}

TEST(IngressSessions, NeverReuseAnIdAndStartAboveTheirBase) {
  Bench b;
  EXPECT_GT(b.session, SessionId{100});
  b.ingress.close(b.session);
  FakeClient other;
  EXPECT_GT(b.ingress.open(b.ingress.settings().clients[0], other).value(), b.session);
  b.ingress.close(SessionId{77});  // unknown: ignored
  EXPECT_EQ(b.ingress.counters().sessions, 1u);
  EXPECT_EQ(b.submit("late").refused->reason, Reason::kNotServing);
}

TEST(IngressIntake, StoppedRefusesWhatAddsRiskAndNothingElse) {
  Bench b;
  b.ingress.stop_intake(true);
  const ReplaceOrder replace{Account("A"), ClientOrderId("r"), ClientOrderId("o"), {}, {}, {}};
  const CancelOrder cancel{Account("A"), ClientOrderId("c"), ClientOrderId("o"), {}};
  const MassCancel mass{Account("A"), ClientOrderId("m"), {}, {}};
  EXPECT_EQ(b.submit("o1").refused->reason, Reason::kNotServing);
  EXPECT_EQ(b.ingress.admit(b.session, replace, at(0)).refused->reason, Reason::kNotServing);
  EXPECT_FALSE(b.ingress.admit(b.session, cancel, at(0)).refused);
  EXPECT_FALSE(b.ingress.admit(b.session, mass, at(0)).refused);
  EXPECT_FALSE(b.ingress.query(b.session, Account("A"), ClientOrderId("o"), at(0)).refused);
  EXPECT_EQ(b.ingress.counters().refused_not_serving, 2u);
  b.ingress.stop_intake(false);
  EXPECT_FALSE(b.submit("o1").refused);
}

TEST(IngressSettings, AreCheckedInWords) {
  const auto expect_bad = [](const char* word, std::function<void(Settings&)> change) {
    auto settings = settings_for_tests();
    change(settings);
    const auto valid = validate(settings);
    ASSERT_FALSE(valid.ok()) << word;
    EXPECT_NE(valid.error().text.find(word), std::string::npos) << valid.error().text;
  };
  EXPECT_TRUE(validate(settings_for_tests()).ok());
  expect_bad("shards", [](Settings& s) { s.shards = 0; });
  expect_bad("shards", [](Settings& s) { s.shards = limits::kShardsMax + 1; });
  expect_bad("credits", [](Settings& s) { s.credits = 0; });
  expect_bad("credits", [](Settings& s) { s.credits = limits::kSessionCreditsMax + 1; });
  expect_bad("credits", [](Settings& s) { s.clients[0].credits = limits::kSessionCreditsMax + 1; });
  expect_bad("sessions_max", [](Settings& s) { s.sessions_max = 0; });
  expect_bad("deadline", [](Settings& s) { s.answer_deadline = Duration::milliseconds(1); });
  expect_bad("twice", [](Settings& s) { s.clients.push_back(s.clients[0]); });
  expect_bad("without id", [](Settings& s) { s.clients[0].id = {}; });
}

}  // namespace
}  // namespace holdfast::ingress::tests
