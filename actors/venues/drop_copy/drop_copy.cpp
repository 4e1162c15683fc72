#include "actors/venues/drop_copy/drop_copy.hpp"

#include <algorithm>

namespace holdfast::venues {

namespace {
/// (trade date, ExecID, side) of one venue. Two that collide cost a copy that would not be news but
/// once in ages; the shard's own key is exact.
uint64_t key_of(const VenueReport& report) {
  uint64_t key = std::hash<std::string_view>{}(report.exec_id.view());
  key ^= (uint64_t{report.trade_date} << 1 | (report.side == Side::kSell)) * 0x9e3779b97f4a7c15ull;
  return key;
}
bool money(VenueReportKind kind) {
  return kind == VenueReportKind::kFill || kind == VenueReportKind::kTradeCancel ||
         kind == VenueReportKind::kTradeCorrect;
}
}  // namespace

void DropCopyMatcher::reported(const VenueReport& report) {
  if (report.exec_id.empty()) return;
  const uint64_t key = key_of(report);
  if (!told_.insert(key).second) return;
  told_order_.push_back(key);
  if (told_order_.size() <= limits::kDropCopiesHeldMax) return;
  told_.erase(told_order_.front());
  told_order_.pop_front();
}

void DropCopyMatcher::copied(const VenueReport& copy, WallTime due) {
  received_ += 1;
  if (copy.exec_id.empty()) return;
  const uint64_t key = key_of(copy);
  if (told_.contains(key)) {
    matched_ += 1;
    return;
  }
  held_.push_back({key, due, copy});
  if (held_.size() <= limits::kDropCopiesHeldMax) return;
  held_.pop_front();
  if (looked_at_ > 0) looked_at_ -= 1;
}

std::vector<VenueReport> DropCopyMatcher::take(
    const std::function<bool(const VenueReport&)>& wanted, bool again) {
  std::vector<VenueReport> news;
  const auto first = held_.begin() + static_cast<std::ptrdiff_t>(again ? 0 : looked_at_);
  held_.erase(std::remove_if(first, held_.end(),
                             [&](const Held& held) {
                               if (told_.contains(held.key) || !wanted(held.copy)) return false;
                               news.push_back(held.copy);
                               return true;
                             }),
              held_.end());
  looked_at_ = held_.size();
  return news;
}

std::vector<VenueReport> DropCopyMatcher::overdue(WallTime now) {
  std::vector<VenueReport> news;
  while (!held_.empty() && held_.front().due <= now) {
    const Held& held = held_.front();
    if (told_.contains(held.key))
      matched_ += 1;
    else if (money(held.copy.kind))
      news.push_back(held.copy);
    held_.pop_front();
    if (looked_at_ > 0) looked_at_ -= 1;
  }
  return news;
}

}  // namespace holdfast::venues
