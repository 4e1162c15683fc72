// Strangers at the stream's port: each is refused with a line that says why, and counted, and the
// link that is there does not notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "supervision/replication/stream/address_linux.hpp"
#include "supervision/replication/stream/codec_capnp.hpp"
#include "tests/integration/replication_stream/stream_fixture.hpp"

namespace holdfast::replication::tests {
namespace {

constexpr MemberId kOne{1}, kTwo{2};

/// A connection made by hand.
class Stranger {
 public:
  explicit Stranger(uint16_t port) {
    const auto address = socket_address("127.0.0.1", port);
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(fd_, address.value().get(), address.value().size), 0);
  }
  ~Stranger() { ::close(fd_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  Stranger(Stranger&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  void say(ByteView bytes) const {
    ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void say(std::string_view text) const { say(std::as_bytes(std::span(text))); }
  /// Whether the other side has ended it.
  bool ended() const {
    char byte = 0;
    const auto n = ::recv(fd_, &byte, 1, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
  }

 private:
  int fd_;
};

/// Members 1 and 2, linked; 3 is configured at 1 and not there.
class Hostile : public testing::Test {
 protected:
  void SetUp() override {
    const uint16_t port = free_port();
    auto settings =
        settings_of(1, 0, {{kTwo, "127.0.0.1", port}, {MemberId{3}, "127.0.0.1", free_port()}});
    settings.hello_within = hello_within();
    one = start_end(loop, settings);
    two = start_end(loop, settings_of(2, port, {{kOne, "127.0.0.1", one->port}}));
    ASSERT_TRUE(
        turn_until(loop, [&] { return one->links->linked(kTwo) && two->links->linked(kOne); }));
  }
  void TearDown() override {
    loop.enter([&] { two->links->send(kOne, GroupId{1}, append_of(1, 500)); });
    EXPECT_TRUE(turn_until(loop, [&] { return one->heard.messages.size() == 1; }));
    EXPECT_EQ(one->heard.ups.size(), 1u) << "the good link has not noticed";
    EXPECT_EQ(one->heard.down(kTwo, false) + one->heard.down(kTwo, true), 0u);
    EXPECT_LE(one->heard.lines.size(), 4u) << "repetitions are held back";
  }
  virtual Duration hello_within() const { return Duration::seconds(10); }

  static Hello hello(uint32_t member) {
    Hello hello;
    hello.cluster = "test";
    hello.member = {member};
    hello.pid = 5;
    hello.process_start = 6;
    return hello;
  }
  /// Says `bytes` and waits until the connection is ended.
  void refused(ByteView bytes, const std::string& words) {
    const Stranger stranger(one->port);
    stranger.say(bytes);
    EXPECT_TRUE(turn_until(loop, [&] { return stranger.ended(); })) << words;
    EXPECT_TRUE(one->heard.said(words))
        << words << " is not in " << testing::PrintToString(one->heard.lines);
  }
  void refused(const Hello& hello, const std::string& words) {
    Bytes bytes;
    encode_frame(hello, bytes);
    refused(bytes, words);
  }

  HotLoop loop;
  std::unique_ptr<End> one, two;
};

TEST_F(Hostile, GarbageIsRefused) {
  const std::string_view garbage = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
  refused(std::as_bytes(std::span(garbage)), "no frame of the stream");
  EXPECT_EQ(one->links->refusals().garbage, 1u);
}

TEST_F(Hostile, AMalformedFrameIsRefused) {
  Bytes bytes;
  encode_frame(hello(3), bytes);
  std::fill(bytes.begin() + kFramePrefixBytes, bytes.end(), std::byte{0xff});
  refused(bytes, "malformed");
  EXPECT_EQ(one->links->refusals().garbage, 1u);
}

TEST_F(Hostile, AMessageBeforeTheHelloIsRefused) {
  Bytes bytes;
  encode_frame({1}, append_of(1, 500), bytes);
  refused(bytes, "no hello came first");
  EXPECT_EQ(one->links->refusals().garbage, 1u);
}

TEST_F(Hostile, AFrameThatIsTooLargeIsRefusedByItsPrefix) {
  Bytes bytes(kFramePrefixBytes);
  const uint32_t length = limits::kStreamHelloBytesMax + 8;
  std::memcpy(bytes.data(), &length, 4);
  std::memcpy(bytes.data() + 4, &kFrameMark, 4);
  refused(bytes, "at most");
  EXPECT_EQ(one->links->refusals().oversize, 1u);
}

TEST_F(Hostile, AnotherClusterIsRefused) {
  auto foreign = hello(3);
  foreign.cluster = "production";
  refused(foreign, "it is of the cluster 'production', this node of 'test'");
  EXPECT_EQ(one->links->refusals().cluster, 1u);
  EXPECT_EQ(one->links->stats(MemberId{3}).refused, 1u);
}

TEST_F(Hostile, AnUnknownMemberIsRefused) {
  refused(hello(9), "member 9 is not configured here");
  EXPECT_EQ(one->links->refusals().member, 1u);
}

TEST_F(Hostile, OneThatClaimsToBeThisNodeIsRefused) {
  refused(hello(1), "member 1 is this node itself");
  EXPECT_EQ(one->links->refusals().member, 1u);
}

TEST_F(Hostile, AnIncompatibleVersionIsRefused) {
  auto newer = hello(3);
  newer.protocol = newer.protocol_oldest = kStreamProtocol + 1;
  refused(newer, "versions 2 to 2");
  EXPECT_EQ(one->links->refusals().protocol, 1u);
}

TEST_F(Hostile, ASecondConnectionOfALinkedProcessIsRefused) {
  auto again = hello(2);
  again.pid = 1002;
  again.process_start = 1;
  refused(again, "linked already");
  EXPECT_EQ(one->links->refusals().duplicate, 1u);
  EXPECT_FALSE(one->heard.alarms.empty());
}

TEST_F(Hostile, RepetitionsAreCountedAndHeldBack) {
  for (int i = 0; i < 50; ++i) refused(hello(9), "member 9 is not configured here");
  EXPECT_EQ(one->links->refusals().member, 50u);
}

TEST_F(Hostile, WhoComesAndGoesWithoutAWordIsNoEvent) {
  const auto before = one->heard.lines.size();
  for (int i = 0; i < 10; ++i) Stranger(one->port);
  // Strangers are taken in order: the refusal of the last shows that the others were seen.
  refused(hello(9), "member 9");
  EXPECT_EQ(one->heard.lines.size(), before + 1);
}

TEST_F(Hostile, TooManyWithoutAHelloAreTurnedAway) {
  std::vector<Stranger> strangers;
  for (std::size_t i = 0; i < limits::kStreamUnauthenticatedMax; ++i)
    strangers.emplace_back(one->port);
  const Stranger late(one->port);
  EXPECT_TRUE(turn_until(loop, [&] { return late.ended(); }));
  EXPECT_EQ(one->links->refusals().full, 1u);
  EXPECT_TRUE(one->heard.said("too many connections without a hello"));
  EXPECT_FALSE(strangers.front().ended());
}

class Slow : public Hostile {
 protected:
  Duration hello_within() const override { return Duration::milliseconds(20); }
};

TEST_F(Slow, WhoSaysNoHelloInTimeIsRefused) {
  Bytes bytes;
  encode_frame(hello(3), bytes);
  const Stranger silent(one->port), slow(one->port);
  slow.say(ByteView(bytes).first(10));
  EXPECT_TRUE(turn_until(loop, [&] { return silent.ended() && slow.ended(); }));
  EXPECT_EQ(one->links->refusals().silent, 2u);
  EXPECT_TRUE(one->heard.said("no hello came in time"));
}

/// A member that is let in and then says what no member says.
class Treacherous : public Hostile {
 protected:
  void linked_and_then(ByteView bytes, const std::string& words) {
    Bytes first;
    encode_frame(hello(3), first);
    const Stranger three(one->port);
    three.say(first);
    ASSERT_TRUE(turn_until(loop, [&] { return one->links->linked(MemberId{3}); }));
    three.say(bytes);
    ASSERT_TRUE(turn_until(loop, [&] { return !one->links->linked(MemberId{3}); }));
    EXPECT_TRUE(one->heard.said(words));
    EXPECT_FALSE(one->heard.alarms.empty());
    // one has heard of member 3 only
    one->heard.ups.erase(std::find(one->heard.ups.begin(), one->heard.ups.end(), MemberId{3}));
  }
};

TEST_F(Treacherous, GarbageEndsTheLink) {
  const std::string_view garbage = "no frame, but more than eight bytes";
  linked_and_then(std::as_bytes(std::span(garbage)), "no frame of the stream");
}

TEST_F(Treacherous, ASecondHelloEndsTheLink) {
  Bytes again;
  encode_frame(hello(3), again);
  linked_and_then(again, "a second hello");
}

TEST_F(Treacherous, AFrameThatIsTooLargeEndsTheLink) {
  Bytes bytes(kFramePrefixBytes);
  const uint32_t length = limits::kStreamFrameBytesMax + 8;
  std::memcpy(bytes.data(), &length, 4);
  std::memcpy(bytes.data() + 4, &kFrameMark, 4);
  linked_and_then(bytes, "at most");
  EXPECT_EQ(one->links->refusals().oversize, 1u);
}

TEST(Dialling, IsGivenUpWhenAnotherMemberAnswers) {
  HotLoop loop;
  auto one = start_end(loop, settings_of(1, 0, {{MemberId{3}, "127.0.0.1", free_port()}}));
  // Member 3 dials member 2 at an address where member 1 listens.
  auto three = start_end(loop, settings_of(3, 0, {{kTwo, "127.0.0.1", one->port}}));
  ASSERT_TRUE(turn_until(loop, [&] { return three->links->refusals().member > 0; }));
  EXPECT_TRUE(three->heard.said("member 1 answers at the address of member 2"));
  EXPECT_FALSE(three->links->linked(kTwo));
}

}  // namespace
}  // namespace holdfast::replication::tests
