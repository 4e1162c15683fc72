// A venue gateway's FIX intake, framing, QuickFIX session and core, against any bytes from a venue:
// what is wrong is refused and counted, no CHECK fails, and the journal that it leaves recovers to
// the same state. Input: lines. "TYPE NUMBER BODY" becomes a well-framed message ('|' for SOH,
// number '.' for the next in order); '!' sends the rest as it is; '*' hands the gateway its orders;
// '+' lets a second pass;
// '-' cuts the connection. Logons and TestRequests are answered as a venue would.

// runs: 1500
// links: holdfast_venues_quickfix holdfast_venues_capnp holdfast_test_support GTest::gtest

// sources: tests/conformance/fix/test_gateway.cpp tests/conformance/fix/simulated_clock.cpp

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/venues/fix/fix_text.hpp"
#include "tests/conformance/fix/simulated_clock.hpp"
#include "tests/conformance/fix/test_gateway.hpp"

using namespace holdfast;
using namespace holdfast::venues;
using namespace holdfast::venues::testing;

namespace {

class Venue {
 public:
  Venue() {
    for (const char* wire : {"A1", "A2"}) shard_.request(shard_.order(wire));
    shard_.request(shard_.cancel("A3", shard_.requests[0]));
    shard_.request(shard_.replace("A4", shard_.requests[1], 50));
    link_up();
  }

  void play(std::string_view line) {
    if (line == "*") {
      gateway_.deliver();
    } else if (line == "+") {
      for (int i = 0; i < 10; ++i) {
        advance(Duration::milliseconds(100));
        gateway_.turn([this] { gateway_.session().tick(); });
      }
    } else if (line == "-") {
      cut();
    } else if (line.starts_with('!')) {
      send(line.substr(1));
    } else {
      const auto type = line.substr(0, line.find(' '));
      line.remove_prefix(std::min(line.size(), type.size() + 1));
      const auto number = line.substr(0, line.find(' '));
      line.remove_prefix(std::min(line.size(), number.size() + 1));
      say(type, number, line);
    }
    answer();
  }

  /// What is left behind must be enough: a successor recovers to the same state.
  void end() {
    const auto hash = state_hash(gateway_.state());
    replication::testing::FakeLog log;
    log.entries = log_.entries;
    GatewayCodec codec;
    replication::ReplicaHost<GatewayCore> host(
        kGateway, log, codec,
        {[] { return simulated_now(); }, [](std::function<void()>) {}, [](auto&&) {},
         [](const Error&) {}});
    FATAL_UNLESS(host.recover().ok());
    FATAL_UNLESS(state_hash(host.state()) == hash);
  }

 private:
  void say(std::string_view type, std::string_view number, std::string_view fields) {
    std::string body = "35=" + std::string(type) +
                       "|34=" + (number == "." ? std::to_string(next_++) : std::string(number)) +
                       "|49=VENUE|56=FIRM|52=" + utc_timestamp(simulated_now()) + "|" +
                       std::string(fields);
    for (char& c : body)
      if (c == '|') c = kSoh;
    send(frame("FIX.4.4", body));
  }
  void send(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 4'096) {
      framer_.push(bytes.substr(at, 4'096));
      while (gateway_.linked) {
        const auto message = framer_.next();
        if (!message) break;
        const std::string copy(*message);
        gateway_.turn([&] { gateway_.session().receive(copy); });
      }
    }
  }
  void answer() {
    for (int i = 0; i < 100 && !gateway_.out.empty(); ++i) {
      const std::string message = gateway_.out.front();
      gateway_.out.pop_front();
      const FixHeader header = header_of(message);
      FATAL_UNLESS(header.number != 0 && !header.type.empty());
      if (header.type == "A") say("A", ".", "98=0|108=30|");
      if (header.type == "1")
        say("0", ".", "112=" + std::string(field_of(message, 112).value_or("")) + "|");
    }
    if (gateway_.close) cut();
  }
  void link_up() {
    gateway_.linked = true;
    gateway_.close = false;
    gateway_.out.clear();
    framer_.clear();
    gateway_.turn([this] { gateway_.session().link_up(); });
    answer();
  }
  void cut() {
    if (++cuts_ > 20) return;
    gateway_.linked = false;
    gateway_.out.clear();
    gateway_.turn([this] { gateway_.session().link_lost("cut", true); });
    advance(Duration::milliseconds(50));
    link_up();
  }

  replication::testing::FakeLog log_;
  TestShard shard_;
  TestGateway gateway_{log_, shard_};
  FixFramer framer_;
  uint64_t next_ = 1;
  int cuts_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  GTEST_FLAG_SET(break_on_failure, true);  // what the harness expects is part of the verdict
  set_simulated_now(kStart);
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Venue venue;
  for (int lines = 0; lines < 200 && !input.empty(); ++lines) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    venue.play(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  venue.end();
  return 0;
}
