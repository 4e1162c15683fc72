// The stream's frames to and from bytes: four bytes of length, then one Cap'n Proto message.
// Written straight into the buffer that goes to the socket. Reading is total: any bytes give a
// value or an error with words, within the bounds of limits.hpp; what they say is not judged here.
#pragma once

#include "supervision/replication/stream/stream.hpp"

namespace holdfast::replication {

/// Bytes of a frame's length, little-endian; it counts what follows it.
inline constexpr std::size_t kFramePrefixBytes = 4;

/// One frame as it was read.
struct GroupMessage {
  GroupId group;
  PeerMessage message;
};
using Frame = std::variant<Hello, GroupMessage, DeliveryMessage>;

/// Append one whole frame, length included, to `out`. CHECK that it fits kStreamFrameBytesMax:
/// callers keep to the limits of entries, snapshots' parts and deliveries.
void encode_frame(const Hello& hello, Bytes& out);
void encode_frame(GroupId group, const PeerMessage& message, Bytes& out);
void encode_frame(const DeliveryMessage& message, Bytes& out);

/// Reads what followed a length. kInvalid says what is wrong. `frame` need not be aligned; the
/// value shares nothing with it.
Result<Frame> decode_frame(ByteView frame);

}  // namespace holdfast::replication
