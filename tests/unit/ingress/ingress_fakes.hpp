// Both sides of an Ingress as fakes that write down what they are told.
#pragma once

#include <gtest/gtest.h>

#include "actors/ingress/ingress.hpp"

namespace holdfast::ingress::tests {

struct FakeShards final : ShardLink {
  void send(uint32_t shard, OrderRequestBatch batch) override {
    batches.emplace_back(shard, batch);
    for (const auto& r : *batch) requests.push_back(r);
  }
  void send(uint32_t, const OrderQuery& query) override { queries.push_back(query); }
  void send(uint32_t, const SubscribeReports& s) override { subscribes.push_back(s); }
  void send(uint32_t, const UnsubscribeReports& u) override { unsubscribes.push_back(u); }
  void flush_at_turn_end() override { flushes_asked += 1; }

  std::vector<std::pair<uint32_t, OrderRequestBatch>> batches;
  std::vector<OrderRequest> requests;
  std::vector<OrderQuery> queries;
  std::vector<SubscribeReports> subscribes;
  std::vector<UnsubscribeReports> unsubscribes;
  int flushes_asked = 0;
};

struct FakeClient final : ClientLink {
  void on_reply(uint64_t request, const OrderReply& reply, uint32_t left) override {
    replies.emplace_back(request, reply);
    credits_left = left;
  }
  void on_view(uint64_t request, const OrderQueryReply& view, uint32_t left) override {
    views.emplace_back(request, view);
    credits_left = left;
  }
  void on_subscribed(const Account&, const Subscribed& answer) override {
    subscribed.push_back(answer);
  }
  void on_reports(const Account&, std::span<const ExecutionReport* const> reports) override {
    callbacks += 1;
    EXPECT_LE(reports.size(), limits::kReportBatchMax);
    for (const auto* r : reports) sequences.push_back(r->sequence.value);
  }
  void on_ended(const Account&, Reason reason, const std::string& text, ReportSeq last) override {
    ended.push_back(reason);
    ended_text = text;
    last_sent = last;
  }
  void on_not_leading(const std::string& leader) override { led_to.push_back(leader); }

  std::vector<std::pair<uint64_t, OrderReply>> replies;
  std::vector<std::pair<uint64_t, OrderQueryReply>> views;
  std::vector<Subscribed> subscribed;
  std::vector<uint64_t> sequences;
  std::vector<Reason> ended;
  std::string ended_text;
  std::vector<std::string> led_to;
  ReportSeq last_sent;
  int callbacks = 0;
  uint32_t credits_left = 0;
};

inline Settings settings_for_tests() {
  Settings settings;
  settings.shards = 2;
  settings.credits = 4;
  ClientEntry entry;
  entry.id = ClientId("one");
  entry.accounts = {Account("A"), Account("B")};
  settings.clients.push_back(entry);
  return settings;
}

inline NewOrder order(const std::string& id, const char* account = "A") {
  NewOrder o;
  o.account = Account(account);
  o.client_order_id = ClientOrderId(id);
  return o;
}

inline OrderReply accepted(RequestTicket ticket) {
  OrderReply reply;
  reply.ticket = ticket;
  reply.accepted = true;
  return reply;
}

inline ExecutionReportBatch reports(uint64_t first, uint64_t count) {
  std::vector<ExecutionReport> list(count);
  for (uint64_t i = 0; i < count; ++i) list[i].sequence = {first + i};
  return std::make_shared<const std::vector<ExecutionReport>>(std::move(list));
}

inline MonoTime at(int64_t ms) { return MonoTime{} + Duration::milliseconds(ms); }

/// An Ingress with one open session.
struct Bench {
  explicit Bench(Settings s = settings_for_tests())
      : ingress(s, shards, SessionId{100}),
        session(ingress.open(ingress.settings().clients[0], client).value()) {}
  Admission submit(const std::string& id, const char* account = "A", MonoTime now = at(0)) {
    return ingress.admit(session, order(id, account), now);
  }
  FakeShards shards;
  FakeClient client;
  Ingress ingress;
  SessionId session;
};

}  // namespace holdfast::ingress::tests
