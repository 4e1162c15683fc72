// One frame of every kind, with every field set to something of its own.
#pragma once

#include <vector>

#include "supervision/replication/stream/codec_capnp.hpp"

namespace holdfast::replication::tests {

inline Uuid sample_uuid(uint8_t first) {
  Uuid uuid;
  for (auto& byte : uuid.bytes) byte = first++;
  return uuid;
}

inline Incarnation sample_incarnation(uint32_t member) {
  return {{member}, sample_uuid(0x10), sample_uuid(0xa0)};
}

inline Hello sample_hello() {
  Hello hello;
  hello.protocol = 3;
  hello.protocol_oldest = 2;
  hello.entry_format = 4;
  hello.cluster = "colo.test-1";
  hello.member = {7};
  hello.pid = 4242;
  hello.process_start = 987654321;
  hello.order_entry = "127.0.0.1:7001";
  hello.groups = {{{1}, sample_incarnation(7)}, {{1001}, sample_incarnation(7)}};
  return hello;
}

inline VenueRequest sample_request() {
  VenueRequest request;
  request.kind = VenueRequestKind::kReplace;
  request.order = {11};
  request.wire = "W-000000000000000000000N";
  request.original = "W-1";
  request.venue_order_id = "V-1";
  request.client_order_id = "C-1";
  request.account = "ACC";
  request.symbol = "AAPL";
  request.side = Side::kSell;
  request.type = OrderType::kLimit;
  request.time_in_force = TimeInForce::kImmediateOrCancel;
  request.price = {1234567890};
  request.quantity = {100};
  request.attribution = {"algo", "trader", "desk"};
  request.trace = {99};
  request.intake = {1700000000000000000};
  return request;
}

inline VenueReport sample_report() {
  VenueReport report;
  report.kind = VenueReportKind::kFill;
  report.order = {11};
  report.wire = "W-2";
  report.original = "W-1";
  report.venue_order_id = "V-1";
  report.exec_id = "E-1";
  report.exec_ref = "E-0";
  report.trade_date = 20260102;
  report.symbol = "AAPL";
  report.side = Side::kSell;
  report.venue_state = OrderState::kPartiallyFilled;
  report.price = {1};
  report.quantity = {2};
  report.last_quantity = {3};
  report.last_price = {4};
  report.cumulative_quantity = {5};
  report.leaves_quantity = {-6};
  report.reason = Reason::kVenueReject;
  report.text = "a text of the venue";
  report.venue_time = {7};
  report.possible_duplicate = true;
  report.drop_copy = true;
  return report;
}

template <typename Item>
DeliveryMessage sample_delivery(std::vector<Item> items) {
  auto delivery = std::make_shared<Delivery<Item>>();
  delivery->from = {1};
  delivery->to = {1001};
  delivery->epoch = {5};
  delivery->first = {6};
  delivery->acknowledged = {7};
  delivery->items = std::move(items);
  return DeliveryMessage{std::shared_ptr<const Delivery<Item>>(delivery)};
}

inline EntryRef sample_entry(uint64_t index, std::size_t bytes) {
  return {{index}, {2}, std::make_shared<const Bytes>(bytes, std::byte(index))};
}

inline std::vector<Frame> sample_frames() {
  const auto of_group = [](PeerMessage message) {
    return Frame{GroupMessage{{1001}, std::move(message)}};
  };
  const Incarnation who = sample_incarnation(2);
  return {
      Frame{sample_hello()},
      of_group(peer::Lead{{5}, who}),
      of_group(peer::Stand{{5}, who, 6, {7}, {8}, {{{1}, {1}}, {{4}, {6}}}}),
      of_group(peer::Stand{{5}, who, 6, {}, {}, {}}),
      of_group(peer::Follow{{5}, 6, {7}}),
      of_group(peer::Append{{5}, {sample_entry(7, 64), sample_entry(8, 577)}, {9}, {6}, {-1}}),
      of_group(peer::Append{{5}, {}, {9}, {6}, {123456789}}),
      of_group(peer::Ack{{5}, who, {7}, {8}}),
      of_group(peer::Superseded{{5}}),
      of_group(peer::SnapshotPart{
          {5}, 6, {{4}, {7}, {8}}, {9, 10}, 1000, 100, Bytes(333, std::byte{42})}),
      of_group(peer::SnapshotPart{{5}, 6, {}, {}, 0, 0, {}}),
      of_group(peer::SnapshotAck{{5}, 6, 7}),
      of_group(peer::HandOver{{5}}),
      of_group(peer::Resign{{5}}),
      Frame{sample_delivery<VenueRequest>({sample_request(), VenueRequest{}})},
      Frame{sample_delivery<VenueReport>({sample_report(), VenueReport{}})},
      Frame{sample_delivery<VenueRequest>({})},
      Frame{DeliveryMessage{GroupLeadsTo{{1001}, {{1}, {5}, {6}}}}},
      Frame{DeliveryMessage{
          VenueStatusTo{{1}, {"XNAS", {1001}, VenueSessionState::kRecovering, 12}}}},
  };
}

/// The frame's bytes, prefix included.
inline Bytes encoded(const Frame& frame) {
  Bytes out;
  if (const auto* hello = std::get_if<Hello>(&frame))
    encode_frame(*hello, out);
  else if (const auto* message = std::get_if<GroupMessage>(&frame))
    encode_frame(message->group, message->message, out);
  else
    encode_frame(std::get<DeliveryMessage>(frame), out);
  return out;
}

}  // namespace holdfast::replication::tests
