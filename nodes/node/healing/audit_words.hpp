// What the audit keepers of the members say to each other over the mesh: which records one lacks,
// and those that another holds. The bytes have one form each; reading them is total, and whatever
// is not exactly such a word is an error.
#pragma once

#include <string>
#include <vector>

#include "supervision/orchestrator/audit/record.hpp"

namespace holdfast::node {

inline constexpr std::size_t kGivenRecordsMax = 512;       // in one answer
inline constexpr std::size_t kGivenBytesMax = 256u << 10;  // their bytes, at least one record

/// Wants the records of these numbers, both ends included.
struct WantRecords {
  uint64_t ask = 0;  // named in the answer
  uint64_t from = 0, upto = 0;
  friend bool operator==(const WantRecords&, const WantRecords&) = default;
};

/// The answer. `next` is the first number from `from` on that the member holds, 0: it holds none;
/// the records are those from `next` on, without gaps, as many as fit.
struct GivenRecords {
  uint64_t ask = 0;
  uint64_t from = 0, next = 0;
  std::vector<audit::Record> records;
  friend bool operator==(const GivenRecords&, const GivenRecords&) = default;
};

std::string encode(const WantRecords& want);
Result<WantRecords> decode_want(std::string_view bytes);
/// CHECKs that the records are valid, follow each other from `next`, and are no more than fit.
std::string encode(const GivenRecords& given);
Result<GivenRecords> decode_given(std::string_view bytes);

}  // namespace holdfast::node
