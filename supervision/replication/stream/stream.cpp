#include "supervision/replication/stream/stream.hpp"

#include <algorithm>

namespace holdfast::replication {

const Incarnation* incarnation_of(const Hello& hello, GroupId group) {
  for (const HelloGroup& hosted : hello.groups)
    if (hosted.group == group) return &hosted.incarnation;
  return nullptr;
}

Result<uint32_t> common_protocol(const Hello& ours, const Hello& theirs) {
  const uint32_t highest = std::min(ours.protocol, theirs.protocol);
  if (highest >= std::max(ours.protocol_oldest, theirs.protocol_oldest)) return highest;
  const auto range = [](const Hello& hello) {
    return std::to_string(hello.protocol_oldest) + " to " + std::to_string(hello.protocol);
  };
  return Error{ErrorCode::kConflict, "it speaks versions " + range(theirs) +
                                         " of the stream and this build " + range(ours)};
}

GroupId addressee(const DeliveryMessage& message) {
  struct Visitor {
    GroupId operator()(const VenueRequestDelivery& delivery) const { return delivery->to; }
    GroupId operator()(const VenueReportDelivery& delivery) const { return delivery->to; }
    GroupId operator()(const GroupLeadsTo& leads) const { return leads.to; }
    GroupId operator()(const VenueStatusTo& status) const { return status.to; }
  };
  return std::visit(Visitor{}, message);
}

}  // namespace holdfast::replication
