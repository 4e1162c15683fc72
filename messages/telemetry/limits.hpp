// The bounds of telemetry, apart from limits.hpp since nothing on the order path needs them: how
// much a subscriber may leave waiting, how many series are known, how much one outside source may
// send.
#pragma once

#include <cstddef>
#include <cstdint>

#include "messages/time.hpp"

namespace holdfast::limits {

// ---- the bus
inline constexpr std::size_t kSubscribersMax = 256;
inline constexpr std::size_t kSubscriberSamplesDefault = 8'192;  // waiting for one subscriber
inline constexpr std::size_t kSubscriberSamplesMax = 1u << 17;
inline constexpr std::size_t kSampleBatchMax = 4'096;  // samples in one batch
inline constexpr std::size_t kRingPoints = 64;         // of one agent on the ring of its domain

// ---- intake from outside
inline constexpr std::size_t kTelemetrySourcesMax = 256;
inline constexpr std::size_t kTelemetrySeriesMax = 8'192;        // known at once, of all sources
inline constexpr std::size_t kTelemetrySeriesPerSource = 1'024;  // outside this process
inline constexpr uint32_t kTelemetrySamplesPerSecond = 5'000;    // of one source, sustained
inline constexpr uint32_t kTelemetryBurst = 10'000;              // of one source, at once
inline constexpr Duration kTelemetryStale = Duration::seconds(60);
inline constexpr Duration kTelemetryFuture = Duration::seconds(2);
inline constexpr std::size_t kTelemetryBodyBytesMax = 1u << 20;  // one OTLP request
inline constexpr std::size_t kTelemetryPointsPerRequest = 10'000;

// ---- what is kept to be looked at
inline constexpr std::size_t kTelemetryPointsKept = 1u << 20;  // of all series, 24 bytes each

// ---- export
inline constexpr std::size_t kOtlpBatchesWaiting = 64;  // then the oldest is dropped

static_assert(kSampleBatchMax <= kSubscriberSamplesDefault);
static_assert(kSubscriberSamplesDefault <= kSubscriberSamplesMax);
static_assert(kTelemetrySeriesPerSource <= kTelemetrySeriesMax);
static_assert(kTelemetryPointsPerRequest <= kTelemetryBurst, "one full request is no flood");

}  // namespace holdfast::limits
