// What builds of before have written: journals of format 1 with the snapshots that they made of
// them, and frames of version 1 of the stream. This build reads them, comes to the states that
// those builds came to, and writes what they read.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <set>

#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "supervision/replication/recovery.hpp"
#include "supervision/replication/stream/codec_capnp.hpp"
#include "tests/source_path.hpp"
#include "tests/unit/replication_capnp/stream_samples.hpp"

namespace holdfast::replication {
namespace {

Bytes file_bytes(const std::string& name) {
  std::ifstream file(holdfast::tests::source_path("tests/conformance/releases/" + name),
                     std::ios::binary);
  EXPECT_TRUE(file) << name;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// Takes numbers and byte strings off the front of a recorded file.
class Taker {
 public:
  explicit Taker(ByteView bytes) : bytes_(bytes) {}
  template <typename T>
  T number() {
    T out{};
    if (bytes_.size() < sizeof out) throw std::runtime_error("the recording is cut short");
    std::memcpy(&out, bytes_.data(), sizeof out);
    bytes_ = bytes_.subspan(sizeof out);
    return out;
  }
  ByteView bytes() {
    const auto size = number<uint32_t>();
    if (bytes_.size() < size) throw std::runtime_error("the recording is cut short");
    const ByteView out = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return out;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  ByteView bytes_;
};

/// A recorded journal as a log.
class Recorded final : public LogReader {
 public:
  explicit Recorded(const std::string& name) {
    const Bytes all = file_bytes(name + ".entries");
    for (Taker taker(all); !taker.empty();) {
      const ByteView entry = taker.bytes();
      entries.emplace_back(entry.begin(), entry.end());
    }
    const Bytes stored = file_bytes(name + ".snapshot");
    Taker taker(stored);
    snapshot.at.epoch = {taker.number<uint64_t>()};
    snapshot.at.index = {taker.number<uint64_t>()};
    snapshot.at.time = {taker.number<int64_t>()};
    snapshot.chain = {taker.number<uint64_t>(), taker.number<uint64_t>()};
    const ByteView state = taker.bytes();
    snapshot.state.assign(state.begin(), state.end());
  }
  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return with_snapshot ? std::optional(snapshot) : std::nullopt;
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    for (std::size_t i = from.value - 1; i < entries.size(); ++i)
      if (auto visited = visit({i + 1}, entries[i]); !visited) return visited;
    return success();
  }
  std::vector<Bytes> entries;
  Snapshot snapshot;
  bool with_snapshot = false;
};

/// Entries from the first, and the snapshot that the older build made of them, give one state.
template <typename C>
void same_state_as_then(const std::string& name, GroupId group, const Codec<C>& codec) {
  Recorded recorded(name);
  ASSERT_GT(recorded.entries.size(), 20u);
  Replica<C> replayed(group);
  auto from_entries = recover(replayed, recorded, codec, recorded.snapshot.at.index);
  ASSERT_TRUE(from_entries.ok()) << from_entries.error().text;
  EXPECT_EQ(from_entries.value().chain, recorded.snapshot.chain);
  EXPECT_EQ(replayed.epoch(), recorded.snapshot.at.epoch);
  recorded.with_snapshot = true;
  Replica<C> restored(group);
  auto from_snapshot = recover(restored, recorded, codec, recorded.snapshot.at.index);
  ASSERT_TRUE(from_snapshot.ok()) << from_snapshot.error().text;
  EXPECT_EQ(from_snapshot.value().entries_replayed, 0u);
  Bytes one, other;
  codec.encode_state(replayed.state(), one);
  codec.encode_state(restored.state(), other);
  EXPECT_EQ(hash_of(one), hash_of(other));
  EXPECT_NE(digest_of<C>(replayed.state()), 0u);
  EXPECT_EQ(digest_of<C>(replayed.state()), digest_of<C>(restored.state()));
}

/// What this build writes in format 1 is, header and chain, what the older build wrote, and events
/// written anew say what the old ones say.
template <typename C>
void written_as_then(const std::string& name, const Codec<C>& codec) {
  const Recorded recorded(name);
  std::vector<typename C::Event> events, again;
  for (const Bytes& bytes : recorded.entries) {
    auto entry = decode_entry(bytes);
    ASSERT_TRUE(entry.ok()) << entry.error().text;
    ASSERT_EQ(entry.value().header.format, 1);
    EXPECT_EQ(entry.value().header.committed, Index{});
    Bytes written;
    EXPECT_EQ(encode_entry(entry.value().header, entry.value().body, written), entry.value().hash);
    ASSERT_EQ(written, bytes);
    if (entry.value().header.epoch_start) continue;
    events.clear();
    auto decoded = codec.decode_events(entry.value().body, events);
    ASSERT_TRUE(decoded.ok()) << decoded.error().text;
    ASSERT_FALSE(events.empty());
    Bytes body, body_again;
    codec.encode_events(events, body);
    again.clear();
    ASSERT_TRUE(codec.decode_events(body, again).ok());
    ASSERT_EQ(again.size(), events.size());
    codec.encode_events(again, body_again);
    EXPECT_EQ(body, body_again);
  }
}

TEST(Releases, JournalsOfOrderShardsOfFormat1GiveTheStatesTheyGaveThen) {
  const orders::ShardCodec codec;
  same_state_as_then<orders::ShardCore>("format-1/group-1", {1}, codec);
  same_state_as_then<orders::ShardCore>("format-1/group-2", {2}, codec);
}

TEST(Releases, JournalsOfGatewaysOfFormat1GiveTheStatesTheyGaveThen) {
  same_state_as_then<venues::GatewayCore>("format-1/group-1001", {1001}, venues::GatewayCodec());
}

TEST(Releases, WhatIsWrittenInFormat1IsWhatWasWrittenThen) {
  written_as_then<orders::ShardCore>("format-1/group-1", orders::ShardCodec());
  written_as_then<orders::ShardCore>("format-1/group-2", orders::ShardCodec());
  written_as_then<venues::GatewayCore>("format-1/group-1001", venues::GatewayCodec());
}

const peer::Ack* an_ack(const Frame& frame) {
  const auto* message = std::get_if<GroupMessage>(&frame);
  return message ? std::get_if<peer::Ack>(&message->message) : nullptr;
}

bool is_dated(const DeliveryMessage& message) {
  return std::holds_alternative<VenueRequestDelivery>(message) ||
         std::holds_alternative<VenueReportDelivery>(message);
}
void expect_same(const DeliveryMessage& then, const DeliveryMessage& now) {
  ASSERT_EQ(then.index(), now.index());
  std::visit(
      [&](const auto& one) {
        using Kind = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Kind, VenueRequestDelivery> ||
                      std::is_same_v<Kind, VenueReportDelivery>) {
          const auto& other = std::get<Kind>(now);
          EXPECT_EQ(one->sent.ns, 0);
          EXPECT_EQ(other->sent.ns, 0);
          EXPECT_EQ(one->from, other->from);
          EXPECT_EQ(one->to, other->to);
          EXPECT_EQ(one->epoch, other->epoch);
          EXPECT_EQ(one->first, other->first);
          EXPECT_EQ(one->items, other->items);
          EXPECT_EQ(one->acknowledged, other->acknowledged);
        }
      },
      then);
}

/// Frames of version 1 are written byte for byte as they were, except where something was added: an
/// acknowledgement says whether its sender is being rebuilt, a delivery when it left. One of before
/// says neither, and what is written of it reads back as the same.
TEST(Releases, FramesOfVersion1AreReadAndWrittenAsTheyWereThen) {
  const Bytes stream = file_bytes("stream-1/frames");
  std::set<std::size_t> messages, deliveries;
  std::size_t hellos = 0;
  for (std::size_t at = 0; at < stream.size();) {
    uint32_t size = 0, mark = 0;
    ASSERT_GE(stream.size() - at, kFramePrefixBytes);
    std::memcpy(&size, stream.data() + at, sizeof size);
    std::memcpy(&mark, stream.data() + at + 4, sizeof mark);
    ASSERT_EQ(mark, kFrameMark);
    ASSERT_GE(stream.size() - at - kFramePrefixBytes, size);
    const ByteView whole(stream.data() + at, kFramePrefixBytes + size);
    auto frame = decode_frame(whole.subspan(kFramePrefixBytes));
    ASSERT_TRUE(frame.ok()) << "at byte " << at << ": " << frame.error().text;
    const Bytes ours = tests::encoded(frame.value());
    if (const auto* ack = an_ack(frame.value())) {
      EXPECT_FALSE(ack->rebuilding) << "at byte " << at;
      auto again = decode_frame(ByteView(ours).subspan(kFramePrefixBytes));
      ASSERT_TRUE(again.ok()) << "at byte " << at << ": " << again.error().text;
      ASSERT_NE(an_ack(again.value()), nullptr);
      EXPECT_EQ(an_ack(again.value())->epoch, ack->epoch);
      EXPECT_EQ(an_ack(again.value())->index, ack->index);
      EXPECT_EQ(tests::encoded(again.value()), ours) << "at byte " << at;
    } else if (const auto* delivery = std::get_if<DeliveryMessage>(&frame.value());
               delivery && is_dated(*delivery)) {
      // Deliveries have come to say when they left: what does not say it reads as "not told".
      auto again = decode_frame(ByteView(ours).subspan(kFramePrefixBytes));
      ASSERT_TRUE(again.ok()) << "at byte " << at << ": " << again.error().text;
      expect_same(*delivery, std::get<DeliveryMessage>(again.value()));
      EXPECT_EQ(tests::encoded(again.value()), ours) << "at byte " << at;
    } else {
      EXPECT_EQ(ours, Bytes(whole.begin(), whole.end())) << "at byte " << at;
    }
    if (const auto* message = std::get_if<GroupMessage>(&frame.value()))
      messages.insert(message->message.index());
    else if (const auto* delivery = std::get_if<DeliveryMessage>(&frame.value()))
      deliveries.insert(delivery->index());
    else
      hellos += 1;
    at += whole.size();
  }
  EXPECT_EQ(hellos, 1u);
  EXPECT_EQ(messages.size(), std::variant_size_v<PeerMessage>);
  EXPECT_EQ(deliveries.size(), std::variant_size_v<DeliveryMessage>);
}

}  // namespace
}  // namespace holdfast::replication
