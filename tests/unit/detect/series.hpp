// Made series for the tests: noise from a seed, and the configuration that is shipped.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>

#include "actors/telemetry/detect/config.hpp"
#include "nodes/settings/detector_settings.hpp"
#include "tests/source_path.hpp"

namespace holdfast::detect {

/// The configuration of config/detectors.toml.
inline Config shipped() {
  settings::Problems problems;
  const auto config =
      settings::load_detectors(tests::source_path("config/detectors.toml"), problems);
  EXPECT_TRUE(problems.none()) << problems.str();
  return config;
}

/// The same numbers everywhere: the standard's distributions differ between libraries.
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  /// Uniform in (0, 1).
  double uniform() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (static_cast<double>(state_ >> 11) + 0.5) * 0x1p-53;
  }
  /// Standard normal.
  double normal() {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t state_;
};

constexpr Duration kMinute = Duration::seconds(60);
inline WallTime minute(int64_t n) { return {n * kMinute.ns}; }

}  // namespace holdfast::detect
