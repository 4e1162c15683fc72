// Price, Quantity and Notional: distinct signed 64-bit integers scaled by 1e-8, parsed from decimal
// text. Money never touches floating point. Products go through 128 bits; what does not fit is an
// error that rejects the order, never a wrapped number.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace holdfast {

inline constexpr int64_t kScale = 100'000'000;

namespace fixed_point {
/// Decimal text ("-12.5", at most 8 decimals, no exponent) to units of 1e-8; kInvalid says what is
/// wrong.
Result<int64_t> parse(std::string_view text);
/// Units of 1e-8 to the shortest decimal text.
std::string format(int64_t units);
/// As `format`, into `out` (room for 24 bytes); returns the length. Allocates nothing.
std::size_t format_to(char* out, int64_t units);
}  // namespace fixed_point

/// One scaled number; `Tag` keeps prices, quantities and notionals apart.
template <typename Tag>
struct FixedPoint {
  int64_t units = 0;  // 1e-8

  static constexpr FixedPoint from_units(int64_t u) { return {u}; }
  /// A whole number, CHECKed to fit. For literals and tests.
  static constexpr FixedPoint whole(int64_t n) {
    int64_t u = 0;
    CHECK(!__builtin_mul_overflow(n, kScale, &u));
    return {u};
  }
  static Result<FixedPoint> parse(std::string_view text) {
    auto units = fixed_point::parse(text);
    if (!units) return units.error();
    return FixedPoint{units.value()};
  }
  std::string str() const { return fixed_point::format(units); }
  constexpr bool positive() const { return units > 0; }
  constexpr bool zero() const { return units == 0; }
  friend constexpr auto operator<=>(FixedPoint, FixedPoint) = default;
  /// CHECKs overflow: only for numbers that are already known to be inside their limits.
  friend constexpr FixedPoint operator+(FixedPoint a, FixedPoint b) {
    int64_t u = 0;
    CHECK(!__builtin_add_overflow(a.units, b.units, &u));
    return {u};
  }
  friend constexpr FixedPoint operator-(FixedPoint a, FixedPoint b) {
    int64_t u = 0;
    CHECK(!__builtin_sub_overflow(a.units, b.units, &u));
    return {u};
  }
};

using Price = FixedPoint<struct PriceTag>;
using Quantity = FixedPoint<struct QuantityTag>;
using Notional = FixedPoint<struct NotionalTag>;

/// a + b, or nothing when it overflows.
template <typename Tag>
constexpr std::optional<FixedPoint<Tag>> checked_add(FixedPoint<Tag> a, FixedPoint<Tag> b) {
  int64_t u = 0;
  if (__builtin_add_overflow(a.units, b.units, &u)) return std::nullopt;
  return FixedPoint<Tag>{u};
}

/// price × quantity rounded toward the larger magnitude (so that no exposure is understated), or
/// nothing when it does not fit.
constexpr std::optional<Notional> notional_of(Price price, Quantity quantity) {
  const __int128 product = static_cast<__int128>(price.units) * quantity.units;
  __int128 scaled = product / kScale;
  if (product % kScale != 0) scaled += product > 0 ? 1 : -1;
  if (scaled > INT64_MAX || scaled < INT64_MIN) return std::nullopt;
  return Notional{static_cast<int64_t>(scaled)};
}

}  // namespace holdfast
