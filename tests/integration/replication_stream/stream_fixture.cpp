#include "tests/integration/replication_stream/stream_fixture.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "supervision/replication/stream/address_linux.hpp"

namespace holdfast::replication::tests {

uint16_t free_port() {
  uint16_t port = 0;
  const auto fd = listen_at("127.0.0.1", port);
  EXPECT_TRUE(fd.ok());
  ::close(fd.value());
  return port;
}

bool turn_until(HotLoop& loop, const std::function<bool()>& done) {
  const MonoTime limit = loop.now() + kPatience;
  while (!done()) {
    if (loop.now() > limit) return false;
    pollfd ready{loop.fd(), POLLIN, 0};
    ::poll(&ready, 1, 5);
    loop.turn();
  }
  return true;
}

bool Heard::said(const std::string& words) const {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(words) != std::string::npos;
  });
}

std::size_t Heard::down(MemberId member, bool gone) const {
  return static_cast<std::size_t>(std::count(downs.begin(), downs.end(), std::pair(member, gone)));
}

LinkSettings settings_of(uint32_t self, uint16_t port, std::vector<PeerAddress> peers) {
  LinkSettings settings;
  settings.cluster = "test";
  settings.self = {self};
  settings.listen_port = port;
  settings.peers = std::move(peers);
  settings.hello = [self] {
    Hello hello;
    hello.order_entry = "127.0.0.1:9";
    hello.groups = {{GroupId{1}, incarnation(self, 1)}};
    // The ends of a test are one process and stand for several.
    hello.pid = static_cast<int32_t>(1000 + self);
    hello.process_start = 1;
    return hello;
  };
  return settings;
}

std::unique_ptr<End> start_end(HotLoop& loop, LinkSettings settings) {
  auto end = std::make_unique<End>();
  Heard& heard = end->heard;
  Links::Hooks hooks;
  hooks.up = [&heard](MemberId member, const Hello&) { heard.ups.push_back(member); };
  hooks.down = [&heard](MemberId member, bool gone) { heard.downs.emplace_back(member, gone); };
  hooks.message = [&heard](MemberId from, GroupId group, PeerMessage&& message) {
    heard.messages.push_back({from, group, std::move(message)});
  };
  hooks.delivery = [&heard](MemberId from, DeliveryMessage&& message) {
    heard.deliveries.emplace_back(from, std::move(message));
  };
  hooks.report = [&heard](const std::string& line, bool alarm) {
    heard.lines.push_back(line);
    if (alarm) heard.alarms.push_back(line);
  };
  end->links = std::make_unique<Links>(loop, std::move(settings), std::move(hooks));
  const auto port = end->links->start();
  EXPECT_TRUE(port.ok()) << (port.ok() ? "" : port.error().text);
  if (port.ok()) end->port = port.value();
  return end;
}

Incarnation incarnation(uint32_t member, uint8_t life) {
  Incarnation made{{member}, {}, {}};
  made.data_dir.bytes[0] = static_cast<uint8_t>(member);
  made.boot.bytes[15] = life;
  return made;
}

peer::Append append_of(uint64_t index, std::size_t bytes) {
  peer::Append append;
  append.epoch = {1};
  append.last = {index};
  append.commit = {index - 1};
  append.sent = {12345};
  append.entries.push_back(
      {{index}, {1}, std::make_shared<const Bytes>(bytes, std::byte(index & 0xff))});
  return append;
}

}  // namespace holdfast::replication::tests
