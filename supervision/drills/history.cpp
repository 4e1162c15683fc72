#include "supervision/drills/history.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::drills {

namespace {

constexpr Duration kAround = Duration::seconds(1);

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Takes `word` off the front of `text`.
bool eat(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// Takes everything to the next space (or the end) off the front, and the space.
std::string_view eat_word(std::string_view& text) {
  const auto end = text.find(' ');
  const auto word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar (H. Hinnant's days_from_civil).
int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {
  y -= m <= 2;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t yoe = y - era * 400;
  const int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146'097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719'468;
}

}  // namespace

std::optional<WallTime> parse_wall_time(std::string_view text) {
  // 0123456789012345678901234567
  // 2026-11-20T22:12:46.728924Z
  if (text.size() != 27 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != '.' || text[26] != 'Z')
    return std::nullopt;
  const auto field = [&](std::size_t from, std::size_t length) {
    const auto digits = text.substr(from, length);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos)
      return std::optional<int64_t>();
    return number(digits);
  };
  const auto year = field(0, 4), month = field(5, 2), day = field(8, 2), hour = field(11, 2),
             minute = field(14, 2), second = field(17, 2), micros = field(20, 6);
  if (!year || !month || !day || !hour || !minute || !second || !micros) return std::nullopt;
  if (*year < 1970 || *month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 ||
      *minute > 59 || *second > 60)
    return std::nullopt;
  const int64_t seconds =
      days_from_civil(*year, *month, *day) * 86'400 + *hour * 3'600 + *minute * 60 + *second;
  return WallTime{seconds * 1'000'000'000 + *micros * 1'000};
}

std::optional<Transition> parse_transition(std::string_view line) {
  const auto at = parse_wall_time(eat_word(line));
  if (!at) return std::nullopt;
  Transition transition;
  transition.at = *at;
  // group orders/0: following -> candidate reason=leader_lost epoch=1 …
  if (eat(line, "group ")) {
    auto name = eat_word(line);
    if (!name.ends_with(':')) return std::nullopt;
    name.remove_suffix(1);
    transition.group = name;
    transition.from = eat_word(line);
    if (eat_word(line) != "->") return std::nullopt;
    transition.to = eat_word(line);
    if (!eat(line, "reason=")) return std::nullopt;
    transition.reason = eat_word(line);
    return transition;
  }
  // venue XSIM: XSIM: Open (words)
  if (eat(line, "venue ")) {
    auto name = eat_word(line);
    if (!name.ends_with(':') || eat_word(line) != name) return std::nullopt;
    name.remove_suffix(1);
    transition.group = "venue/" + std::string(name);
    transition.session = true;
    transition.to = eat_word(line);
    return transition;
  }
  return std::nullopt;
}

std::optional<Acknowledged> parse_acknowledged(std::string_view line) {
  const auto due = number(eat_word(line)), submitted = number(eat_word(line)),
             acknowledged = number(eat_word(line));
  const auto account = Account::parse(eat_word(line));
  if (!due || !submitted || !acknowledged || !account || account.value().empty() || line.empty())
    return std::nullopt;
  return Acknowledged{{*due}, {*submitted}, {*acknowledged}, account.value()};
}

// ---- the view

View::View(std::vector<std::string> groups, std::vector<uint32_t> members)
    : groups_(std::move(groups)) {
  for (const uint32_t member : members) members_[member];
}

void View::take(uint32_t member, const Transition& transition) {
  Standing& standing = members_[member];
  if (transition.at <= standing.ignore_until) return;
  (transition.session ? standing.session : standing.group)[transition.group] = {transition.at,
                                                                                transition.to};
}

void View::ended(uint32_t member, WallTime at) {
  Standing& standing = members_[member];
  standing.ignore_until = at;
  // What its next life has logged already stays.
  const auto before = [at](const auto& entry) { return entry.second.at <= at; };
  std::erase_if(standing.group, before);
  std::erase_if(standing.session, before);
}

std::optional<uint32_t> View::leader(const std::string& group) const {
  std::optional<uint32_t> leader;
  for (const auto& [member, standing] : members_) {
    const auto found = standing.group.find(group);
    if (found == standing.group.end() || found->second.state != "serving") continue;
    if (leader) return std::nullopt;
    leader = member;
  }
  return leader;
}

std::string View::state(uint32_t member, const std::string& group) const {
  const auto found = members_.find(member);
  if (found == members_.end()) return {};
  const auto standing = found->second.group.find(group);
  return standing == found->second.group.end() ? std::string() : standing->second.state;
}

std::string View::unsettled() const {
  for (const auto& group : groups_) {
    const auto leading = leader(group);
    if (!leading) return "nobody alone serves " + group;
    for (const auto& [member, standing] : members_) {
      if (member == *leading) continue;
      const auto found = standing.group.find(group);
      if (found == standing.group.end() || found->second.state != "following")
        return "member " + std::to_string(member) + " does not follow in " + group + " but is " +
               (found == standing.group.end() ? "not heard of" : found->second.state);
    }
    if (!group.starts_with("venue/")) continue;
    const auto& sessions = members_.at(*leading).session;
    const auto session = sessions.find(group);
    if (session == sessions.end() || session->second.state != "Open")
      return "the session of " + group + " is " +
             (session == sessions.end() ? "not heard of" : session->second.state);
  }
  return {};
}

bool View::settled() const { return unsettled().empty(); }

// ---- spans

Spans spans_of(const Disturbance& disturbance, std::span<const Transition> transitions,
               std::span<const Acknowledged> acknowledged, uint32_t shards) {
  Spans spans;
  std::vector<const Transition*> after;
  for (const Transition& t : transitions)
    if (t.group == disturbance.group && t.at > disturbance.at) after.push_back(&t);
  std::sort(after.begin(), after.end(), [](const auto* a, const auto* b) { return a->at < b->at; });
  // A promoted gateway's log first repeats the session that it followed: what counts is the Open
  // after its own Logon.
  bool logon_sent = false;
  for (const Transition* t : after) {
    const Duration span = t->at - disturbance.at;
    if (t->session) {
      if (t->to == "LogonSent") logon_sent = true;
      if (t->to == "Open" && logon_sent && !spans.logon) spans.logon = span;
      continue;
    }
    if (t->to == "candidate" && !spans.detect) spans.detect = span;
    if (t->to == "serving" && !spans.lead) spans.lead = span;
  }
  std::vector<MonoTime> answers = {disturbance.mono};
  for (const Acknowledged& order : acknowledged) {
    if (disturbance.shard && shard_of(order.account, shards) != *disturbance.shard) continue;
    if (order.acknowledged > disturbance.mono) answers.push_back(order.acknowledged);
    if (order.submitted <= disturbance.mono) continue;
    const Duration span = order.acknowledged - disturbance.mono;
    if (!spans.first_ack || span < *spans.first_ack) spans.first_ack = span;
  }
  std::sort(answers.begin(), answers.end());
  for (std::size_t i = 1; i < answers.size(); ++i)
    if (const Duration gap = answers[i] - answers[i - 1]; !spans.pause || gap > *spans.pause)
      spans.pause = gap;
  return spans;
}

Distribution distribution_of(std::vector<Duration> spans) {
  if (spans.empty()) return {};
  std::sort(spans.begin(), spans.end());
  const auto rank = [&](std::size_t percent) {
    return spans[(spans.size() * percent + 99) / 100 - 1];
  };
  return {spans.size(), rank(50), rank(99), spans.back()};
}

Latency latency_of(const std::vector<Disturbance>& disturbances,
                   const std::vector<std::optional<Duration>>& first_acks,
                   const std::vector<Acknowledged>& acknowledged) {
  std::vector<Acknowledged> orders = acknowledged;
  const auto sooner = [](const Acknowledged& a, const Acknowledged& b) { return a.due < b.due; };
  std::sort(orders.begin(), orders.end(), sooner);
  const auto collect = [&](MonoTime from, MonoTime to, std::vector<Duration>& out) {
    Acknowledged bound;
    bound.due = from;
    for (auto it = std::lower_bound(orders.begin(), orders.end(), bound, sooner);
         it != orders.end() && it->due < to; ++it)
      out.push_back(it->acknowledged - it->due);
  };
  std::vector<Duration> before, during, after;
  for (std::size_t i = 0; i < disturbances.size() && i < first_acks.size(); ++i) {
    const MonoTime at = disturbances[i].mono;
    collect({at.ns - kAround.ns}, at, before);
    if (!first_acks[i]) continue;
    const MonoTime end = at + *first_acks[i];
    collect(at, end, during);
    collect(end, end + kAround, after);
  }
  return {distribution_of(std::move(before)), distribution_of(std::move(during)),
          distribution_of(std::move(after))};
}

}  // namespace holdfast::drills
