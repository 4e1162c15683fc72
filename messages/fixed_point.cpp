#include "messages/fixed_point.hpp"

#include <cstring>

namespace holdfast::fixed_point {

namespace {
Error bad(std::string_view text, const char* why) {
  return {ErrorCode::kInvalid,
          "'" + std::string(text.substr(0, 40)) + "' is not a decimal number: " + why};
}
}  // namespace

Result<int64_t> parse(std::string_view text) {
  constexpr int kDecimals = 8;
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) ++at;
  __int128 units = 0;
  int decimals = -1;  // digits seen after the point, -1 before it
  int digits = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.') {
      if (decimals >= 0) return bad(text, "two decimal points");
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return bad(text, "only digits, one '.' and a leading '-' are allowed");
    if (decimals >= 0 && ++decimals > kDecimals) {
      if (c != '0') return bad(text, "more than 8 decimals");
      continue;
    }
    ++digits;
    units = units * 10 + (c - '0');
    if (units > static_cast<__int128>(INT64_MAX)) return bad(text, "out of range");
  }
  if (digits == 0) return bad(text, "no digits");
  for (int d = decimals < 0 ? 0 : decimals; d < kDecimals; ++d) units *= 10;
  if (units > static_cast<__int128>(INT64_MAX)) return bad(text, "out of range");
  return static_cast<int64_t>(negative ? -units : units);
}

std::size_t format_to(char* out, int64_t units) {
  char reversed[32];
  std::size_t n = 0;
  uint64_t magnitude = units < 0 ? 0 - static_cast<uint64_t>(units) : static_cast<uint64_t>(units);
  uint64_t fraction = magnitude % kScale;
  uint64_t whole = magnitude / kScale;
  if (fraction != 0) {
    int left = 8;
    while (fraction % 10 == 0) {
      fraction /= 10;
      --left;
    }
    for (; left > 0; --left) {
      reversed[n++] = static_cast<char>('0' + fraction % 10);
      fraction /= 10;
    }
    reversed[n++] = '.';
  }
  do {
    reversed[n++] = static_cast<char>('0' + whole % 10);
    whole /= 10;
  } while (whole != 0);
  if (units < 0) reversed[n++] = '-';
  for (std::size_t i = 0; i < n; ++i) out[i] = reversed[n - 1 - i];
  return n;
}

std::string format(int64_t units) {
  char buffer[32];
  return std::string(buffer, format_to(buffer, units));
}

}  // namespace holdfast::fixed_point
