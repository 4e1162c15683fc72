// The two clocks, as types that do not mix: MonoTime for deadlines, WallTime for records.
// Only nodes/ makes real clocks; a core is handed `now`.
#pragma once

#include <compare>
#include <cstdint>

namespace holdfast {

/// A span of time in nanoseconds, signed.
struct Duration {
  int64_t ns = 0;
  static constexpr Duration nanoseconds(int64_t n) { return {n}; }
  static constexpr Duration microseconds(int64_t n) { return {n * 1'000}; }
  static constexpr Duration milliseconds(int64_t n) { return {n * 1'000'000}; }
  static constexpr Duration seconds(int64_t n) { return {n * 1'000'000'000}; }
  constexpr int64_t ms() const { return ns / 1'000'000; }
  constexpr int64_t us() const { return ns / 1'000; }
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration a, int64_t n) { return {a.ns * n}; }
};

/// A point on the monotonic clock of one host, ns since an arbitrary start. Never journaled.
struct MonoTime {
  int64_t ns = 0;
  friend constexpr auto operator<=>(MonoTime, MonoTime) = default;
  friend constexpr MonoTime operator+(MonoTime t, Duration d) { return {t.ns + d.ns}; }
  friend constexpr Duration operator-(MonoTime a, MonoTime b) { return {a.ns - b.ns}; }
};

/// A point in UTC, ns since 1970-01-01. What is journaled is max(last journaled, clock).
struct WallTime {
  int64_t ns = 0;
  friend constexpr auto operator<=>(WallTime, WallTime) = default;
  friend constexpr WallTime operator+(WallTime t, Duration d) { return {t.ns + d.ns}; }
  friend constexpr Duration operator-(WallTime a, WallTime b) { return {a.ns - b.ns}; }
};

}  // namespace holdfast
