// Bytes from a venue into a logged-on FIX session: framing, QuickFIX, reports and the core behind
// them. Whatever comes, the session stays open or ends with a reason, numbers never run ahead of
// what was taken, and requests are conserved. The first byte chooses: raw bytes, or bytes made into
// the body of a well-framed message so that they get past the checksum.

// links: holdfast_venues_quickfix

#include <cstdint>
#include <fstream>
#include <string>

#include "actors/venues/fix/fix_text.hpp"
#include "actors/venues/session_plan.hpp"
#include "actors/venues/session_quickfix.hpp"

namespace {

using namespace holdfast;          // NOLINT: a test of one file
using namespace holdfast::venues;  // NOLINT

constexpr WallTime kNow{1'772'461'800'000'000'000};

/// The core without journal or commit: commands are decided and applied at once.
class Port final : public GatewayPort {
 public:
  const GatewayState& state() const override { return state_; }
  WallTime now() const override { return kNow; }
  void submit(const GatewayCommand& command) override {
    GatewayCore::Decision decision;
    GatewayCore::decide(state_, command, kNow, decision);
    at_.index.value += 1;
    std::vector<GatewayEffect> effects;
    for (const auto& event : decision.events) {
      GatewayCore::apply(state_, event, at_);
      GatewayCore::effects(state_, event, at_, effects);
    }
  }

 private:
  GatewayState state_;
  replication::Position at_{{1}, {0}, kNow};
};

std::string message(const std::string& type, uint32_t number, const std::string& body) {
  return frame("FIX.4.4", "35=" + type + "\x01" + "34=" + std::to_string(number) +
                              "\x01"
                              "49=VENUE\x01"
                              "52=20260302-14:30:00.000\x01"
                              "56=FIRM\x01" +
                              body);
}

/// A session past its barrier, with two orders at the venue.
struct Session {
  Session() {
    SessionRules rules;
    rules.venue = "FUZZ";
    port.submit(command::Start{rules});
    SessionIdentity identity;
    identity.sender = "FIRM";
    identity.target = "VENUE";
    identity.max_latency_seconds = 0;
    // tests/fuzz/run starts targets in the root of the repository; elsewhere nothing is validated.
    if (std::ifstream("config/fix/FIX44.xml")) identity.dictionary = "config/fix/FIX44.xml";
    session = std::move(VenueSession::create(identity, port)).value();
    session->link_up();
    session->receive(message("A", 1,
                             "98=0\x01"
                             "108=30\x01"));
    session->receive(message("0", 2, "112=" + barrier_id(port.state()) + "\x01"));
    CHECK(port.state().phase == SessionPhase::kOpen);
    auto delivery = std::make_shared<Delivery<VenueRequest>>();
    delivery->from = {1};
    delivery->epoch = {1};
    delivery->first = {1};
    for (uint64_t n = 1; n <= 2; ++n) {
      VenueRequest request;
      request.order = {n};
      request.wire = WireOrderId("W" + std::to_string(n));
      request.symbol = "AAPL";
      request.quantity = Quantity::whole(1);
      request.price = Price::whole(1);
      request.intake = kNow;
      delivery->items.push_back(request);
    }
    port.submit(command::RequestsDelivered{delivery});
    session->pump();
    CHECK(port.state().counters.sent == 2);
  }
  Port port;
  std::unique_ptr<VenueSession> session;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static std::unique_ptr<Session> kept;
  if (size == 0) return 0;
  if (kept == nullptr) kept = std::make_unique<Session>();
  Session& one = *kept;
  const GatewayState& state = one.port.state();
  const uint64_t reports_before = state.counters.reports + state.counters.unmapped;
  std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 2 == 1) {
    for (char& c : bytes)
      if (c == '|') c = '\x01';
    const std::size_t end = bytes.find('\x01');
    const std::string type = bytes.substr(0, end);
    const std::string body = end == std::string::npos ? "" : bytes.substr(end + 1);
    bytes = message(type, state.next_in + data[0] / 2 % 3, body.empty() ? "" : body + "\x01");
  }
  const uint32_t expected = state.next_in;
  FixFramer framer;
  framer.push(bytes);
  int messages = 0;
  while (const auto whole = framer.next()) {
    one.session->receive(*whole);
    ++messages;
  }
  one.session->tick();
  CHECK(conserved(state));
  CHECK(state.counters.reports + state.counters.unmapped - reports_before <=
        static_cast<uint64_t>(messages) * 2 + 64);
  if (messages == 0) CHECK(state.next_in == expected);
  // A session that has ended, or has gone far, gives way to a fresh one.
  if (state.phase != SessionPhase::kOpen || state.next_in > 1000 || state.next_out > 100'000)
    kept = nullptr;
  return 0;
}
