// The venue gateway with the real QuickFIX session and no socket: orders become committed FIX
// bytes, the venue's bytes become reports for the shard. Messages of the venue are made by hand.
#include <deque>

#include "actors/venues/fix/fix_text.hpp"
#include "actors/venues/fix/report_quickfix.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "actors/venues/session_quickfix.hpp"
#include "tests/bench/parts/bench_log.hpp"
#include "tests/bench/parts/part.hpp"
#include "tests/bench/parts/shard_flow.hpp"
#include "tests/source_path.hpp"

namespace holdfast::bench {
namespace {

using namespace venues;

VenueRequest request_of(uint64_t number) {
  const NewOrder order = flow_order(number);
  VenueRequest request;
  request.kind = VenueRequestKind::kNew;
  request.order = {number};
  request.wire = WireOrderId("H" + std::to_string(number) + "-1");
  request.client_order_id = order.client_order_id;
  request.account = order.account;
  request.symbol = order.symbol;
  request.side = order.side;
  request.price = order.price;
  request.quantity = order.quantity;
  request.attribution = order.attribution;
  request.intake = wall_now();
  return request;
}

/// The venue's side of a session, by hand.
class VenueText {
 public:
  std::string message(char type, const std::string& rest) {
    const std::string body = std::string("35=") + type + "|34=" + std::to_string(next_++) +
                             "|49=XSIM|52=" + utc_timestamp(wall_now()) + "|56=HOLDFAST|" + rest;
    std::string fields = body;
    std::replace(fields.begin(), fields.end(), '|', kSoh);
    return frame("FIX.4.4", fields);
  }
  /// ExecType New for kAccepted, else the whole quantity traded.
  std::string report(const VenueRequest& request, bool fill) {
    exec_ids_ += 1;
    const std::string quantity = "100";
    return message(
        '8', "37=V" + std::to_string(request.order.value) +
                 "|11=" + std::string(request.wire.view()) + "|17=E" + std::to_string(exec_ids_) +
                 (fill ? "|150=F|39=2" : "|150=0|39=0") +
                 "|55=AAPL|54=" + (request.side == Side::kBuy ? "1" : "2") + "|38=" + quantity +
                 (fill ? "|32=100|31=585.10|151=0|14=100|6=585.10" : "|151=100|14=0|6=0") +
                 "|60=" + utc_timestamp(wall_now()) + "|");
  }

 private:
  uint64_t next_ = 1, exec_ids_ = 0;
};

/// A gateway whose log commits at the end of each turn, logged on and open.
class OpenGateway final : public GatewayPort {
 public:
  OpenGateway()
      : host_(kVenueGroup, log_, codec_,
              {wall_now,
               [this](auto run) { deferred_.push_back(std::move(run)); },
               [this](auto&& effect) { release(std::move(effect).take()); },
               {}}) {
    CHECK(host_.lead_alone().ok());
    log_.commit();
    SessionRules rules;
    rules.venue = "XSIM";
    rules.in_flight_max = 1'000'000;
    turn([&] { submit(command::Start{rules}); });
    SessionIdentity identity;
    identity.sender = "HOLDFAST";
    identity.target = "XSIM";
    identity.dictionary = tests::source_path("config/fix/FIX44.xml");
    auto created = VenueSession::create(identity, *this);
    CHECK(created.ok());
    session_ = std::move(created).value();
    turn([&] { session_->link_up(); });
    take(venue_.message('A', "98=0|108=30|"));
    const auto barrier = field_of(last_sent_, 112);
    CHECK(barrier.has_value());
    take(venue_.message('0', "112=" + std::string(*barrier) + "|"));
    CHECK(state_ == VenueSessionState::kOpen);
  }

  /// One turn: these requests arrive, are journaled, encoded and, committed, written.
  void deliver(std::vector<VenueRequest> requests) {
    auto delivery = std::make_shared<Delivery<VenueRequest>>();
    delivery->from = kShardGroup;
    delivery->to = kVenueGroup;
    delivery->epoch = {1};
    delivery->first = {delivered_ + 1};
    delivery->items = std::move(requests);
    delivery->acknowledged = reported_;
    delivered_ += delivery->items.size();
    turn([&] {
      submit(command::RequestsDelivered{delivery});
      session_->pump();
    });
  }
  /// One turn: these messages of the venue came in one read.
  void take(const std::vector<std::string>& messages) {
    turn([&] {
      for (const auto& message : messages) session_->receive(message);
    });
  }
  void take(const std::string& message) { take(std::vector<std::string>{message}); }

  VenueText& venue() { return venue_; }
  uint64_t sent() const { return sent_; }
  OutboxSeq reported() const { return reported_; }

  // -- GatewayPort
  const GatewayState& state() const override { return host_.state(); }
  void submit(const GatewayCommand& command) override { host_.submit(command); }
  WallTime now() const override { return wall_now(); }

 private:
  template <typename F>
  void turn(F function) {
    function();
    while (!deferred_.empty()) {
      auto running = std::exchange(deferred_, {});
      for (auto& run : running) run();
    }
    log_.commit();
  }
  void release(GatewayEffect effect) {
    if (auto* send = std::get_if<effect::SendBytes>(&effect)) {
      sent_ += 1;
      last_sent_ = *send->bytes;
    } else if (auto* deliver = std::get_if<effect::Deliver>(&effect)) {
      reported_ = deliver->seq;
    } else if (auto* status = std::get_if<effect::StatusChanged>(&effect)) {
      state_ = status->state;
    }
  }

  LastEntryLog log_;
  GatewayCodec codec_;
  std::vector<std::function<void()>> deferred_;
  VenueText venue_;
  VenueSessionState state_ = VenueSessionState::kDown;
  std::string last_sent_;
  uint64_t delivered_ = 0, sent_ = 0;
  OutboxSeq reported_;
  replication::ReplicaHost<GatewayCore> host_;
  std::unique_ptr<VenueSession> session_;
};

std::vector<VenueRequest> requests_from(uint64_t& number, std::size_t n) {
  std::vector<VenueRequest> requests;
  for (std::size_t i = 0; i < n; ++i) requests.push_back(request_of(++number));
  return requests;
}

class GatewaySend final : public Part {
 public:
  void prepare(std::size_t n) override {
    std::vector<std::string> fills;
    for (const VenueRequest& request : requests_)
      fills.push_back(gateway_.venue().report(request, true));
    if (!fills.empty()) gateway_.take(fills);
    requests_ = requests_from(number_, n);
  }
  void run(std::size_t n) override {
    const uint64_t before = gateway_.sent();
    gateway_.deliver(requests_);
    CHECK(gateway_.sent() == before + n);
  }

 private:
  OpenGateway gateway_;
  std::vector<VenueRequest> requests_;
  uint64_t number_ = 0;
};

class GatewayReceive final : public Part {
 public:
  void prepare(std::size_t n) override {
    const auto requests = requests_from(number_, n);
    gateway_.deliver(requests);
    messages_.clear();
    for (const VenueRequest& request : requests)
      messages_.push_back(gateway_.venue().report(request, true));
  }
  void run(std::size_t n) override {
    const OutboxSeq before = gateway_.reported();
    gateway_.take(messages_);
    CHECK(gateway_.reported().value == before.value + n);
  }

 private:
  OpenGateway gateway_;
  std::vector<std::string> messages_;
  uint64_t number_ = 0;
};

std::unique_ptr<Part> fix_encode() {
  return simple_part([request = request_of(1)](uint64_t) {
    CHECK(encode_request(request, {}).toString().size() > 50);
  });
}
std::unique_ptr<Part> fix_parse() {
  return simple_part([text = VenueText().report(request_of(1), true)](uint64_t) {
    CHECK(decode_report(FIX::Message(text, false)).report.has_value());
  });
}
std::unique_ptr<Part> fix_frame() {
  return simple_part(
      [text = VenueText().report(request_of(1), true), framer = FixFramer()](uint64_t) mutable {
        framer.push(text);
        CHECK(framer.next().has_value());
      });
}

bool add() {
  add_part({"fix_encode", "a NewOrderSingle as text, QuickFIX alone", 16, fix_encode});
  add_part({"fix_frame", "an ExecutionReport cut out of the byte stream", 16, fix_frame});
  add_part({"fix_parse", "an ExecutionReport from text, QuickFIX and our reading", 16, fix_parse});
  for (const std::size_t n : {1, 16}) {
    const std::string size = std::to_string(n);
    add_part({"gateway_send_" + size, "an order to released FIX bytes, turns of " + size, n,
              [] { return std::make_unique<GatewaySend>(); }});
    add_part({"gateway_receive_" + size, "a fill's bytes to a released report, turns of " + size, n,
              [] { return std::make_unique<GatewayReceive>(); }});
  }
  return true;
}
const bool kRegistered = add();

}  // namespace
}  // namespace holdfast::bench
