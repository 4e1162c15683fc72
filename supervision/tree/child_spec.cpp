#include "supervision/tree/child_spec.hpp"

#include <algorithm>
#include <cctype>

namespace holdfast {

namespace {
constexpr std::size_t kIdLength = 64;

bool plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == ':' ||
         c == '-';
}

Error invalid(std::string text) { return {ErrorCode::kInvalid, std::move(text)}; }
}  // namespace

Result<> validate(const ChildSpec& spec, const SupervisorSpec& supervisor) {
  if (spec.id.empty() || spec.id.size() > kIdLength ||
      !std::all_of(spec.id.begin(), spec.id.end(), plain))
    return invalid("child id '" + spec.id + "': expected 1 to 64 of a-z A-Z 0-9 . _ : -");
  if (spec.shutdown_timeout.ns < 0)
    return invalid("child '" + spec.id + "': the shutdown timeout is negative");
  if (spec.significant && spec.restart == RestartKind::kPermanent)
    return invalid(
        "child '" + spec.id +
        "': a significant child is transient or temporary; a permanent one never ends by itself");
  if (spec.significant && supervisor.auto_shutdown == AutoShutdown::kNever)
    return invalid("child '" + spec.id + "': significant, but its supervisor has no auto_shutdown");
  return success();
}

Result<> validate(const SupervisorSpec& spec) {
  if (spec.intensity.period.ns <= 0) return invalid("intensity: the period is not positive");
  const Backoff& backoff = spec.backoff;
  if (backoff.first.ns < 0 || backoff.longest < backoff.first)
    return invalid("backoff: expected 0 <= first <= longest");
  if (backoff.stable_after.ns <= 0) return invalid("backoff: stable_after is not positive");
  if (backoff.jitter_permille > 1000) return invalid("backoff: jitter_permille is above 1000");
  if (spec.kill_grace.ns <= 0) return invalid("kill_grace is not positive");
  return success();
}

const char* to_string(RestartKind kind) {
  switch (kind) {
    case RestartKind::kPermanent:
      return "permanent";
    case RestartKind::kTransient:
      return "transient";
    case RestartKind::kTemporary:
      return "temporary";
  }
  return "?";
}

const char* to_string(ChildType type) {
  return type == ChildType::kSupervisor ? "supervisor" : "worker";
}

const char* to_string(Strategy strategy) {
  switch (strategy) {
    case Strategy::kOneForOne:
      return "one_for_one";
    case Strategy::kOneForAll:
      return "one_for_all";
    case Strategy::kRestForOne:
      return "rest_for_one";
    case Strategy::kSimpleOneForOne:
      return "simple_one_for_one";
  }
  return "?";
}

}  // namespace holdfast
