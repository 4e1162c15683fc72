// A gateway, a venue and the wire between them, all in one thread: bytes move when the test says
// so, and a kill takes the gateway away between any two of its entries.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/conformance/fix/simulated_clock.hpp"
#include "tests/conformance/fix/test_gateway.hpp"
#include "tests/conformance/fix/test_venue.hpp"

namespace holdfast::venues::testing {

class World {
 public:
  explicit World(SessionRules rules = TestGateway::rules_of()) : rules(rules) {
    set_simulated_now(kStart);
    start();
  }

  void start() { gateway = std::make_unique<TestGateway>(log, shard, rules); }

  /// Connects both ends and exchanges messages until it is quiet.
  void connect() {
    venue.connect();
    gateway->linked = true;
    gateway->close = false;
    gateway->out.clear();
    gateway->turn([this] { gateway->session().link_up(); });
    settle();
  }
  /// The connection breaks; what is on its way is lost.
  void disconnect(const std::string& why = "cut by the test") {
    venue.disconnect();
    venue.out.clear();
    gateway->linked = false;
    gateway->out.clear();
    gateway->turn([&] { gateway->session().link_lost(why, venue_spoke); });
  }
  /// kill -9: the process is gone, and what it had not committed may be too.
  void kill() {
    venue.disconnect();
    venue.out.clear();
    gateway.reset();
  }
  /// Moves messages until neither side has any.
  void settle() {
    for (int i = 0; i < 10'000 && step(); ++i) {
    }
  }
  /// Moves one message, the gateway's first. False when there was none.
  bool step() {
    if (!gateway->out.empty() && venue.connected()) {
      const std::string message = gateway->out.front();
      gateway->out.pop_front();
      venue.receive(message);
      if (!venue.connected()) lost();
      return true;
    }
    if (gateway->close && gateway->out.empty()) {
      gateway->linked = false;
      gateway->close = false;
      venue.disconnect();
      return true;
    }
    if (!venue.out.empty() && gateway->linked) {
      const std::string message = venue.out.front();
      venue.out.pop_front();
      venue_spoke = true;
      gateway->turn([&] { gateway->session().receive(message); });
      return true;
    }
    if (gateway->linked && gateway->session().busy()) {
      gateway->turn([this] { gateway->session().pump(); });
      return true;
    }
    return false;
  }
  /// Lets time pass in ticks of 100 ms on both sides.
  void pass(Duration time) {
    for (Duration passed; passed < time; passed = passed + Duration::milliseconds(100)) {
      advance(Duration::milliseconds(100));
      gateway->turn([this] { gateway->session().tick(); });
      venue.tick();
      settle();
    }
  }
  /// Hands over what the shard wants sent, without letting the venue see it yet.
  void hand_over() {
    gateway->deliver();
    while (gateway->session().busy()) gateway->turn([this] { gateway->session().pump(); });
  }

  void send(const VenueRequest& request) {
    shard.request(request);
    hand_over();
    settle();
  }

  const GatewayState& state() const { return gateway->state(); }

  SessionRules rules;
  replication::testing::FakeLog log;
  TestShard shard;
  TestVenue venue;
  std::unique_ptr<TestGateway> gateway;
  bool venue_spoke = false;

 private:
  void lost() {
    // The venue closed: what it said before still arrives.
    while (!venue.out.empty() && gateway->linked) {
      const std::string message = venue.out.front();
      venue.out.pop_front();
      venue_spoke = true;
      gateway->turn([&] { gateway->session().receive(message); });
    }
    if (!gateway->linked) return;
    gateway->linked = false;
    gateway->close = false;
    gateway->out.clear();
    gateway->turn([this] { gateway->session().link_lost("closed by the venue", true); });
  }
};

}  // namespace holdfast::venues::testing
