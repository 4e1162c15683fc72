#include "supervision/replication/stream/codec_capnp.hpp"

#include <capnp/message.h>
#include <kj/exception.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "messages/codecs/venue_exchange_capnp.hpp"
#include "messages/schema/replication.capnp.h"

namespace holdfast::replication {

namespace {

static_assert(std::endian::native == std::endian::little, "Cap'n Proto's own byte order");

constexpr std::size_t kWord = sizeof(capnp::word);

// ---- writing: room for the whole message is made at the end of the buffer, and filled in place

/// One segment in place. More would be a message larger than the writer said: a bug.
class InPlace final : public capnp::MessageBuilder {
 public:
  explicit InPlace(kj::ArrayPtr<capnp::word> room) : room_(room) {}
  kj::ArrayPtr<capnp::word> allocateSegment(capnp::uint) override {
    CHECK(!taken_);
    taken_ = true;
    return room_;
  }

 private:
  kj::ArrayPtr<capnp::word> room_;
  bool taken_ = false;
};

/// Appends a frame of at most `words` beside its root, filled by `fill`.
template <typename Fill>
void append_frame(Bytes& out, GroupId group, std::size_t words, Fill&& fill) {
  constexpr std::size_t kRoot = 1 + capnp::sizeInWords<wire::Frame>();
  const std::size_t start = out.size();
  CHECK(start % kWord == 0);
  CHECK((kRoot + words) * kWord <= limits::kStreamFrameBytesMax);
  out.resize(start + kFramePrefixBytes + (kRoot + words) * kWord);
  std::size_t used = 0;
  {
    InPlace message(
        kj::arrayPtr(reinterpret_cast<capnp::word*>(out.data() + start) + 1, kRoot + words));
    auto frame = message.initRoot<wire::Frame>();
    frame.setGroup(group.value);
    fill(frame);
    used = message.getSegmentsForOutput()[0].size() * kWord;
  }
  const auto length = static_cast<uint32_t>(used);
  std::memcpy(out.data() + start, &length, sizeof length);
  std::memcpy(out.data() + start + sizeof length, &kFrameMark, sizeof kFrameMark);
  out.resize(start + kFramePrefixBytes + used);
}

constexpr std::size_t list_words(std::size_t bytes) { return (bytes + kWord - 1) / kWord; }
/// A list of structs: its tag and its elements.
template <typename Struct>
constexpr std::size_t list_of(std::size_t count) {
  return 1 + count * capnp::sizeInWords<Struct>();
}
template <typename Struct>
constexpr std::size_t kWordsOf = capnp::sizeInWords<Struct>();
constexpr std::size_t text_words(std::string_view text) { return text.size() / kWord + 1; }

uint64_t half(const Uuid& uuid, std::size_t at) {
  uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | uuid.bytes[at + i];
  return value;
}
Uuid uuid_of(uint64_t high, uint64_t low) {
  Uuid uuid;
  for (std::size_t i = 0; i < 8; ++i) {
    uuid.bytes[7 - i] = static_cast<uint8_t>(high >> (8 * i));
    uuid.bytes[15 - i] = static_cast<uint8_t>(low >> (8 * i));
  }
  return uuid;
}

void put(wire::Incarnation::Builder to, const Incarnation& from) {
  to.setMember(from.member.value);
  to.setDataDirHigh(half(from.data_dir, 0));
  to.setDataDirLow(half(from.data_dir, 8));
  to.setBootHigh(half(from.boot, 0));
  to.setBootLow(half(from.boot, 8));
}
Incarnation get(wire::Incarnation::Reader from) {
  return {{from.getMember()},
          uuid_of(from.getDataDirHigh(), from.getDataDirLow()),
          uuid_of(from.getBootHigh(), from.getBootLow())};
}

capnp::Data::Reader data_of(ByteView bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

/// Writes one peer message: how much room it needs, and then its fields.
struct PeerWriter {
  GroupId group;
  Bytes& out;

  void operator()(const peer::Lead& from) const {
    append_frame(out, group, kWordsOf<wire::Lead> + kWordsOf<wire::Incarnation>, [&](auto frame) {
      auto to = frame.initLead();
      to.setEpoch(from.epoch.value);
      put(to.initLeader(), from.leader);
    });
  }
  void operator()(const peer::Stand& from) const {
    // Who gets less of the history finds less in common, and takes a snapshot.
    const std::size_t count = std::min(from.starts.size(), limits::kStreamEpochsMax);
    const std::size_t first = from.starts.size() - count;
    append_frame(
        out, group,
        kWordsOf<wire::Stand> + kWordsOf<wire::Incarnation> + list_of<wire::EpochStart>(count),
        [&](auto frame) {
          auto to = frame.initStand();
          to.setEpoch(from.epoch.value);
          to.setRound(from.round);
          to.setLast(from.last.value);
          to.setCommitted(from.committed.value);
          put(to.initMember(), from.member);
          auto starts = to.initStarts(static_cast<unsigned>(count));
          for (unsigned i = 0; i < starts.size(); ++i) {
            starts[i].setEpoch(from.starts[first + i].epoch.value);
            starts[i].setFirst(from.starts[first + i].first.value);
          }
        });
  }
  void operator()(const peer::Follow& from) const {
    append_frame(out, group, kWordsOf<wire::Follow>, [&](auto frame) {
      auto to = frame.initFollow();
      to.setEpoch(from.epoch.value);
      to.setRound(from.round);
      to.setCommon(from.common.value);
    });
  }
  void operator()(const peer::Append& from) const {
    CHECK(from.entries.size() <= limits::kEntriesInFlightMax);
    std::size_t words = kWordsOf<wire::Append> + list_of<wire::Entry>(from.entries.size());
    for (const EntryRef& entry : from.entries) words += list_words(entry.bytes->size());
    append_frame(out, group, words, [&](auto frame) {
      auto to = frame.initAppend();
      to.setEpoch(from.epoch.value);
      to.setLast(from.last.value);
      to.setCommit(from.commit.value);
      to.setSent(from.sent.ns);
      if (from.entries.empty()) return;
      auto entries = to.initEntries(static_cast<unsigned>(from.entries.size()));
      for (unsigned i = 0; i < entries.size(); ++i) {
        auto entry = entries[i];
        entry.setIndex(from.entries[i].index.value);
        entry.setEpoch(from.entries[i].epoch.value);
        entry.setBytes(data_of(*from.entries[i].bytes));
      }
    });
  }
  void operator()(const peer::Ack& from) const {
    append_frame(out, group, kWordsOf<wire::Ack> + kWordsOf<wire::Incarnation>, [&](auto frame) {
      auto to = frame.initAck();
      to.setRebuilding(from.rebuilding);
      to.setEpoch(from.epoch.value);
      to.setIndex(from.index.value);
      to.setSent(from.sent.ns);
      put(to.initMember(), from.member);
    });
  }
  void operator()(const peer::Superseded& from) const {
    append_frame(out, group, 0, [&](auto frame) { frame.setSuperseded(from.epoch.value); });
  }
  void operator()(const peer::SnapshotPart& from) const {
    append_frame(out, group, kWordsOf<wire::SnapshotPart> + list_words(from.bytes.size()),
                 [&](auto frame) {
                   auto to = frame.initSnapshotPart();
                   to.setEpoch(from.epoch.value);
                   to.setRound(from.round);
                   to.setAtEpoch(from.at.epoch.value);
                   to.setAtIndex(from.at.index.value);
                   to.setAtTime(from.at.time.ns);
                   to.setChainHigh(from.chain.high);
                   to.setChainLow(from.chain.low);
                   to.setTotal(from.total);
                   to.setOffset(from.offset);
                   to.setBytes(data_of(from.bytes));
                 });
  }
  void operator()(const peer::SnapshotAck& from) const {
    append_frame(out, group, kWordsOf<wire::SnapshotAck>, [&](auto frame) {
      auto to = frame.initSnapshotAck();
      to.setEpoch(from.epoch.value);
      to.setRound(from.round);
      to.setOffset(from.offset);
    });
  }
  void operator()(const peer::HandOver& from) const {
    append_frame(out, group, 0, [&](auto frame) { frame.setHandOver(from.epoch.value); });
  }
  void operator()(const peer::Resign& from) const {
    append_frame(out, group, 0, [&](auto frame) { frame.setResign(from.epoch.value); });
  }
};

/// The fields and items of a delivery of either kind.
template <typename Item, typename Builder>
void put_delivery(const Delivery<Item>& from, Builder to) {
  to.setFrom(from.from.value);
  to.setEpoch(from.epoch.value);
  to.setFirst(from.first.value);
  to.setAcknowledged(from.acknowledged.value);
  to.setSent(from.sent.ns);
  if (from.items.empty()) return;
  auto items = to.initItems(static_cast<unsigned>(from.items.size()));
  for (unsigned i = 0; i < items.size(); ++i) encode(from.items[i], items[i]);
}
template <typename Item>
std::size_t item_words(const Delivery<Item>& from) {
  std::size_t words = 1;
  for (const Item& item : from.items) words += encoded_words(item);
  return words;
}

struct DeliveryWriter {
  Bytes& out;

  void operator()(const VenueRequestDelivery& from) const {
    CHECK(from->items.size() <= kDeliveryItemsMax);
    append_frame(out, from->to, kWordsOf<wire::Requests> + item_words(*from),
                 [&](auto frame) { put_delivery(*from, frame.initRequests()); });
  }
  void operator()(const VenueReportDelivery& from) const {
    CHECK(from->items.size() <= kDeliveryItemsMax);
    append_frame(out, from->to, kWordsOf<wire::Reports> + item_words(*from),
                 [&](auto frame) { put_delivery(*from, frame.initReports()); });
  }
  void operator()(const GroupLeadsTo& from) const {
    append_frame(out, from.to, kWordsOf<wire::GroupLeads>, [&](auto frame) {
      auto to = frame.initGroupLeads();
      to.setGroup(from.leads.group.value);
      to.setEpoch(from.leads.epoch.value);
      to.setCursor(from.leads.cursor.value);
    });
  }
  void operator()(const VenueStatusTo& from) const {
    const auto venue = from.status.venue.str();
    append_frame(out, from.to, kWordsOf<wire::VenueStatus> + text_words(venue), [&](auto frame) {
      auto to = frame.initVenueStatus();
      to.setVenue(venue);
      to.setGroup(from.status.group.value);
      to.setState(static_cast<uint8_t>(from.status.state));
      to.setInFlight(from.status.in_flight);
    });
  }
};

// ---- reading

Error invalid(std::string text) { return {ErrorCode::kInvalid, std::move(text)}; }

Result<Frame> read(wire::Hello::Reader from) {
  const auto text = [](capnp::Text::Reader t) { return std::string(t.begin(), t.size()); };
  const auto groups = from.getGroups();
  if (groups.size() > limits::kGroupsPerNodeMax)
    return invalid("a hello with " + std::to_string(groups.size()) + " groups");
  Hello hello;
  hello.protocol = from.getProtocol();
  hello.protocol_oldest = from.getProtocolOldest();
  hello.entry_format = from.getEntryFormat();
  hello.member = {from.getMember()};
  hello.pid = from.getPid();
  hello.process_start = from.getProcessStart();
  const auto cluster = Text<limits::kNameBytes>::parse(text(from.getCluster()));
  if (!cluster) return invalid("a hello's cluster: " + cluster.error().text);
  hello.cluster = cluster.value().str();
  const auto entry = Text<limits::kStreamAddressBytes - 1>::parse(text(from.getOrderEntry()));
  if (!entry) return invalid("a hello's order entry address: " + entry.error().text);
  hello.order_entry = entry.value().str();
  hello.groups.reserve(groups.size());
  for (const auto group : groups)
    hello.groups.push_back({{group.getGroup()}, get(group.getIncarnation())});
  return Frame{std::move(hello)};
}

Result<Frame> peer_frame(GroupId group, PeerMessage message) {
  return Frame{GroupMessage{group, std::move(message)}};
}

Result<Frame> read(GroupId group, wire::Stand::Reader from) {
  const auto starts = from.getStarts();
  if (starts.size() > limits::kStreamEpochsMax)
    return invalid("a history of " + std::to_string(starts.size()) + " epochs");
  peer::Stand to{{from.getEpoch()}, get(from.getMember()), from.getRound(),
                 {from.getLast()},  {from.getCommitted()}, {}};
  to.starts.reserve(starts.size());
  for (const auto start : starts) to.starts.push_back({{start.getEpoch()}, {start.getFirst()}});
  return peer_frame(group, std::move(to));
}

Result<Frame> read(GroupId group, wire::Append::Reader from) {
  const auto entries = from.getEntries();
  if (entries.size() > limits::kEntriesInFlightMax)
    return invalid("an append of " + std::to_string(entries.size()) + " entries");
  peer::Append to{{from.getEpoch()}, {}, {from.getLast()}, {from.getCommit()}, {from.getSent()}};
  to.entries.reserve(entries.size());
  for (const auto entry : entries) {
    const auto bytes = entry.getBytes();
    if (bytes.size() == 0 || bytes.size() > limits::kEntryBytesMax)
      return invalid("an entry of " + std::to_string(bytes.size()) + " bytes");
    const auto* first = reinterpret_cast<const std::byte*>(bytes.begin());
    to.entries.push_back({{entry.getIndex()},
                          {entry.getEpoch()},
                          std::make_shared<const Bytes>(first, first + bytes.size())});
  }
  return peer_frame(group, std::move(to));
}

Result<Frame> read(GroupId group, wire::SnapshotPart::Reader from) {
  const auto bytes = from.getBytes();
  if (from.getOffset() > from.getTotal() || bytes.size() > from.getTotal() - from.getOffset())
    return invalid("a part of a snapshot that reaches over its end");
  if (bytes.size() > kSnapshotPartBytesMax || from.getTotal() > kSnapshotBytesMax)
    return invalid("a part of a snapshot of " + std::to_string(bytes.size()) + " of " +
                   std::to_string(from.getTotal()) + " bytes: too large");
  peer::SnapshotPart to{{from.getEpoch()},
                        from.getRound(),
                        {{from.getAtEpoch()}, {from.getAtIndex()}, {from.getAtTime()}},
                        {from.getChainHigh(), from.getChainLow()},
                        from.getTotal(),
                        from.getOffset(),
                        {}};
  const auto* first = reinterpret_cast<const std::byte*>(bytes.begin());
  to.bytes.assign(first, first + bytes.size());
  return peer_frame(group, std::move(to));
}

template <typename Item, typename Reader>
Result<Frame> read_delivery(GroupId to, Reader from) {
  const auto items = from.getItems();
  if (items.size() > kDeliveryItemsMax)
    return invalid("a delivery of " + std::to_string(items.size()) + " items");
  auto delivery = std::make_shared<Delivery<Item>>(Delivery<Item>{{from.getFrom()},
                                                                  to,
                                                                  {from.getEpoch()},
                                                                  {from.getFirst()},
                                                                  {},
                                                                  {from.getAcknowledged()},
                                                                  {from.getSent()}});
  delivery->items.reserve(items.size());
  for (const auto item : items) {
    auto read = decode(item);
    if (!read) return invalid("an item of a delivery: " + read.error().text);
    delivery->items.push_back(std::move(read).value());
  }
  return Frame{DeliveryMessage{std::shared_ptr<const Delivery<Item>>(std::move(delivery))}};
}

Result<Frame> read(GroupId to, wire::VenueStatus::Reader from) {
  const auto name = from.getVenue();
  const auto venue = VenueName::parse({name.begin(), name.size()});
  if (!venue) return invalid("a venue's name: " + venue.error().text);
  if (from.getState() > static_cast<uint8_t>(VenueSessionState::kKilled))
    return invalid("venue state " + std::to_string(from.getState()) + " is not known");
  return Frame{DeliveryMessage{VenueStatusTo{to,
                                             {venue.value(),
                                              {from.getGroup()},
                                              static_cast<VenueSessionState>(from.getState()),
                                              from.getInFlight()}}}};
}

Result<Frame> read(wire::Frame::Reader frame) {
  const GroupId group{frame.getGroup()};
  if (frame.which() == wire::Frame::HELLO) return read(frame.getHello());
  if (!group) return invalid("a message for no group");
  switch (frame.which()) {
    case wire::Frame::LEAD: {
      const auto lead = frame.getLead();
      return peer_frame(group, peer::Lead{{lead.getEpoch()}, get(lead.getLeader())});
    }
    case wire::Frame::STAND:
      return read(group, frame.getStand());
    case wire::Frame::FOLLOW: {
      const auto from = frame.getFollow();
      return peer_frame(group,
                        peer::Follow{{from.getEpoch()}, from.getRound(), {from.getCommon()}});
    }
    case wire::Frame::APPEND:
      return read(group, frame.getAppend());
    case wire::Frame::ACK: {
      const auto from = frame.getAck();
      return peer_frame(group, peer::Ack{{from.getEpoch()},
                                         get(from.getMember()),
                                         {from.getIndex()},
                                         {from.getSent()},
                                         from.getRebuilding()});
    }
    case wire::Frame::SUPERSEDED:
      return peer_frame(group, peer::Superseded{{frame.getSuperseded()}});
    case wire::Frame::SNAPSHOT_PART:
      return read(group, frame.getSnapshotPart());
    case wire::Frame::SNAPSHOT_ACK: {
      const auto from = frame.getSnapshotAck();
      return peer_frame(group,
                        peer::SnapshotAck{{from.getEpoch()}, from.getRound(), from.getOffset()});
    }
    case wire::Frame::HAND_OVER:
      return peer_frame(group, peer::HandOver{{frame.getHandOver()}});
    case wire::Frame::RESIGN:
      return peer_frame(group, peer::Resign{{frame.getResign()}});
    case wire::Frame::REQUESTS:
      return read_delivery<VenueRequest>(group, frame.getRequests());
    case wire::Frame::REPORTS:
      return read_delivery<VenueReport>(group, frame.getReports());
    case wire::Frame::GROUP_LEADS: {
      const auto from = frame.getGroupLeads();
      return Frame{DeliveryMessage{
          GroupLeadsTo{group, {{from.getGroup()}, {from.getEpoch()}, {from.getCursor()}}}}};
    }
    case wire::Frame::VENUE_STATUS:
      return read(group, frame.getVenueStatus());
    default:
      return invalid("a frame of the unknown kind " +
                     std::to_string(static_cast<unsigned>(frame.which())));
  }
}

}  // namespace

void encode_frame(const Hello& hello, Bytes& out) {
  CHECK(hello.groups.size() <= limits::kGroupsPerNodeMax);
  CHECK(hello.cluster.size() <= limits::kNameBytes);
  CHECK(hello.order_entry.size() < limits::kStreamAddressBytes);
  const std::size_t words = kWordsOf<wire::Hello> + text_words(hello.cluster) +
                            text_words(hello.order_entry) +
                            list_of<wire::HelloGroup>(hello.groups.size()) +
                            hello.groups.size() * kWordsOf<wire::Incarnation>;
  append_frame(out, {}, words, [&](auto frame) {
    auto to = frame.initHello();
    to.setProtocol(hello.protocol);
    to.setProtocolOldest(hello.protocol_oldest);
    to.setEntryFormat(hello.entry_format);
    to.setMember(hello.member.value);
    to.setPid(hello.pid);
    to.setProcessStart(hello.process_start);
    to.setCluster(hello.cluster);
    to.setOrderEntry(hello.order_entry);
    auto groups = to.initGroups(static_cast<unsigned>(hello.groups.size()));
    for (unsigned i = 0; i < groups.size(); ++i) {
      groups[i].setGroup(hello.groups[i].group.value);
      put(groups[i].initIncarnation(), hello.groups[i].incarnation);
    }
  });
}

void encode_frame(GroupId group, const PeerMessage& message, Bytes& out) {
  CHECK(group);
  std::visit(PeerWriter{group, out}, message);
}

void encode_frame(const DeliveryMessage& message, Bytes& out) {
  CHECK(addressee(message));
  std::visit(DeliveryWriter{out}, message);
}

Result<Frame> decode_frame(ByteView message) {
  if (message.empty() || message.size() % kWord != 0)
    return invalid("a frame of " + std::to_string(message.size()) + " bytes");
  kj::Array<capnp::word> aligned;
  const auto* words = reinterpret_cast<const capnp::word*>(message.data());
  const std::size_t count = message.size() / kWord;
  if (reinterpret_cast<uintptr_t>(message.data()) % alignof(capnp::word) != 0) {
    aligned = kj::heapArray<capnp::word>(count);
    std::memcpy(aligned.begin(), message.data(), message.size());
    words = aligned.begin();
  }
  // Each word is read once; twice leaves no room for pointers that all lead to the same bytes.
  const capnp::ReaderOptions options{2 * count + 64, 8};
  const kj::ArrayPtr<const capnp::word> segments[] = {kj::arrayPtr(words, count)};
  try {
    capnp::SegmentArrayMessageReader reader(kj::arrayPtr(segments, 1), options);
    return read(reader.getRoot<wire::Frame>());
  } catch (const kj::Exception& e) {
    return invalid(std::string("a malformed frame: ") + e.getDescription().cStr());
  }
}

}  // namespace holdfast::replication
