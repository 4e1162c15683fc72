#include "nodes/venue/fix_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace holdfast::exchange {

namespace {

constexpr char kSoh = '\x01';
constexpr std::size_t kVersionBytesMax = 16;  // after "8="
constexpr std::size_t kLengthDigitsMax = 9;
constexpr std::size_t kTrailerBytes = 7;  // "10=nnn" and its SOH

Frame garbage(const char* why) { return {Frame::Kind::kGarbage, 0, why}; }

// True while `received` and `expected` agree as far as both go.
bool agrees(std::string_view received, std::string_view expected) {
  const std::size_t n = std::min(received.size(), expected.size());
  return received.substr(0, n) == expected.substr(0, n);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Frame next_frame(std::string_view received, std::size_t bytes_max) {
  if (!agrees(received, "8=FIX")) return garbage("does not start with 8=FIX");
  const std::size_t version_end = received.find(kSoh);
  if (version_end == std::string_view::npos)
    return received.size() > kVersionBytesMax ? garbage("BeginString does not end") : Frame{};
  if (version_end > kVersionBytesMax) return garbage("BeginString is too long");
  std::size_t at = version_end + 1;
  if (!agrees(received.substr(at), "9=")) return garbage("BodyLength is not the second field");
  at += 2;
  std::size_t length = 0;
  std::size_t digits = 0;
  for (; at < received.size() && is_digit(received[at]); ++at) {
    if (++digits > kLengthDigitsMax) return garbage("BodyLength is too long");
    length = length * 10 + static_cast<std::size_t>(received[at] - '0');
  }
  if (length + at + 1 + kTrailerBytes > bytes_max) return garbage("BodyLength is above the limit");
  if (at >= received.size()) return {};
  if (received[at] != kSoh || digits == 0) return garbage("BodyLength is not a number");
  const std::size_t trailer = at + 1 + length;
  if (received.size() < trailer + kTrailerBytes) return {};
  const std::string_view sum = received.substr(trailer, kTrailerBytes);
  const bool well_formed = sum.substr(0, 3) == "10=" && is_digit(sum[3]) && is_digit(sum[4]) &&
                           is_digit(sum[5]) && sum[6] == kSoh && received[trailer - 1] == kSoh;
  if (!well_formed) return garbage("CheckSum is not where BodyLength says");
  return {Frame::Kind::kMessage, trailer + kTrailerBytes, ""};
}

std::string_view TimestampText::of(WallTime now) {
  const int64_t second = now.ns / 1'000'000'000;
  if (second != second_) {
    second_ = second;
    // Days to civil date, Howard Hinnant's algorithm (eras of 400 years that begin in March).
    const int64_t days = second / 86'400 + 719'468;
    const int64_t era = days / 146'097;
    const int64_t day_of_era = days - era * 146'097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted_month = (5 * day_of_year + 2) / 153;
    const int day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    const int year = static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    const int in_day = static_cast<int>(second % 86'400);
    std::snprintf(text_, sizeof text_, "%04d%02d%02d-%02d:%02d:%02d.000", year % 10'000,
                  month % 100, day % 100, in_day / 3'600 % 24, in_day / 60 % 60, in_day % 60);
  }
  const int ms = static_cast<int>(now.ns / 1'000'000 % 1'000);
  text_[18] = static_cast<char>('0' + ms / 100);
  text_[19] = static_cast<char>('0' + ms / 10 % 10);
  text_[20] = static_cast<char>('0' + ms % 10);
  return {text_, 21};
}

void ReportEncoder::field(std::string_view tag, std::string_view value) {
  body_ += tag;
  body_ += value;
  body_ += kSoh;
}

void ReportEncoder::optional_field(std::string_view tag, std::string_view value) {
  if (!value.empty()) field(tag, value);
}

void ReportEncoder::field(std::string_view tag, char value) {
  field(tag, std::string_view(&value, 1));
}

void ReportEncoder::number(std::string_view tag, uint64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  field(tag, {digits, static_cast<std::size_t>(end - digits)});
}

void ReportEncoder::decimal(std::string_view tag, int64_t units) {
  char digits[32];
  const std::size_t size = fixed_point::format_to(digits, units);
  field(tag, {digits, size});
}

void ReportEncoder::order_id(OrderNumber order) {
  body_ += "37=";
  ids_.append_order_id(body_, order);
  body_ += kSoh;
}

void ReportEncoder::begin(const FixHeader& header, char type) {
  body_.clear();
  field("35=", type);
  number("34=", header.sequence);
  field("49=", header.sender);
  field("52=", time_.of(header.now));
  field("56=", header.target);
}

const std::string& ReportEncoder::finish() {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, body_.size()).ptr;
  message_ = "8=FIX.4.4\0019=";
  message_.append(digits, end);
  message_ += kSoh;
  message_ += body_;
  uint32_t sum = 0;
  for (const char c : message_) sum += static_cast<unsigned char>(c);
  sum %= 256;
  const char trailer[] = {'1',
                          '0',
                          '=',
                          static_cast<char>('0' + sum / 100),
                          static_cast<char>('0' + sum / 10 % 10),
                          static_cast<char>('0' + sum % 10),
                          kSoh};
  message_.append(trailer, sizeof trailer);
  return message_;
}

const std::string& ReportEncoder::encode(const FixHeader& header, const Report& r, bool copy) {
  begin(header, '8');
  optional_field("1=", r.account);
  decimal("6=", r.average_price.units);
  optional_field("11=", r.client_order_id);
  decimal("14=", r.cumulative.units);
  body_ += "17=";
  ids_.append_execution_id(body_, r.execution);
  body_ += kSoh;
  if (r.trade != 0) {
    decimal("31=", r.last_price.units);
    decimal("32=", r.last_quantity.units);
  }
  order_id(r.order);
  const bool described = r.order != 0 || r.exec_type == '8';  // not a status of an unknown order
  if (described) decimal("38=", r.total.units);
  field("39=", r.order_status);
  if (described) field("40=", r.type == OrderType::kMarket ? '1' : '2');
  optional_field("41=", r.original_client_order_id);
  if (described && r.type == OrderType::kLimit) decimal("44=", r.limit.units);
  field("54=", r.side_code);
  field("55=", r.symbol.empty() ? std::string_view("[N/A]") : r.symbol);
  optional_field("58=", r.text);
  if (described) field("59=", "0134"[static_cast<int>(r.time_in_force)]);
  field("60=", time_.of(header.now));
  if (r.reject_reason != RejectReason::kNone)
    number("103=", static_cast<uint64_t>(r.reject_reason));
  field("150=", r.exec_type);
  decimal("151=", r.leaves.units);
  optional_field("526=", r.secondary_order_id);
  if (!r.mass_status_request_id.empty()) {
    field("584=", r.mass_status_request_id);
    number("911=", r.mass_total);
    field("912=", r.mass_last ? 'Y' : 'N');
  }
  optional_field("790=", r.status_request_id);
  if (copy) field("797=", 'Y');
  return finish();
}

const std::string& ReportEncoder::encode(const FixHeader& header, const Refusal& r) {
  begin(header, '9');
  optional_field("1=", r.account);
  field("11=", r.client_order_id);
  order_id(r.order);
  field("39=", r.order_status);
  field("41=", r.original_client_order_id);
  optional_field("58=", r.text);
  field("60=", time_.of(header.now));
  number("102=", static_cast<uint64_t>(r.reason));
  field("434=", r.of_replace ? '2' : '1');
  optional_field("526=", r.secondary_order_id);
  return finish();
}

}  // namespace holdfast::exchange
