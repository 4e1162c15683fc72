// Reads the simulated exchange's own record (JSON lines) into the facts that the ledger judges by.
#pragma once

#include <string>
#include <vector>

#include "nodes/load/ledger.hpp"

namespace holdfast::load {

/// All whole lines of `path`, in order. A last line without its newline is still being written and
/// left out. kNotFound: no such file; kCorrupt: a line that is not a fact, with its number.
Result<std::vector<VenueFact>> read_venue_record(const std::string& path);

/// The result of a run as the JSON object that --json writes.
std::string to_json(const Verdict& verdict, const std::string& flow, uint64_t skipped_hidden,
                    uint64_t orphans, uint64_t halts, uint64_t malformed, uint64_t kills,
                    uint64_t elapsed_ms);

}  // namespace holdfast::load
