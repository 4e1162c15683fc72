// What a drill and the library that it loads before a node share: one page of a file that both map.
// The drill writes the faults, the library obeys them at once and counts what it did. Nothing of it
// is known to the node.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::drill {

/// All zero: nothing is wrong. Each field stands for itself; no order among them.
struct FaultPage {
  std::atomic<int64_t> full;            // 1: writes to the node's files fail with ENOSPC
  std::atomic<int64_t> write_delay_us;  // before each write to them
  std::atomic<int64_t> sync_delay_us;   // before each fsync and fdatasync
  std::atomic<int64_t> sync_fails;      // 1: those fail with EIO
  std::atomic<int64_t> sync_lies;       // 1: those do nothing and say that they did
  std::atomic<int64_t> clock_ns;        // added to CLOCK_REALTIME
  std::atomic<int64_t> free_ppm;        // not 0: their file system says that so much is free
  std::atomic<int64_t> writes_hit, syncs_hit, clocks_hit;  // by the library
};
static_assert(std::atomic<int64_t>::is_always_lock_free && sizeof(FaultPage) == 10 * 8);

/// Where the library finds the page, and below which folder files are hit.
inline constexpr const char* kFaultFileVariable = "HOLDFAST_DRILL_FAULT_FILE";
inline constexpr const char* kFaultFolderVariable = "HOLDFAST_DRILL_FAULT_FOLDER";

}  // namespace holdfast::drill
