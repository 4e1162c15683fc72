// The simulated exchange's FIX intake, framing, session and requests, against any bytes: it never
// fails, never reads beyond its input, and its record agrees with its order book. Input: lines.
// "TYPE NUMBER BODY" becomes a well-framed message with the right checksum ('|' for SOH), so that
// mutations get past the frame; a line that starts with '!' goes in as it is.

// runs: 10000
// links: holdfast_venue_quickfix

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/check.hpp"
#include "nodes/venue/exchange.hpp"
#include "nodes/venue/fix_text.hpp"

using namespace holdfast;
using namespace holdfast::exchange;

namespace {

struct DeadWire : Wire {
  void send(ConnectionId, std::string_view bytes) override {
    // Not what QuickFIX encodes: it echoes odd spellings of tags ("00108=") under a wrong
    // BodyLength.
    const bool ours = bytes.find(
                          "\x01"
                          "35=8\x01") != std::string_view::npos;
    FATAL_UNLESS(!ours || next_frame(bytes, bytes.size()).bytes == bytes.size());
  }
  void close(ConnectionId) override { open = false; }
  void abort(ConnectionId) override { open = false; }
  bool open = true;
};

std::string framed(std::string_view line, std::string_view sending_time) {
  const std::size_t type_end = line.find(' ');
  const std::size_t number_end =
      line.find(' ', type_end == std::string_view::npos ? type_end : type_end + 1);
  if (number_end == std::string_view::npos) return std::string(line);
  std::string body = "35=" + std::string(line.substr(0, type_end)) +
                     "|34=" + std::string(line.substr(type_end + 1, number_end - type_end - 1)) +
                     "|49=GATE|56=VENUE|52=" + std::string(sending_time) + "|" +
                     std::string(line.substr(number_end + 1));
  for (char& c : body)
    if (c == '|') c = '\x01';
  std::string message =
      "8=FIX.4.4\x01"
      "9=" +
      std::to_string(body.size()) + "\x01" + body;
  unsigned sum = 0;
  for (const char c : message) sum += static_cast<unsigned char>(c);
  const std::string digits = std::to_string(1'000 + sum % 256);
  return message + "10=" + digits.substr(1) + "\x01";
}

Now clocks() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  const int64_t ns = t.tv_sec * 1'000'000'000 + t.tv_nsec;
  return {{ns}, {ns}};
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++n;
  return n;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const Now now = clocks();
  TimestampText time;
  DeadWire wire;
  Faults faults;
  auto made = make_exchange({}, wire, faults, now);
  Exchange& exchange = *made.value();
  ConnectionId connection = 1;
  std::string stream;
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    stream += line.starts_with('!') ? std::string(line.substr(1)) : framed(line, time.of(now.wall));
    while (wire.open) {
      const Frame frame = next_frame(stream, limits::kFixMessageBytesMax);
      if (frame.kind == Frame::Kind::kGarbage) wire.open = false;
      if (frame.kind != Frame::Kind::kMessage) break;
      FATAL_UNLESS(frame.bytes <= stream.size());
      std::string message = stream.substr(0, frame.bytes);
      stream.erase(0, frame.bytes);
      exchange.on_message(connection, message, now);
    }
    exchange.tick(now);
    if (wire.open) continue;
    exchange.on_closed(connection++, now);  // and it comes again
    wire.open = true;
    stream.clear();
  }
  FATAL_UNLESS(count(exchange.record(), "\"type\":\"accepted\"") ==
               exchange.desk().engine().orders());
  FATAL_UNLESS(count(exchange.record(), "\"type\":\"fill\"") ==
               2 * exchange.desk().engine().trades());
  return 0;
}
