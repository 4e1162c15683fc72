#include "supervision/orchestrator/policy/defects.hpp"

#include <algorithm>
#include <set>

namespace holdfast::policy {
namespace {

constexpr std::size_t kPiecesMax = 20'000;

// What a rule's conditions admit, as a product of sets: masks for what is enumerated, intervals for
// what is measured. What is not known is a value of its own, bit 0 or just below the interval, so
// that a rule for the known and a rule for the rest don't seem to overlap.
enum Dimension : std::size_t {
  kAction,
  kTarget,
  kFault,
  kPhase,
  kClock,
  kAdvisor,
  kInSync,
  kMasks
};
constexpr int64_t kUnknownValue = -1;

struct Box {
  std::array<uint64_t, kMasks> masks{};
  std::array<Range, kMeasures> ranges{};

  bool empty() const {
    return std::any_of(masks.begin(), masks.end(), [](uint64_t mask) { return mask == 0; }) ||
           std::any_of(ranges.begin(), ranges.end(),
                       [](const Range& range) { return range.least > range.most; });
  }
};

constexpr uint64_t bit(std::size_t n) { return uint64_t{1} << n; }
constexpr uint64_t up_to(std::size_t n) { return bit(n) - 1; }

template <typename T>
uint64_t mask_of(const std::vector<T>& wanted, uint64_t all) {
  if (wanted.empty()) return all;
  uint64_t mask = 0;
  for (const T each : wanted) mask |= bit(static_cast<std::size_t>(each));
  return mask & all;
}

// Bit 0: the cause is not known. `doubtful`: the rule is a never rule, which that matches too.
uint64_t fault_mask(const Conditions& when, bool doubtful) {
  const auto faults = fault_classes();
  if (when.faults.empty() && when.domains.empty()) return up_to(faults.size() + 1);
  uint64_t mask = doubtful ? 1 : 0;
  const auto among = [](const auto& list, auto value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  for (std::size_t i = 0; i < faults.size(); ++i)
    if (among(when.faults, faults[i]) && among(when.domains, domain_of(faults[i])))
      mask |= bit(i + 1);
  return mask;
}

// The values that a measure can have at all; those that may be unknown are never negative.
Range whole(Measure measure) {
  switch (measure) {
    case Measure::kAmount:
      return {};
    case Measure::kConfidence:
      return {0, 1'000'000};
    default:
      return {kUnknownValue, INT64_MAX};
  }
}

Box box_of(const Conditions& when, bool never) {
  Box box;
  // Neither `none` nor `page` comes to the rules.
  box.masks[kAction] = mask_of(when.actions, up_to(kActionKinds + 1) & ~bit(0) &
                                                 ~bit(static_cast<std::size_t>(ActionKind::kPage)));
  box.masks[kTarget] = mask_of(when.targets, up_to(kTargetKinds));
  box.masks[kFault] = fault_mask(when, never);
  box.masks[kPhase] = mask_of(when.phases, up_to(kSessionPhases)) | (never ? 1 : 0);
  box.masks[kClock] = mask_of(when.clocks, up_to(kClockQualities));
  box.masks[kAdvisor] = mask_of(when.advisors, bit(1) | bit(2) | bit(3) | bit(4));
  box.masks[kInSync] = !when.to_in_sync ? 7 : bit(*when.to_in_sync ? 2 : 1) | (never ? bit(0) : 0);
  for (std::size_t i = 0; i < kMeasures; ++i) {
    const auto measure = static_cast<Measure>(i);
    auto range = whole(measure);
    if (const auto& wanted = when.ranges[i]) {
      range.most = std::min(range.most, wanted->most);
      // A never rule matches the unknown too; as an interval that only works down to the least.
      if (measure == Measure::kAmount)
        range.least = wanted->least;
      else if (!never || wanted->least > 0)
        range.least = std::max(wanted->least, int64_t{0});
    }
    box.ranges[i] = range;
  }
  return box;
}

bool contains(const Range& wide, const Range& narrow) {
  return wide.least <= narrow.least && narrow.most <= wide.most;
}

template <typename T>
bool contains(const std::vector<T>& wide, const std::vector<T>& narrow) {
  if (wide.empty()) return true;
  return !narrow.empty() && std::all_of(narrow.begin(), narrow.end(), [&](const T& each) {
    return std::find(wide.begin(), wide.end(), each) != wide.end();
  });
}

// Whether `a` holds wherever `b` does, as far as the conditions go that are in no box.
bool as_wide(const Conditions& a, const Conditions& b) {
  if (!contains(a.members, b.members) || !contains(a.groups, b.groups)) return false;
  if (a.time && a.time != b.time) return false;
  return std::all_of(a.rates.begin(), a.rates.end(), [&](const Rate& wide) {
    return std::any_of(b.rates.begin(), b.rates.end(), [&](const Rate& narrow) {
      return wide.of == narrow.of && wide.window == narrow.window &&
             contains(wide.count, narrow.count);
    });
  });
}

bool meet(const Box& a, const Box& b) {
  for (std::size_t d = 0; d < kMasks; ++d)
    if ((a.masks[d] & b.masks[d]) == 0) return false;
  for (std::size_t d = 0; d < kMeasures; ++d)
    if (a.ranges[d].most < b.ranges[d].least || b.ranges[d].most < a.ranges[d].least) return false;
  return true;
}

// `from` without `cut`, in pieces, appended to `out`.
void subtract(Box from, const Box& cut, std::vector<Box>& out) {
  if (!meet(from, cut)) return out.push_back(from);
  for (std::size_t d = 0; d < kMasks; ++d) {
    Box piece = from;
    piece.masks[d] &= ~cut.masks[d];
    if (piece.masks[d] != 0) out.push_back(piece);
    from.masks[d] &= cut.masks[d];
  }
  for (std::size_t d = 0; d < kMeasures; ++d) {
    const auto& range = cut.ranges[d];
    if (from.ranges[d].least < range.least) {
      Box piece = from;
      piece.ranges[d].most = range.least - 1;
      out.push_back(piece);
      from.ranges[d].least = range.least;
    }
    if (from.ranges[d].most > range.most) {
      Box piece = from;
      piece.ranges[d].least = range.most + 1;
      out.push_back(piece);
      from.ranges[d].most = range.most;
    }
  }
}

bool allowed_name(std::string_view name) {
  return !name.empty() && name.size() <= kRuleNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

constexpr std::array kTaken = {kRuleDefault, kRulePage, kRuleWatch, kRuleKillSwitch, kRuleInvalid};

class Finder {
 public:
  explicit Finder(const Policy& policy) : policy_(policy) {}

  std::vector<Defect> find() {
    table(policy_.never, true);
    table(policy_.rules, false);
    return std::move(found_);
  }

 private:
  struct Earlier {
    const Rule* rule;
    Box box;
  };

  void table(const std::vector<Rule>& rules, bool never) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto note = [&](std::string_view key, std::string text) {
        found_.push_back({never, i, key, std::move(text)});
      };
      if (i == kRulesMax) return note("name", "more rules than " + std::to_string(kRulesMax));
      name(rules[i], note);
      if (!sound(rules[i], note)) continue;
      const auto box = box_of(rules[i].when, never);
      if (box.empty())
        note("name", "can never match: no action, target, fault or value fulfils all of it");
      else if (const auto cover = covered(rules[i], box); !cover.empty())
        note("name", "can never decide: " + cover);
      earlier_.push_back({&rules[i], box});
    }
  }

  template <typename Note>
  void name(const Rule& rule, const Note& note) {
    if (!allowed_name(rule.name))
      note("name", "a rule's name is 1 to " + std::to_string(kRuleNameBytes) +
                       " lower case letters, digits and '-'");
    else if (std::find(kTaken.begin(), kTaken.end(), rule.name) != kTaken.end())
      note("name", "\"" + rule.name + "\" is the name of a decision that no rule makes");
    else if (!names_.insert(rule.name).second)
      note("name", "there is a rule \"" + rule.name + "\" already");
  }

  // Single conditions that make no sense.
  template <typename Note>
  static bool sound(const Rule& rule, const Note& note) {
    const auto& when = rule.when;
    const auto before = [&](ActionKind kind) {
      return std::find(when.actions.begin(), when.actions.end(), kind) != when.actions.end();
    };
    bool good = true;
    const auto bad = [&](std::string_view key, std::string text) {
      note(key, std::move(text));
      good = false;
    };
    if (before(ActionKind::kPage)) bad("actions", "`page` is always allowed; no rule decides it");
    if (before(ActionKind::kNone)) bad("actions", "`none` is only watched; no rule decides it");
    if (rule.persons > 2) bad("persons", "one or two persons can approve");
    if (rule.persons != 0 && rule.then < Verdict::kNeedsApproval)
      bad("persons", "nobody is asked where the verdict is " + std::string(to_text(rule.then)));
    for (std::size_t i = 0; i < kMeasures; ++i)
      if (when.ranges[i] && when.ranges[i]->least > when.ranges[i]->most)
        bad(to_text(static_cast<Measure>(i)), "its least is above its most");
    for (const auto& rate : when.rates) {
      if (rate.window.ns <= 0 ||
          rate.window > Duration::seconds(3'600 * static_cast<int64_t>(kPastSpanHours)))
        bad("rates", "a window is longer than nothing and at most a day");
      if (rate.count.least > rate.count.most || rate.count.most < 0)
        bad("rates", "no count fulfils it");
    }
    if (when.time && (when.time->days & 0x7f) == 0) bad("days", "not on any day");
    if (when.time && when.time->begin == when.time->end) bad("between", "begins when it ends");
    return good;
  }

  // The rules before it that leave nothing of it over, in words; "" when something is left.
  std::string covered(const Rule& rule, const Box& box) const {
    std::vector<Box> left = {box};
    std::vector<std::string_view> by;
    for (const auto& each : earlier_) {
      if (!as_wide(each.rule->when, rule.when) || !meet(box, each.box)) continue;
      std::vector<Box> next;
      for (const auto& piece : left) subtract(piece, each.box, next);
      if (next.size() > kPiecesMax) return "";
      by.push_back(each.rule->name);
      left = std::move(next);
      if (left.empty()) break;
    }
    if (!left.empty()) return "";
    std::string names;
    for (const auto name : by) names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
    return "before it " + names + (by.size() == 1 ? " decides" : " decide") + " all of its cases";
  }

  const Policy& policy_;
  std::vector<Defect> found_;
  std::vector<Earlier> earlier_;
  std::set<std::string_view> names_;
};

}  // namespace

std::vector<Defect> defects(const Policy& policy) { return Finder(policy).find(); }

}  // namespace holdfast::policy
