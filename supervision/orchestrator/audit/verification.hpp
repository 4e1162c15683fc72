// Whether a log is what was signed: takes its records in order and the checkpoints whose signatures
// hold, and names what does not fit: damaged, removed, repeated, moved, changed and missing
// records. Pure; reading files and checking signatures is done elsewhere.
#pragma once

#include <string>
#include <vector>

#include "supervision/orchestrator/audit/checkpoint.hpp"
#include "supervision/orchestrator/audit/record.hpp"

namespace holdfast::audit {

inline constexpr std::size_t kProblemsNamedMax = 20;

struct Report {
  uint64_t records = 0;         // whole ones, up to the first that is damaged
  Hash root{};                  // of them
  uint64_t checkpoints = 0;     // that were compared
  uint64_t signed_records = 0;  // so many are covered by the longest checkpoint that fits
  WallTime signed_at;           // its time
  std::vector<std::string> problems;
  uint64_t problems_more = 0;  // found and not named
  bool clean() const { return problems.empty(); }
  void add(std::string problem);
};

class Verification {
 public:
  /// Checkpoints in any order.
  Verification(HashFunction hash, std::vector<Checkpoint> checkpoints);
  /// The next record's bytes, and where in the file its frame begins.
  void take(std::string_view bytes, uint64_t offset);
  /// After the last whole record. `damage`: why the frame at `offset` is none, or "" at the end of
  /// the file; `unfinished`: bytes that are left over there.
  Report finish(const std::string& damage, uint64_t offset, std::size_t unfinished);

 private:
  void compare();
  HashFunction hash_;
  std::vector<Checkpoint> checkpoints_;  // rising by size
  std::size_t next_ = 0;                 // of them, not yet compared
  Frontier frontier_;
  uint64_t last_sequence_ = 0;
  Report report_;
};

/// "2026-11-20 14:30:00.123 UTC".
std::string utc_text(WallTime at);

}  // namespace holdfast::audit
