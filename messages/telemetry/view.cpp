#include "messages/telemetry/view.hpp"

namespace holdfast::telemetry {

namespace {
constexpr std::string_view kNames[kRefusals] = {
    "malformed", "unknown_metric",  "unknown_member",  "not_finite", "out_of_range",
    "stale",     "from_future",     "duplicate",       "disordered", "foreign",
    "flooding",  "too_many_series", "too_many_sources"};
}  // namespace

std::string_view to_text(Refusal refusal) {
  const auto at = static_cast<std::size_t>(refusal);
  return at < kRefusals ? kNames[at] : "invalid";
}

}  // namespace holdfast::telemetry
