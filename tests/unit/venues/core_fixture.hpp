// The gateway's core alone: commands in, events applied, effects collected; time is a number.
#pragma once

#include <gtest/gtest.h>

#include "actors/venues/gateway.hpp"
#include "actors/venues/session_plan.hpp"

namespace holdfast::venues::testing {

inline constexpr GroupId kShard{1}, kOther{2};
inline constexpr WallTime kStart{1'772'461'800'000'000'000};  // 2026-03-02 14:30:00 UTC, a Monday

class Core : public ::testing::Test {
 protected:
  Core() {
    rules.venue = "TEST";
    run(command::Start{rules});
  }

  /// Decides and applies; returns the effects of the events, then the replies.
  std::vector<GatewayEffect> run(const GatewayCommand& command) {
    GatewayCore::Decision decision;
    GatewayCore::decide(state, command, now, decision);
    std::vector<GatewayEffect> effects;
    events = decision.events;
    at.index.value += 1;
    at.time = now;
    for (const auto& event : decision.events) {
      GatewayCore::apply(state, event, at);
      GatewayCore::effects(state, event, at, effects);
    }
    for (auto& reply : decision.replies) effects.push_back(reply);
    return effects;
  }
  void advance(Duration by) { now = now + by; }

  VenueRequest order(const std::string& wire, uint64_t id) {
    VenueRequest request;
    request.order = {id};
    request.wire = WireOrderId(wire);
    request.account = "ACC1";
    request.symbol = "AAPL";
    request.price = Price::whole(100);
    request.quantity = Quantity::whole(10);
    request.attribution.desk = "D1";
    request.attribution.algo = "VWAP";
    request.intake = now;
    return request;
  }
  VenueRequest cancel(const std::string& wire, const VenueRequest& of) {
    VenueRequest request = of;
    request.kind = VenueRequestKind::kCancel;
    request.wire = WireOrderId(wire);
    request.original = of.wire;
    request.intake = now;
    return request;
  }
  VenueRequestDelivery delivery(std::vector<VenueRequest> items, uint64_t first, uint64_t epoch = 1,
                                uint64_t acknowledged = 0) {
    auto delivery = std::make_shared<Delivery<VenueRequest>>();
    delivery->from = kShard;
    delivery->epoch = {epoch};
    delivery->first = {first};
    delivery->items = std::move(items);
    delivery->acknowledged = {acknowledged};
    return delivery;
  }
  std::vector<GatewayEffect> deliver(std::vector<VenueRequest> items, uint64_t first,
                                     uint64_t epoch = 1, uint64_t acknowledged = 0) {
    return run(command::RequestsDelivered{delivery(std::move(items), first, epoch, acknowledged)});
  }
  /// As the adapter would: connected, logged on, past the barrier, open.
  void open() {
    run(command::LinkUp{});
    admin('A');
    run(command::Inbound{state.next_in, 0, false, {}});
    run(command::LogonComplete{});
    admin('1', true);
    run(command::BarrierAnswered{});
    run(command::Inbound{state.next_in, 0, false, {}});
    run(command::Advance{});
    ASSERT_EQ(state.phase, SessionPhase::kOpen);
  }
  void admin(char type, bool barrier = false) {
    command::Outbound message;
    message.number = state.next_out;
    message.type = type;
    message.barrier = barrier;
    message.bytes = std::make_shared<const std::string>("admin");
    run(message);
  }
  /// Carries out every planned request, as the adapter would.
  int pump() {
    int sent = 0;
    for (;;) {
      const Action action = next_action(state, now);
      if (action.kind == ActionKind::kAdvance) {
        run(command::Advance{});
      } else if (action.kind == ActionKind::kSendRequest) {
        const VenueRequest request = state.waiting[action.index];
        command::Outbound message;
        message.number = state.next_out;
        message.type = 'D';
        message.kind = request.kind == VenueRequestKind::kNew       ? SentKind::kNew
                       : request.kind == VenueRequestKind::kCancel  ? SentKind::kCancel
                       : request.kind == VenueRequestKind::kReplace ? SentKind::kReplace
                                                                    : SentKind::kStatus;
        message.order = request.order;
        message.wire = request.wire;
        message.original = action.original;
        message.bytes = std::make_shared<const std::string>("bytes of " + request.wire.str());
        run(message);
        ++sent;
      } else {
        return sent;
      }
    }
  }
  std::vector<GatewayEffect> report(VenueReportKind kind, const std::string& wire,
                                    int64_t leaves = 10) {
    VenueReport report;
    report.kind = kind;
    report.wire = WireOrderId(wire);
    report.leaves_quantity = Quantity::whole(leaves);
    return run(command::Inbound{state.next_in, 0, false, report});
  }
  template <typename T>
  static std::vector<T> only(const std::vector<GatewayEffect>& effects) {
    std::vector<T> found;
    for (const auto& effect : effects)
      if (const auto* one = std::get_if<T>(&effect)) found.push_back(*one);
    return found;
  }
  template <typename T>
  bool has_event() const {
    for (const auto& event : events)
      if (std::holds_alternative<T>(event)) return true;
    return false;
  }

  SessionRules rules;
  GatewayState state;
  WallTime now = kStart;
  replication::Position at{{1}, {0}, kStart};
  std::vector<GatewayEvent> events;
};

}  // namespace holdfast::venues::testing
