#include "supervision/orchestrator/audit/verification.hpp"

#include <algorithm>
#include <cstdio>

namespace holdfast::audit {
namespace {

std::string at_byte(uint64_t offset) { return " (at byte " + std::to_string(offset) + ")"; }

std::string records_from(uint64_t first, uint64_t last) {
  if (first == last) return "record " + std::to_string(first);
  return "records " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

std::string utc_text(WallTime at) {
  constexpr int64_t kDay = 86'400'000'000'000;
  int64_t days = at.ns / kDay, rest = at.ns % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  // The civil calendar from days since 1970-01-01, in eras of 400 years that begin in March.
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t of_era = days - era * 146'097;
  const int64_t year_of_era = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * of_year + 2) / 153;
  const int64_t day = of_year - (153 * shifted + 2) / 5 + 1;
  const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const int64_t ms = rest / 1'000'000;
  char text[192];
  std::snprintf(text, sizeof text, "%04lld-%02lld-%02lld %02lld:%02lld:%02lld.%03lld UTC",
                static_cast<long long>(year), static_cast<long long>(month),
                static_cast<long long>(day), static_cast<long long>(ms / 3'600'000),
                static_cast<long long>(ms / 60'000 % 60), static_cast<long long>(ms / 1'000 % 60),
                static_cast<long long>(ms % 1'000));
  return text;
}

void Report::add(std::string problem) {
  if (problems.size() < kProblemsNamedMax)
    problems.push_back(std::move(problem));
  else
    ++problems_more;
}

Verification::Verification(HashFunction hash, std::vector<Checkpoint> checkpoints)
    : hash_(hash), checkpoints_(std::move(checkpoints)), frontier_(hash) {
  std::stable_sort(checkpoints_.begin(), checkpoints_.end(),
                   [](const Checkpoint& a, const Checkpoint& b) { return a.size < b.size; });
  for (const auto& checkpoint : checkpoints_)
    if (checkpoint.origin != checkpoints_.front().origin)
      report_.add("the checkpoints are of two logs, " + checkpoints_.front().origin + " and " +
                  checkpoint.origin);
  compare();
}

void Verification::compare() {
  for (; next_ < checkpoints_.size() && checkpoints_[next_].size == frontier_.size(); ++next_) {
    const auto& checkpoint = checkpoints_[next_];
    ++report_.checkpoints;
    if (checkpoint.root == frontier_.root()) {
      report_.signed_records = checkpoint.size;
      report_.signed_at = checkpoint.at;
      continue;
    }
    if (checkpoint.size == 0) {
      report_.add("a checkpoint of no records has the root of some");
      continue;
    }
    report_.add("the first " + std::to_string(checkpoint.size) +
                " records are not those that were signed (checkpoint of " +
                utc_text(checkpoint.at) + "): one of " +
                records_from(report_.signed_records + 1, checkpoint.size) +
                " was changed, removed, inserted or moved");
  }
}

void Verification::take(std::string_view bytes, uint64_t offset) {
  const auto place = report_.records + 1;
  const auto record = decode(bytes);
  if (!record) {
    report_.add("record " + std::to_string(place) + at_byte(offset) +
                " is none: " + record.error().text);
    last_sequence_ = place;
  } else {
    const auto found = record.value().sequence, wanted = last_sequence_ + 1;
    if (found > wanted)
      report_.add((last_sequence_ == 0
                       ? "the log begins with record "
                       : "after record " + std::to_string(last_sequence_) + " comes record ") +
                  std::to_string(found) + at_byte(offset) + ": " + records_from(wanted, found - 1) +
                  (wanted + 1 == found ? " was" : " were") + " removed or moved");
    if (found < wanted)
      report_.add("after record " + std::to_string(last_sequence_) + " comes record " +
                  std::to_string(found) + at_byte(offset) +
                  ": a record was inserted, repeated or moved");
    last_sequence_ = found;
  }
  ++report_.records;
  frontier_.append(leaf_hash(hash_, bytes));
  compare();
}

Report Verification::finish(const std::string& damage, uint64_t offset, std::size_t unfinished) {
  const auto next = report_.records + 1;
  if (!damage.empty())
    report_.add("record " + std::to_string(next) + at_byte(offset) + " is damaged: " + damage);
  else if (unfinished > 0)
    report_.add("after record " + std::to_string(report_.records) + at_byte(offset) + " " +
                std::to_string(unfinished) +
                " bytes are no whole record: torn by a crash, damaged or cut off");
  if (next_ < checkpoints_.size()) {
    const auto longest = checkpoints_.back().size;
    if (damage.empty())
      report_.add("the log ends with record " + std::to_string(report_.records) + ", but " +
                  std::to_string(longest) + " were signed (checkpoint of " +
                  utc_text(checkpoints_.back().at) + "): " + records_from(next, longest) +
                  (next == longest ? " is" : " are") + " missing");
    else
      report_.add(std::to_string(checkpoints_.size() - next_) + " checkpoints, of up to " +
                  std::to_string(longest) + " records, can't be compared past the damage");
  }
  report_.root = frontier_.root();
  return report_;
}

}  // namespace holdfast::audit
