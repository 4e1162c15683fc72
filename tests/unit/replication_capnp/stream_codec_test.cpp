// The stream's frames: every kind comes back as it went, its bytes are those recorded, and whatever
// else comes is an error with words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/unit/replication_capnp/stream_samples.hpp"

namespace holdfast::replication::tests {
namespace {

using testing::HasSubstr;

ByteView message_of(const Bytes& frame) { return ByteView(frame).subspan(kFramePrefixBytes); }

// ---- equality of what has none of its own

bool same(const EntryRef& a, const EntryRef& b) {
  return a.index == b.index && a.epoch == b.epoch && *a.bytes == *b.bytes;
}
struct SamePeer {
  bool operator()(const peer::Lead& a, const peer::Lead& b) const {
    return a.epoch == b.epoch && a.leader == b.leader;
  }
  bool operator()(const peer::Stand& a, const peer::Stand& b) const {
    return a.epoch == b.epoch && a.member == b.member && a.round == b.round && a.last == b.last &&
           a.committed == b.committed && a.starts == b.starts;
  }
  bool operator()(const peer::Follow& a, const peer::Follow& b) const {
    return a.epoch == b.epoch && a.round == b.round && a.common == b.common;
  }
  bool operator()(const peer::Append& a, const peer::Append& b) const {
    return a.epoch == b.epoch && a.last == b.last && a.commit == b.commit && a.sent == b.sent &&
           std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                      [](const EntryRef& x, const EntryRef& y) { return same(x, y); });
  }
  bool operator()(const peer::Ack& a, const peer::Ack& b) const {
    return a.epoch == b.epoch && a.member == b.member && a.index == b.index && a.sent == b.sent;
  }
  bool operator()(const peer::SnapshotPart& a, const peer::SnapshotPart& b) const {
    return a.epoch == b.epoch && a.round == b.round && a.at == b.at && a.chain == b.chain &&
           a.total == b.total && a.offset == b.offset && a.bytes == b.bytes;
  }
  bool operator()(const peer::SnapshotAck& a, const peer::SnapshotAck& b) const {
    return a.epoch == b.epoch && a.round == b.round && a.offset == b.offset;
  }
  template <typename T>
  bool operator()(const T& a, const T& b) const {
    return a.epoch == b.epoch;
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};
template <typename Item>
bool same(const Delivery<Item>& a, const Delivery<Item>& b) {
  return a.from == b.from && a.to == b.to && a.epoch == b.epoch && a.first == b.first &&
         a.items == b.items && a.acknowledged == b.acknowledged && a.sent == b.sent;
}
struct SameDelivery {
  bool operator()(const VenueRequestDelivery& a, const VenueRequestDelivery& b) const {
    return same(*a, *b);
  }
  bool operator()(const VenueReportDelivery& a, const VenueReportDelivery& b) const {
    return same(*a, *b);
  }
  bool operator()(const GroupLeadsTo& a, const GroupLeadsTo& b) const {
    return a.to == b.to && a.leads.group == b.leads.group && a.leads.epoch == b.leads.epoch &&
           a.leads.cursor == b.leads.cursor;
  }
  bool operator()(const VenueStatusTo& a, const VenueStatusTo& b) const {
    return a.to == b.to && a.status.venue == b.status.venue && a.status.group == b.status.group &&
           a.status.state == b.status.state && a.status.in_flight == b.status.in_flight;
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};
struct SameFrame {
  bool operator()(const Hello& a, const Hello& b) const { return a == b; }
  bool operator()(const GroupMessage& a, const GroupMessage& b) const {
    return a.group == b.group && std::visit(SamePeer{}, a.message, b.message);
  }
  bool operator()(const DeliveryMessage& a, const DeliveryMessage& b) const {
    return std::visit(SameDelivery{}, a, b);
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

TEST(StreamCodec, GivesBackEveryKindOfFrame) {
  for (const Frame& frame : sample_frames()) {
    const auto read = decode_frame(message_of(encoded(frame)));
    ASSERT_TRUE(read.ok()) << read.error().text;
    EXPECT_TRUE(std::visit(SameFrame{}, read.value(), frame)) << "kind " << frame.index();
  }
}

TEST(StreamCodec, SamplesHoldEveryAlternative) {
  std::vector<bool> peers(std::variant_size_v<PeerMessage>),
      deliveries(std::variant_size_v<DeliveryMessage>);
  for (const Frame& frame : sample_frames()) {
    if (const auto* message = std::get_if<GroupMessage>(&frame))
      peers[message->message.index()] = true;
    if (const auto* delivery = std::get_if<DeliveryMessage>(&frame))
      deliveries[delivery->index()] = true;
  }
  EXPECT_THAT(peers, testing::Each(true));
  EXPECT_THAT(deliveries, testing::Each(true));
}

TEST(StreamCodec, WritesItsLengthAndMarkAndStaysAligned) {
  Bytes out;
  for (const Frame& frame : sample_frames()) {
    const std::size_t start = out.size();
    const Bytes alone = encoded(frame);
    out.insert(out.end(), alone.begin(), alone.end());
    uint32_t length = 0, mark = 0;
    std::memcpy(&length, out.data() + start, 4);
    std::memcpy(&mark, out.data() + start + 4, 4);
    EXPECT_EQ(length + kFramePrefixBytes, alone.size());
    EXPECT_EQ(mark, kFrameMark);
    EXPECT_EQ(out.size() % 8, 0u);
  }
}

TEST(StreamCodec, WritesBehindOtherFramesWhatItWritesAlone) {
  Bytes together, parts;
  encode_frame(sample_hello(), together);
  encode_frame({1}, peer::Append{{5}, {sample_entry(7, 99)}, {7}, {6}, {1}}, together);
  encode_frame(sample_hello(), parts);
  const Bytes second =
      encoded(Frame{GroupMessage{{1}, peer::Append{{5}, {sample_entry(7, 99)}, {7}, {6}, {1}}}});
  parts.insert(parts.end(), second.begin(), second.end());
  EXPECT_EQ(together, parts);
}

// What these bytes say must be readable for as long as builds that write them are around.
TEST(StreamCodec, WritesTheRecordedBytes) {
  uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a over all samples
  for (const Frame& frame : sample_frames())
    for (const std::byte byte : encoded(frame))
      hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3ull;
  EXPECT_EQ(hash, 4249224275317712103ull);

  Bytes ack;
  encode_frame({3}, peer::Ack{{5}, sample_incarnation(2), {7}, {8}}, ack);
  std::string hex;
  for (const std::byte byte : ack) {
    hex += "0123456789abcdef"[static_cast<unsigned>(byte) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned>(byte) & 15];
  }
  EXPECT_EQ(
      hex,
      "700000004846533100000000020001000300000005000000000000000000000000000000040001000500000000"
      "000000070000000000000008000000000000000000000000000000000000000500000002000000000000001716"
      "1514131211101f1e1d1c1b1a1918a7a6a5a4a3a2a1a0afaeadacabaaa9a8");
}

TEST(StreamCodec, ReadsUnalignedBytesToo) {
  const Bytes frame = encoded(Frame{sample_hello()});
  Bytes moved(1);
  moved.insert(moved.end(), frame.begin() + kFramePrefixBytes, frame.end());
  EXPECT_TRUE(decode_frame(ByteView(moved).subspan(1)).ok());
}

TEST(StreamCodec, RefusesFramesCutAtAnyByte) {
  for (const Frame& frame : sample_frames()) {
    const Bytes bytes = encoded(frame);
    for (std::size_t size = 0; size + kFramePrefixBytes < bytes.size(); ++size) {
      const auto read = decode_frame(message_of(bytes).first(size));
      // A message may be whole without words at its end that say nothing; then it is the same.
      if (read.ok()) {
        const Bytes again = encoded(read.value());
        const auto reread = decode_frame(message_of(again));
        ASSERT_TRUE(reread.ok());
        EXPECT_EQ(size % 8, 0u);
      } else {
        EXPECT_FALSE(read.error().text.empty());
      }
    }
  }
}

TEST(StreamCodec, ReadsAnyBytesAsAValueOrAnError) {
  std::mt19937_64 random(7);
  const auto frames = sample_frames();
  std::size_t refused = 0, taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = encoded(frames[random() % frames.size()]);
    for (auto changes = random() % 4 + 1; changes > 0; --changes)
      bytes[kFramePrefixBytes + random() % (bytes.size() - kFramePrefixBytes)] =
          std::byte(random() & 0xff);
    const auto read = decode_frame(message_of(bytes));
    if (!read.ok()) {
      ++refused;
      ASSERT_FALSE(read.error().text.empty());
      continue;
    }
    ++taken;
    ASSERT_TRUE(decode_frame(message_of(encoded(read.value()))).ok());
  }
  EXPECT_GT(refused, 100u);
  EXPECT_GT(taken, 100u);
}

TEST(StreamCodec, SaysWhatIsWrong) {
  const auto refusal = [](const Bytes& bytes) {
    const auto read = decode_frame(message_of(bytes));
    return read.ok() ? std::string("taken") : read.error().text;
  };
  Bytes small;
  encode_frame({1}, peer::Append{{5}, {sample_entry(7, 0)}, {}, {}, {}}, small);
  EXPECT_THAT(refusal(small), HasSubstr("an entry of 0 bytes"));

  Bytes part;
  encode_frame({1}, peer::SnapshotPart{{5}, 1, {}, {}, 10, 8, Bytes(3)}, part);
  EXPECT_THAT(refusal(part), HasSubstr("reaches over its end"));

  auto hello = sample_hello();
  hello.cluster = "two\nlines";
  Bytes lines;
  encode_frame(hello, lines);
  EXPECT_THAT(refusal(lines), HasSubstr("cluster"));

  VenueReport report = sample_report();
  report.kind = static_cast<VenueReportKind>(200);
  EXPECT_THAT(refusal(encoded(Frame{sample_delivery<VenueReport>({report})})),
              HasSubstr("report kind"));
  VenueRequest request = sample_request();
  request.time_in_force = static_cast<TimeInForce>(2);
  EXPECT_THAT(refusal(encoded(Frame{sample_delivery<VenueRequest>({request})})),
              HasSubstr("time in force"));
  EXPECT_THAT(refusal(Bytes(kFramePrefixBytes)), HasSubstr("0 bytes"));
}

TEST(StreamCodec, TakesTheLargestOfEverything) {
  Bytes out;
  encode_frame({1}, peer::Append{{5}, {sample_entry(7, limits::kEntryBytesMax)}, {}, {}, {}}, out);
  EXPECT_TRUE(decode_frame(message_of(out)).ok());

  auto hello = sample_hello();
  hello.cluster = std::string(limits::kNameBytes, 'c');
  hello.order_entry = std::string(limits::kStreamAddressBytes - 1, 'h');
  hello.groups.assign(limits::kGroupsPerNodeMax, {{1}, sample_incarnation(7)});
  const Bytes bytes = encoded(Frame{hello});
  EXPECT_TRUE(decode_frame(message_of(bytes)).ok());
  EXPECT_LE(bytes.size(), limits::kStreamHelloBytesMax);

  VenueReport report = sample_report();
  const std::string text(limits::kReasonTextBytes, 't');
  report.wire = report.original = std::string_view("123456789012345678901234");
  report.venue_order_id = report.exec_id = report.exec_ref =
      std::string_view("1234567890123456789012345678901234567890");
  report.text = std::string_view(text);
  const Bytes reports = encoded(
      Frame{sample_delivery<VenueReport>(std::vector<VenueReport>(kDeliveryItemsMax, report))});
  EXPECT_TRUE(decode_frame(message_of(reports)).ok());
}

TEST(StreamCodec, SendsTheNewestOfALongHistory) {
  peer::Stand stand{{5}, sample_incarnation(2), 1, {}, {}, {}};
  for (uint64_t i = 1; i <= limits::kStreamEpochsMax + 10; ++i) stand.starts.push_back({{i}, {i}});
  Bytes out;
  encode_frame({1}, stand, out);
  const auto read = decode_frame(message_of(out));
  ASSERT_TRUE(read.ok()) << read.error().text;
  const auto& starts = std::get<peer::Stand>(std::get<GroupMessage>(read.value()).message).starts;
  EXPECT_EQ(starts.size(), limits::kStreamEpochsMax);
  EXPECT_EQ(starts.back(), stand.starts.back());
}

TEST(StreamHello, AgreesOnTheHighestCommonVersion) {
  Hello ours, theirs;
  ours.protocol = 4;
  ours.protocol_oldest = 3;
  theirs.protocol = 3;
  theirs.protocol_oldest = 1;
  EXPECT_EQ(common_protocol(ours, theirs).value(), 3u);
  EXPECT_EQ(common_protocol(theirs, ours).value(), 3u);
  theirs.protocol = 2;
  const auto none = common_protocol(ours, theirs);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().text, HasSubstr("versions 1 to 2"));
  EXPECT_FALSE(common_protocol(theirs, ours).ok());
}

}  // namespace
}  // namespace holdfast::replication::tests
