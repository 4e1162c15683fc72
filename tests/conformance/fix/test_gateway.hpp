// A gateway without actors or sockets: the real core behind the real replica host and codec, on a
// log whose commits the test controls, with the real QuickFIX session. Killing it is destroying the
// object; what the log holds is all that is left.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/venues/gateway_capnp.hpp"
#include "actors/venues/session_quickfix.hpp"
#include "supervision/replication/replica_host.hpp"
#include "tests/unit/replication/fake_log.hpp"

namespace holdfast::venues::testing {

inline constexpr GroupId kGateway{1001}, kShard{1};

/// The order shard's side: requests in its outbox, reports taken once each, in order.
class TestShard {
 public:
  VenueRequest order(const std::string& wire, Duration age = {});
  VenueRequest cancel(const std::string& wire, const VenueRequest& of);
  VenueRequest replace(const std::string& wire, const VenueRequest& of, int64_t quantity);
  /// Puts a request into the outbox.
  void request(const VenueRequest& request) { requests.push_back(request); }
  /// Everything outstanding, as a delivery.
  VenueRequestDelivery delivery() const;
  void take(const effect::Deliver& deliver);
  void acknowledged(OutboxSeq seq) { taken_by_gateway = std::max(taken_by_gateway, seq); }
  /// The kinds of reports about a ClOrdID, in order.
  std::vector<VenueReportKind> about(const std::string& wire) const;
  std::size_t count(VenueReportKind kind) const;

  uint64_t orders = 0;                 // made so far
  std::vector<VenueRequest> requests;  // sequence 1 is the first
  std::vector<VenueReport> reports;    // each once
  OutboxSeq cursor;                    // of the gateway's outbox
  OutboxSeq taken_by_gateway;
  Epoch epoch{1};
};

class TestGateway final : public GatewayPort {
 public:
  /// Recovers from `log`, leads, and starts; reports go to `shard`.
  TestGateway(replication::testing::FakeLog& log, TestShard& shard, SessionRules rules = rules_of(),
              SessionIdentity identity = identity_of());

  static SessionRules rules_of();
  static SessionIdentity identity_of();

  /// Runs `function` as one loop turn: its commands become one entry, committed when `commits`.
  void turn(const std::function<void()>& function);
  void commit();
  void deliver() {
    turn([this] { give(); });
  }
  void give();

  VenueSession& session() { return *session_; }
  const GatewayState& state() const override { return host_.state(); }
  void submit(const GatewayCommand& command) override { host_.submit(command); }
  WallTime now() const override;
  replication::ReplicaHost<GatewayCore>& host() { return host_; }

  bool commits = true;          // at the end of each turn
  std::deque<std::string> out;  // bytes for the venue, of the present connection
  bool linked = false;
  bool close = false;  // the core wants the connection closed
  std::vector<VenueSessionState> states;
  std::vector<effect::Answered> answers;

 private:
  void release(replication::Committed<GatewayEffect>&& effect);

  replication::testing::FakeLog& log_;
  TestShard& shard_;
  GatewayCodec codec_;
  std::vector<std::function<void()>> deferred_;
  replication::ReplicaHost<GatewayCore> host_;
  std::unique_ptr<VenueSession> session_;
};

}  // namespace holdfast::venues::testing
