#include "actors/agents/llm/budget.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "messages/check.hpp"

namespace holdfast::llm {
namespace {

constexpr int64_t kMost = INT64_MAX / 4;

int64_t plus(int64_t a, int64_t b) { return std::clamp(a + b, int64_t{0}, kMost); }

bool fits(const Budget& budget, const Spent& spent, const Spent& more) {
  return (budget.tokens == 0 || plus(spent.tokens, more.tokens) <= budget.tokens) &&
         (budget.cost_micros == 0 ||
          plus(spent.cost_micros, more.cost_micros) <= budget.cost_micros);
}

std::size_t index_of(telemetry::Domain domain) {
  const auto index = static_cast<std::size_t>(domain) - 1;
  CHECK(index < telemetry::kDomains);
  return index;
}

}  // namespace

int64_t cost_micros(int64_t input_tokens, int64_t output_tokens, const EndpointSettings& endpoint) {
  const auto price = [](int64_t tokens, int64_t per_million) {
    return static_cast<__int128>(std::max<int64_t>(tokens, 0)) * std::max<int64_t>(per_million, 0);
  };
  const __int128 sum = price(input_tokens, endpoint.input_price_micros) +
                       price(output_tokens, endpoint.output_price_micros);
  const __int128 micros = (sum + 999'999) / 1'000'000;
  return micros > kMost ? kMost : static_cast<int64_t>(micros);
}

AdviceOutcome Ledger::permits(const Reserved& wanted) const {
  if (wanted.incident != 0 && !fits(incident_budget_, incident(wanted.incident), wanted.amount))
    return AdviceOutcome::kOverIncidentBudget;
  // On a new day nothing is spent yet. A clock that steps back finds the later day's spending.
  const bool today = wanted.day <= day_;
  const Spent none;
  if (!fits(day_budget_, today ? day_spent_ : none, wanted.amount))
    return AdviceOutcome::kOverDayBudget;
  if (!fits(domain_budget_, today ? domain_spent_[index_of(wanted.domain)] : none, wanted.amount))
    return AdviceOutcome::kOverDomainBudget;
  return AdviceOutcome::kProposed;
}

void Ledger::reserve(const Reserved& wanted) {
  if (wanted.day > day_) {
    day_ = wanted.day;
    day_spent_ = {};
    domain_spent_ = {};
  }
  add(wanted, wanted.amount.tokens, wanted.amount.cost_micros);
}

void Ledger::settle(const Reserved& reserved, Spent used) {
  add(reserved, used.tokens - reserved.amount.tokens,
      used.cost_micros - reserved.amount.cost_micros);
}

void Ledger::add(const Reserved& where, int64_t tokens, int64_t cost) {
  const auto to = [&](Spent& spent) {
    spent.tokens = plus(spent.tokens, tokens);
    spent.cost_micros = plus(spent.cost_micros, cost);
  };
  // What began yesterday and ends today is yesterday's.
  if (where.day == day_ || tokens > 0 || cost > 0) {
    to(day_spent_);
    to(domain_spent_[index_of(where.domain)]);
  }
  if (where.incident == 0) return;
  const auto [at, added] = incidents_.try_emplace(where.incident);
  to(at->second);
  if (!added) return;
  incident_order_.push_back(where.incident);
  if (incident_order_.size() > limits::kBudgetIncidentsMax) {
    incidents_.erase(incident_order_.front());
    incident_order_.pop_front();
  }
}

Spent Ledger::day(WallTime now) const { return day_of(now) <= day_ ? day_spent_ : Spent{}; }

Spent Ledger::domain(telemetry::Domain domain, WallTime now) const {
  return day_of(now) <= day_ ? domain_spent_[index_of(domain)] : Spent{};
}

Spent Ledger::incident(uint64_t number) const {
  const auto at = incidents_.find(number);
  return at == incidents_.end() ? Spent{} : at->second;
}

std::string Ledger::str() const {
  std::string out = "spent " + std::to_string(day_);
  const auto put = [&](const Spent& spent) {
    out += " " + std::to_string(spent.tokens) + " " + std::to_string(spent.cost_micros);
  };
  put(day_spent_);
  for (const auto& spent : domain_spent_) put(spent);
  return out;
}

bool Ledger::restore(std::string_view line) {
  if (!line.starts_with("spent ")) return false;
  line.remove_prefix(6);
  std::vector<int64_t> numbers;
  while (!line.empty()) {
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size() || number < 0) return false;
    numbers.push_back(number);
  }
  if (numbers.size() != 3 + 2 * telemetry::kDomains) return false;
  day_ = numbers[0];
  day_spent_ = {numbers[1], numbers[2]};
  for (std::size_t i = 0; i < telemetry::kDomains; ++i)
    domain_spent_[i] = {numbers[3 + 2 * i], numbers[4 + 2 * i]};
  return true;
}

}  // namespace holdfast::llm
