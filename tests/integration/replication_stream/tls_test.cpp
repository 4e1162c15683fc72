// The stream under TLS: who has a certificate of the same authority is let in, nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "supervision/replication/stream/address_linux.hpp"
#include "tests/integration/ingress/certificates.hpp"
#include "tests/integration/replication_stream/stream_fixture.hpp"

namespace holdfast::replication::tests {
namespace {

constexpr MemberId kOne{1}, kTwo{2};

class Tls : public testing::Test {
 protected:
  using Authority = ingress::tests::Authority;
  static LinkTls files(Authority& authority, const std::string& name,
                       const Authority* trusted = nullptr) {
    const auto made = authority.issue(name, trusted);
    return {made.certificate, made.key, made.ca};
  }
  /// `names`: of members one and two, for the other; empty: any certificate will do.
  void start(std::optional<LinkTls> tls_one, std::optional<LinkTls> tls_two,
             std::array<std::string, 2> names = {}) {
    const uint16_t port = free_port();
    auto settings = settings_of(1, 0, {{kTwo, "127.0.0.1", port, names[1]}});
    settings.tls = std::move(tls_one);
    one = start_end(loop, settings);
    settings = settings_of(2, port, {{kOne, "127.0.0.1", one->port, names[0]}});
    settings.tls = std::move(tls_two);
    two = start_end(loop, settings);
  }
  bool linked() const { return one->links->linked(kTwo) && two->links->linked(kOne); }

  Authority ours{"stream-ours"}, foreign{"stream-foreign"};
  HotLoop loop;
  std::unique_ptr<End> one, two;
};

TEST_F(Tls, LinksWhoHaveCertificatesOfOneAuthority) {
  start(files(ours, "one"), files(ours, "two"));
  ASSERT_TRUE(turn_until(loop, [&] { return linked(); }));
  // Large ones, so that neither a record nor a socket's buffer holds them.
  constexpr uint64_t kCount = 200;
  loop.enter([&] {
    for (uint64_t i = 1; i <= kCount; ++i) {
      two->links->send(kOne, GroupId{1}, append_of(i, 100'000));
      one->links->send(kTwo, GroupId{1}, append_of(i, 100'000));
    }
  });
  ASSERT_TRUE(turn_until(loop, [&] {
    return one->heard.messages.size() == kCount && two->heard.messages.size() == kCount;
  }));
  for (const Heard* heard : {&one->heard, &two->heard})
    for (uint64_t i = 1; i <= kCount; ++i) {
      const auto& append = std::get<peer::Append>(heard->messages[i - 1].message);
      EXPECT_EQ(append.last.value, i);
      EXPECT_EQ(*append.entries[0].bytes, Bytes(100'000, std::byte(i & 0xff)));
    }
}

TEST_F(Tls, SaysThatThePeerIsGoneAndMeetsItAgain) {
  start(files(ours, "one"), files(ours, "two"));
  ASSERT_TRUE(turn_until(loop, [&] { return linked(); }));
  loop.enter([&] { one->links->cut(kTwo); });
  ASSERT_TRUE(turn_until(loop, [&] { return linked() && one->heard.ups.size() == 2; }));
  two.reset();
  ASSERT_TRUE(turn_until(loop, [&] { return one->heard.down(kTwo, true) == 1; }));
}

TEST_F(Tls, RefusesACertificateOfAnotherAuthority) {
  // It trusts us, and we do not trust it.
  start(files(ours, "one"), files(foreign, "two", &ours));
  ASSERT_TRUE(turn_until(loop, [&] { return one->links->refusals().tls > 0; }));
  EXPECT_FALSE(one->links->linked(kTwo));
  EXPECT_TRUE(one->heard.ups.empty());
  EXPECT_FALSE(one->heard.alarms.empty());
}

TEST_F(Tls, DoesNotTalkToAServerOfAnotherAuthority) {
  start(files(foreign, "one", &ours), files(ours, "two"));
  ASSERT_TRUE(turn_until(loop, [&] { return two->links->refusals().tls > 0; }));
  EXPECT_FALSE(two->links->linked(kOne));
  EXPECT_TRUE(two->heard.said("said no hello: TLS"));
}

TEST_F(Tls, LinksWhoseCertificatesNameTheirMembers) {
  start(files(ours, "colo-a"), files(ours, "colo-b"), {"colo-a", "colo-b"});
  ASSERT_TRUE(turn_until(loop, [&] { return linked(); }));
  EXPECT_EQ(one->links->refusals().certificate + two->links->refusals().certificate, 0u);
}

TEST_F(Tls, RefusesAMemberWithTheCertificateOfAnother) {
  // Of the same authority, and taken from a third member.
  start(files(ours, "colo-a"), files(ours, "cloud-c"), {"colo-a", "colo-b"});
  ASSERT_TRUE(turn_until(loop, [&] { return one->links->refusals().certificate > 0; }));
  EXPECT_FALSE(one->links->linked(kTwo));
  EXPECT_TRUE(one->heard.ups.empty());
  EXPECT_TRUE(one->heard.said("its certificate does not name 'colo-b'"));
  EXPECT_GT(one->links->stats(kTwo).refused, 0u);
}

TEST_F(Tls, DoesNotTalkToAServerWithTheCertificateOfAnother) {
  start(files(ours, "cloud-c"), files(ours, "colo-b"), {"colo-a", "colo-b"});
  ASSERT_TRUE(turn_until(loop, [&] { return two->links->refusals().certificate > 0; }));
  EXPECT_FALSE(two->links->linked(kOne));
  EXPECT_TRUE(two->heard.said("its certificate does not name 'colo-a'"));
}

TEST_F(Tls, RefusesWhoSpeaksPlainly) {
  start(files(ours, "one"), std::nullopt);
  ASSERT_TRUE(turn_until(loop, [&] { return one->links->refusals().tls > 0; }));
  EXPECT_TRUE(one->heard.ups.empty());
}

TEST_F(Tls, StartsOnlyWithFilesThatCanBeUsed) {
  auto settings = settings_of(1, 0, {});
  settings.tls = files(ours, "one");
  settings.tls->key = files(ours, "two").key;
  Links wrong_key(loop, settings, {});
  const auto mismatched = wrong_key.start();
  ASSERT_FALSE(mismatched.ok());
  EXPECT_THAT(mismatched.error().text, testing::HasSubstr("two-key"));
  settings.tls->certificate = "/nowhere/certificate.pem";
  Links no_file(loop, settings, {});
  const auto missing = no_file.start();
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().text, testing::HasSubstr("/nowhere/certificate.pem"));
}

TEST_F(Tls, MayListenOutsideLoopback) {
  auto settings = settings_of(1, 0, {});
  settings.tls = files(ours, "one");
  settings.listen_host = "0.0.0.0";
  Links links(loop, settings, {});
  EXPECT_TRUE(links.start().ok());
}

}  // namespace
}  // namespace holdfast::replication::tests
