#include "supervision/orchestrator/policy/question.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::policy {
namespace {

constexpr std::array kKeys = {
    KeyInfo{"action", "restart_actor, migrate, ... (needed)"},
    KeyInfo{"member", "the target's node, by its name in cluster.toml or its number"},
    KeyInfo{"group", "the target's group: orders/0, venues/XSIM, orchestrator"},
    KeyInfo{"instance", "the target's part: an actor's path, a disk, an endpoint"},
    KeyInfo{"to", "the node it would go to"},
    KeyInfo{"amount", "an integer; see the action"},
    KeyInfo{"advisor", "deterministic, model, standing, operator"},
    KeyInfo{"confidence", "of the proposal, \"80 %\""},
    KeyInfo{"fault", "the incident's cause: crash_loop, slow_disk, ..."},
    KeyInfo{"phase", "of trading: unknown, closed, opening, open, closing"},
    KeyInfo{"open_orders", "that it touches"},
    KeyInfo{"position", "gross, of the accounts touched: 1000000 or 0.5"},
    KeyInfo{"groups_touched", "that it interrupts"},
    KeyInfo{"nodes_touched", "that it interrupts"},
    KeyInfo{"in_flight", "other actions that are not over"},
    KeyInfo{"in_sync_left", "members in sync while it runs, in the worst group"},
    KeyInfo{"to_in_sync", "whether it goes to a member in sync: true, false"},
    KeyInfo{"clock", "synchronised, unsynchronised, unknown"},
    KeyInfo{"time", "UTC: \"2026-11-20 14:30:00\""},
    KeyInfo{"past",
            "what was begun before, \"restart_actor 30s\" or \"migrate 5m elsewhere\", "
            "separated by commas; on the same target unless it says elsewhere"},
    KeyInfo{"kill_switch", "true, false"},
};

Error expected(std::string_view key, std::string_view what, std::string_view found) {
  return {ErrorCode::kInvalid, std::string(key) + ": expected " + std::string(what) + ", found \"" +
                                   std::string(found.substr(0, 80)) + "\""};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end ? std::optional(number) : std::nullopt;
}

// The value of Enum, coded from `first` to `last`, that is spelt like this.
template <typename Enum>
std::optional<Enum> enumerator(std::string_view text, uint8_t first, uint8_t last) {
  for (unsigned code = first; code <= last; ++code)
    if (to_text(static_cast<Enum>(code)) == text) return static_cast<Enum>(code);
  return std::nullopt;
}

// "30s", "5m", "2h".
std::optional<Duration> ago(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char unit = text.back();
  const auto number = whole_number(text.substr(0, text.size() - 1));
  const int64_t seconds = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3'600 : 0;
  if (!number || *number < 0 || *number > 1'000'000 || seconds == 0) return std::nullopt;
  return Duration::seconds(*number * seconds);
}

// Days since 1970-01-01 of a date of the Gregorian calendar.
int64_t days_from(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

// "2026-11-20 14:30" or "2026-11-20 14:30:00".
std::optional<WallTime> moment(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd";
  if (text.size() != kForm.size() && text.size() != kForm.size() - 3) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto part = [&](std::size_t at, std::size_t size) {
    return at < text.size() ? *whole_number(text.substr(at, size)) : 0;
  };
  const auto year = part(0, 4), month = part(5, 2), day = part(8, 2);
  const auto hour = part(11, 2), minute = part(14, 2), second = part(17, 2);
  constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > kDays[month - 1] ||
      hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  const int64_t seconds = ((days_from(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  return WallTime{seconds * 1'000'000'000};
}

// Fills one question; each reader returns what was expected instead, or "" when all is well.
class Reader {
 public:
  Reader(const Settings& settings, const Names& names) : settings_(settings), names_(names) {}

  Result<Question> read() {
    for (const auto& [key, value] : settings_)
      if (std::none_of(kKeys.begin(), kKeys.end(),
                       [name = key](const auto& k) { return k.key == name; }))
        return Error{ErrorCode::kInvalid, "there is no key \"" + key.substr(0, 80) + "\""};
    if (!settings_.contains("action")) return expected("action", "an action", "");
    for (const auto& info : kKeys) {
      const auto found = settings_.find(info.key);
      if (found == settings_.end()) continue;
      const auto value = trimmed(found->second);
      const auto wanted = take(info.key, value);
      if (!wanted.empty()) return expected(info.key, wanted, value);
    }
    return question_;
  }

 private:
  using Wanted = std::string;  // what a value should have been; "" when it is that

  Wanted take(std::string_view key, std::string_view value) {
    auto& context = question_.context;
    if (key == "open_orders") return count(value, context.open_orders);
    if (key == "groups_touched") return count(value, context.groups_touched);
    if (key == "nodes_touched") return count(value, context.nodes_touched);
    if (key == "in_flight") return count(value, context.in_flight);
    if (key == "in_sync_left") return count(value, context.in_sync_left);
    if (key == "position") return position(value);
    if (key == "past") return past(value);
    if (key == "to_in_sync" || key == "kill_switch") return flag(key, value);
    if (key == "time") {
      const auto now = moment(value);
      if (now) context.now = *now;
      return now ? "" : "a time like 2026-11-20 14:30:00";
    }
    const auto wanted = take_word(key, value);
    return wanted ? *wanted : take_proposal(key, value);
  }

  // Enumerations.
  std::optional<Wanted> take_word(std::string_view key, std::string_view value) {
    auto& context = question_.context;
    if (key == "action")
      return parse_action_kind(value, question_.proposal.action.kind) ? "" : "an action";
    if (key == "advisor") return word(value, 1, 4, question_.proposal.advisor, "an advisor's kind");
    if (key == "phase") return word(value, 0, kSessionPhases - 1, context.phase, "a phase");
    if (key == "clock")
      return word(value, 0, kClockQualities - 1, context.clock, "a clock quality");
    if (key == "fault") {
      context.fault = fault_class_of(value);
      return context.fault != FaultClass::kNone || value == "none" ? "" : "a class of faults";
    }
    return std::nullopt;
  }

  Wanted take_proposal(std::string_view key, std::string_view value) {
    auto& action = question_.proposal.action;
    if (key == "member") return member(value, action.target.member);
    if (key == "to") return member(value, action.to);
    if (key == "group") {
      const auto found = names_.groups.find(value);
      if (found != names_.groups.end()) action.target.group = found->second;
      return found != names_.groups.end() ? "" : "a group of this configuration";
    }
    if (key == "instance") {
      const auto instance = telemetry::Instance::parse(value);
      if (instance) action.target.instance = instance.value();
      return instance ? "" : "at most 48 printable characters";
    }
    if (key == "amount") {
      const auto number = whole_number(value);
      if (number) action.amount = *number;
      return number ? "" : "an integer";
    }
    if (value.ends_with('%')) value = trimmed(value.substr(0, value.size() - 1));
    const auto percent = whole_number(value);
    if (!percent || *percent < 0 || *percent > 100) return "a percentage from 0 to 100 %";
    question_.proposal.confidence_ppm = static_cast<uint32_t>(*percent) * 10'000;
    return "";
  }

  template <typename Enum>
  static Wanted word(std::string_view value, uint8_t first, uint8_t last, Enum& into,
                     const char* what) {
    const auto found = enumerator<Enum>(value, first, last);
    if (found) into = *found;
    return found ? "" : what;
  }

  static Wanted count(std::string_view value, std::optional<int64_t>& into) {
    const auto number = whole_number(value);
    if (!number || *number < 0) return "a number of at least 0";
    into = number;
    return "";
  }

  Wanted member(std::string_view value, MemberId& into) const {
    const auto found = names_.members.find(value);
    const auto number = whole_number(value);
    if (found != names_.members.end())
      into = found->second;
    else if (number && *number > 0 && *number <= UINT32_MAX)
      into = MemberId{static_cast<uint32_t>(*number)};
    else
      return "a member of cluster.toml, or a number";
    return "";
  }

  Wanted position(std::string_view value) {
    const auto amount = Notional::parse(value);
    if (!amount || amount.value() < Notional{}) return "an amount with at most 8 decimals";
    question_.context.position = amount.value();
    return "";
  }

  Wanted flag(std::string_view key, std::string_view value) {
    if (value != "true" && value != "false") return "true or false";
    if (key == "kill_switch")
      question_.context.kill_switch = value == "true";
    else
      question_.context.to_in_sync = value == "true";
    return "";
  }

  // After the time and the target, on which it depends.
  Wanted past(std::string_view list) {
    while (!list.empty()) {
      const auto comma = std::min(list.find(','), list.size());
      auto each = trimmed(list.substr(0, comma));
      list.remove_prefix(std::min(comma + 1, list.size()));
      const bool elsewhere = each.ends_with(" elsewhere");
      if (elsewhere) each = trimmed(each.substr(0, each.size() - 10));
      const auto space = each.find(' ');
      PastAction action;
      const auto age = space == each.npos ? std::nullopt : ago(trimmed(each.substr(space)));
      if (!age || !parse_action_kind(each.substr(0, space), action.kind))
        return "actions like \"restart_actor 30s\" or \"migrate 5m elsewhere\"";
      action.at = {question_.context.now.ns - age->ns};
      action.target = question_.proposal.action.target;
      // A group that none is called by.
      if (elsewhere) action.target = {{}, GroupId{UINT32_MAX}, "elsewhere"};
      if (question_.context.past.size() == kPastActionsMax) return "fewer actions";
      question_.context.past.push_back(action);
    }
    return "";
  }

  const Settings& settings_;
  const Names& names_;
  Question question_;
};

}  // namespace

std::span<const KeyInfo> question_keys() { return kKeys; }

Result<Question> question_of(const Settings& settings, const Names& names) {
  return Reader(settings, names).read();
}

}  // namespace holdfast::policy
