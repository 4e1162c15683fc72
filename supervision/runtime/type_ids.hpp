// The ranges of message type ids, one a room, so that rooms never meet. Only a message that leaves
// the process needs an id (CAF_BEGIN_TYPE_ID_BLOCK in the room, ids from its range, and
// ActorSystemSettings::register_types); a message that stays inside is declared by
// HOLDFAST_LOCAL_MESSAGE.
#pragma once

#include <cstdint>

namespace holdfast::type_ids {

inline constexpr uint16_t kFirst = 200;  // below: the library's own
inline constexpr uint16_t kRuntime = kFirst;
inline constexpr uint16_t kTree = kFirst + 100;
inline constexpr uint16_t kOrders = kFirst + 200;
inline constexpr uint16_t kRisk = kFirst + 300;
inline constexpr uint16_t kRouting = kFirst + 400;
inline constexpr uint16_t kVenues = kFirst + 500;
inline constexpr uint16_t kIngress = kFirst + 600;
inline constexpr uint16_t kReplication = kFirst + 700;
inline constexpr uint16_t kTelemetry = kFirst + 800;
inline constexpr uint16_t kOrchestrator = kFirst + 900;
inline constexpr uint16_t kEnd = kFirst + 1000;

}  // namespace holdfast::type_ids
