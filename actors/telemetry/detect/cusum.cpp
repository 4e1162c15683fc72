#include "actors/telemetry/detect/cusum.hpp"

#include <algorithm>

namespace holdfast::detect {

bool Cusum::add(Side& side, WallTime at, double z) const {
  const double gain = std::min(z, settings_.clip) - settings_.allowance;
  if (side.sum <= 0) side.began = at;
  side.sum = std::max(0.0, side.sum + gain);
  return side.sum > settings_.limit;
}

std::optional<LevelChange> Cusum::push(WallTime at, double z) {
  const bool up = add(up_, at, z);
  const bool down = add(down_, at, -z);
  if (!up && !down) return std::nullopt;
  const Side& side = up ? up_ : down_;
  const LevelChange change{side.began, up ? Direction::kUp : Direction::kDown, side.sum};
  reset();
  return change;
}

void Cusum::reset() { up_ = down_ = Side{}; }

}  // namespace holdfast::detect
