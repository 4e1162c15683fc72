#include "actors/venues/fix/fix_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace holdfast::venues {

namespace {
constexpr std::string_view kStart = "8=FIX";
constexpr std::size_t kTrailerBytes = 7;  // "10=NNN|"
constexpr std::size_t kPreambleMax = 32;  // "8=FIX.4.4|9=NNNNN|"

enum class Shape { kWhole, kMore, kNot };
struct Framed {
  Shape shape = Shape::kMore;
  std::size_t size = 0;
};

uint8_t checksum(std::string_view bytes) {
  uint8_t sum = 0;
  for (unsigned char c : bytes) sum = static_cast<uint8_t>(sum + c);
  return sum;
}

bool right_trailer(std::string_view message, std::string_view trailer) {
  if (trailer.substr(0, 3) != "10=" || trailer[6] != kSoh) return false;
  const auto sum = parse_number(trailer.substr(3, 3));
  return sum && *sum == checksum(message);
}

/// Judges what starts at "8=FIX".
Framed judge(std::string_view bytes) {
  const std::size_t first = bytes.substr(0, kPreambleMax).find(kSoh);
  if (first == std::string_view::npos)
    return {bytes.size() < kPreambleMax ? Shape::kMore : Shape::kNot};
  const std::string_view rest = bytes.substr(first + 1, kPreambleMax);
  const std::size_t second = rest.find(kSoh);
  const std::string_view length_field = rest.substr(0, second);
  if (length_field.size() >= 2 && length_field.substr(0, 2) != "9=") return {Shape::kNot};
  if (second == std::string_view::npos)
    return {rest.size() < kPreambleMax ? Shape::kMore : Shape::kNot};
  if (length_field.size() < 3) return {Shape::kNot};
  const auto length = parse_number(length_field.substr(2));
  if (!length || *length == 0 || *length > limits::kFixMessageBytesMax) return {Shape::kNot};
  const std::size_t body_end = first + 1 + second + 1 + *length;
  const std::size_t size = body_end + kTrailerBytes;
  if (size > limits::kFixMessageBytesMax) return {Shape::kNot};
  if (bytes.size() < size) return {Shape::kMore};
  if (bytes[body_end - 1] != kSoh) return {Shape::kNot};
  if (!right_trailer(bytes.substr(0, body_end), bytes.substr(body_end, kTrailerBytes)))
    return {Shape::kNot};
  return {Shape::kWhole, size};
}

struct Civil {
  int year, month, day;
};
/// Days since 1970-01-01 to a date and back (Howard Hinnant's public-domain algorithm).
Civil civil_of(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto doe = static_cast<uint32_t>(days - era * 146097);
  const uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const uint32_t mp = (5 * doy + 2) / 153;
  const auto day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {static_cast<int>(static_cast<int64_t>(yoe) + era * 400) + (month <= 2), month, day};
}
int64_t days_of(int64_t year, uint32_t month, uint32_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto yoe = static_cast<uint32_t>(year - era * 400);
  const uint32_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const uint32_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<int64_t>(doe) - 719468;
}
constexpr int64_t kDay = 86'400'000'000'000;
int64_t day_of(WallTime time) { return time.ns / kDay - (time.ns % kDay < 0 ? 1 : 0); }
}  // namespace

void FixFramer::push(std::string_view bytes) {
  if (at_ > 0 && buffer_.size() + bytes.size() > limits::kFixReceiveBufferBytes) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  const std::size_t room = limits::kFixReceiveBufferBytes - buffer_.size();
  if (bytes.size() > room) {
    garbage_ += 1;
    garbage_bytes_ += bytes.size() - room;
    bytes = bytes.substr(0, room);
  }
  buffer_.append(bytes);
}

void FixFramer::skip(std::size_t count) {
  if (count == 0) return;
  if (!in_garbage_) garbage_ += 1;
  in_garbage_ = true;
  garbage_bytes_ += count;
  at_ += count;
}

std::optional<std::string_view> FixFramer::next() {
  for (;;) {
    const std::string_view rest = std::string_view(buffer_).substr(at_);
    const std::size_t start = rest.find(kStart);
    if (start == std::string_view::npos) {
      // Keep what may be the beginning of a start.
      std::size_t keep = std::min(rest.size(), kStart.size() - 1);
      while (keep > 0 && rest.substr(rest.size() - keep) != kStart.substr(0, keep)) --keep;
      skip(rest.size() - keep);
      break;
    }
    skip(start);
    const std::string_view message = rest.substr(start);
    const Framed framed = judge(message);
    if (framed.shape == Shape::kMore) break;
    if (framed.shape == Shape::kNot) {
      skip(kStart.size());
      continue;
    }
    in_garbage_ = false;
    at_ += framed.size;
    return message.substr(0, framed.size);
  }
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  return std::nullopt;
}

void FixFramer::clear() {
  buffer_.clear();
  at_ = 0;
  in_garbage_ = false;
}

FixHeader header_of(std::string_view message) {
  FixHeader header;
  std::size_t at = 0;
  while (at < message.size()) {
    std::size_t end = message.find(kSoh, at);
    if (end == std::string_view::npos) end = message.size();
    const std::string_view field = message.substr(at, end - at);
    const std::size_t equals = field.find('=');
    if (equals != std::string_view::npos) {
      const std::string_view tag = field.substr(0, equals), value = field.substr(equals + 1);
      if (tag == "35" && header.type.empty()) {
        header.type = value;
      } else if (tag == "34" && header.number == 0) {
        header.number = parse_number(value).value_or(0);
      } else if (tag == "43") {
        header.possible_duplicate = value == "Y";
      } else if (tag == "141") {
        header.reset = value == "Y";
      }
    }
    at = end + 1;
  }
  return header;
}

std::optional<std::string_view> field_of(std::string_view message, uint32_t tag) {
  char text[16];
  const auto end = std::to_chars(text, text + sizeof text, tag).ptr;
  *end = '=';
  const std::string_view wanted(text, static_cast<std::size_t>(end - text) + 1);
  std::size_t at = 0;
  while (at < message.size()) {
    std::size_t stop = message.find(kSoh, at);
    if (stop == std::string_view::npos) stop = message.size();
    const std::string_view field = message.substr(at, stop - at);
    if (field.starts_with(wanted)) return field.substr(wanted.size());
    at = stop + 1;
  }
  return std::nullopt;
}

std::optional<uint32_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  uint32_t number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number;
}

std::string utc_timestamp(WallTime time) {
  const int64_t day = day_of(time);
  const Civil date = civil_of(day);
  const int64_t ms = (time.ns - day * kDay) / 1'000'000;
  // Digit by digit: every order carries one, and snprintf takes ten times as long.
  std::string text = "YYYYMMDD-HH:MM:SS.mmm";
  const auto put = [&text](std::size_t at, std::size_t digits, int64_t value) {
    for (std::size_t i = at + digits; i-- > at; value /= 10)
      text[i] = static_cast<char>('0' + value % 10);
  };
  put(0, 4, date.year);
  put(4, 2, date.month);
  put(6, 2, date.day);
  put(9, 2, ms / 3'600'000);
  put(12, 2, ms / 60'000 % 60);
  put(15, 2, ms / 1000 % 60);
  put(18, 3, ms % 1000);
  return text;
}

Result<WallTime> parse_utc_timestamp(std::string_view text) {
  const auto bad = [&] {
    return Error{ErrorCode::kInvalid,
                 "'" + std::string(text.substr(0, 40)) + "' is no UTC timestamp"};
  };
  const auto part = [&](std::size_t at, std::size_t count) {
    return text.size() >= at + count ? parse_number(text.substr(at, count)) : std::nullopt;
  };
  if (text.size() < 17 || text.size() > 27 || text[8] != '-' || text[11] != ':' || text[14] != ':')
    return bad();
  const auto year = part(0, 4), month = part(4, 2), day = part(6, 2), hour = part(9, 2),
             minute = part(12, 2), second = part(15, 2);
  if (!year || !month || !day || !hour || !minute || !second) return bad();
  if (*year < 1970 || *year > 2200 || *month < 1 || *month > 12 || *day < 1 || *day > 31 ||
      *hour > 23 || *minute > 59 || *second > 60)
    return bad();
  int64_t fraction = 0;
  if (text.size() > 17) {
    const std::string_view digits = text.substr(18);
    if (text[17] != '.' || digits.empty() || digits.size() > 9) return bad();
    const auto number = parse_number(digits);
    if (!number) return bad();
    fraction = *number;
    for (std::size_t i = digits.size(); i < 9; ++i) fraction *= 10;
  }
  const int64_t seconds = int64_t{*hour} * 3600 + int64_t{*minute} * 60 + *second;
  return WallTime{days_of(*year, *month, *day) * kDay + seconds * 1'000'000'000 + fraction};
}

uint32_t utc_date(WallTime time) {
  const Civil date = civil_of(day_of(time));
  return static_cast<uint32_t>(date.year * 10'000 + date.month * 100 + date.day);
}

std::string frame(std::string_view begin_string, std::string_view body) {
  std::string message = "8=" + std::string(begin_string) + kSoh +
                        "9=" + std::to_string(body.size()) + kSoh + std::string(body);
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u", unsigned{checksum(message)});
  return message + trailer + kSoh;
}

}  // namespace holdfast::venues
