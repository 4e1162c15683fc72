// What an ingress shows to the operator API.
#pragma once

#include "actors/ingress/front.hpp"

namespace holdfast::ingress {

/// A snapshot of all counts.
struct IngressStats {
  Counters sessions;
  FrontCounters connections;
  uint16_t port = 0;
  uint32_t shards_up = 0, shards = 0;
  bool intake_stopped = false;
};

}  // namespace holdfast::ingress
