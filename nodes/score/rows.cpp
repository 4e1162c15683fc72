#include "nodes/score/rows.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>

namespace holdfast::score {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

// Takes `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// ".123456" as nanoseconds; 0 without one, nothing when no digit follows the point.
std::optional<int64_t> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return 0;
  int64_t ns = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
    if (++digits <= 9) ns = ns * 10 + (text.front() - '0');
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) ns *= 10;
  return ns;
}

// "Z", "+02:00", "-0330" or nothing, in seconds east.
std::optional<int64_t> take_zone(std::string_view& text) {
  if (text.empty() || take(text, "Zz")) return 0;
  const bool west = text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours) return std::nullopt;
  take(text, ":");
  const auto minutes = text.empty() ? std::optional<int>(0) : take_number(text, 2);
  if (!minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  const int64_t east = (*hours * 60 + *minutes) * 60;
  return west ? -east : east;
}

}  // namespace

RowCounts& RowCounts::operator+=(const RowCounts& other) {
  used += other.used;
  empty += other.empty;
  malformed += other.malformed;
  disordered += other.disordered;
  return *this;
}

std::vector<std::string> cells(std::string_view line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"')
        out.back() += line[++i];
      else
        quoted = !quoted;
    } else if (c == ',' && !quoted) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  for (auto& cell : out) cell = std::string(trimmed(cell));
  return out;
}

std::optional<WallTime> parse_time(std::string_view text) {
  text = trimmed(text);
  const auto year = take_number(text, 4);
  if (!year || *year < 1700 || *year > 2200 || !take(text, "-/")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-/")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !take(text, " Tt")) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute) return std::nullopt;
  const auto second = take(text, ":") ? take_number(text, 2) : std::optional<int>(0);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto east = take_zone(text);
  if (!east || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const int64_t seconds = ((days * 24 + *hour) * 60 + *minute) * 60 + *second - *east;
  return WallTime{seconds * 1'000'000'000 + *fraction};
}

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::optional<Columns> parse_header(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // a byte order mark
  std::optional<std::size_t> time, value, label;
  const auto names = cells(line);
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name == "timestamp" && !time) time = i;
    if (name == "value" && !value) value = i;
    if (name == "label" && !label) label = i;
  }
  if (!time || !value) return std::nullopt;
  return Columns{*time, *value, label};
}

RowFault parse_row(std::string_view line, const Columns& columns, Row& row) {
  if (trimmed(line).empty()) return RowFault::kEmpty;
  const auto all = cells(line);
  if (all.size() <= columns.time || all.size() <= columns.value) return RowFault::kMalformed;
  if (all[columns.value].empty()) return RowFault::kEmpty;
  const auto at = parse_time(all[columns.time]);
  const auto value = parse_number(all[columns.value]);
  if (!at || !value) return RowFault::kMalformed;
  row = {*at, *value, false};
  if (columns.label) {
    if (all.size() <= *columns.label) return RowFault::kMalformed;
    const auto label = parse_number(all[*columns.label]);
    if (!label || (*label != 0 && *label != 1)) return RowFault::kMalformed;
    row.label = *label == 1;
  }
  return RowFault::kNone;
}

}  // namespace holdfast::score
