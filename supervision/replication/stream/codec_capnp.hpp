// The stream's frames to and from bytes: four bytes of length, then one Cap'n Proto message.
// Written straight into the buffer that goes to the socket. Reading is total: any bytes give a
// value or an error with words, within the bounds of limits.hpp; what they say is not judged here.
#pragma once

#include "supervision/replication/stream/stream.hpp"

namespace holdfast::replication {

/// What stands before each message: its length in bytes, then kFrameMark, both little-endian. Eight
/// bytes, so that messages stay aligned in a buffer of nothing but frames.
inline constexpr std::size_t kFramePrefixBytes = 8;
inline constexpr uint32_t kFrameMark = 0x31534648;  // "HFS1"
/// Longer deliveries are sent in several frames.
inline constexpr std::size_t kDeliveryItemsMax = limits::kOutboxInFlightMax;

/// One frame as it was read.
struct GroupMessage {
  GroupId group;
  PeerMessage message;
};
using Frame = std::variant<Hello, GroupMessage, DeliveryMessage>;

/// Append one whole frame to `out`, which holds nothing but frames. CHECK the bounds: callers keep
/// to the limits of entries, snapshots' parts and deliveries.
void encode_frame(const Hello& hello, Bytes& out);
void encode_frame(GroupId group, const PeerMessage& message, Bytes& out);
void encode_frame(const DeliveryMessage& message, Bytes& out);

/// Reads what followed a prefix. kInvalid says what is wrong. `message` need not be aligned, but is
/// copied if it is not; the value shares nothing with it.
Result<Frame> decode_frame(ByteView message);

}  // namespace holdfast::replication
