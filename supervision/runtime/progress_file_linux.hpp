// ProgressFile: a page of shared memory in which a node's loops count that they live, and from
// which its guard sees when one does not. The node makes a new file at each start and names itself
// in it, so a guard never takes the last node's counters for this one's. Writing costs the loop one
// store.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "supervision/runtime/process_linux.hpp"

namespace holdfast {

/// The environment variable by which the guard tells its node where the file belongs.
inline constexpr const char* kProgressFileVariable = "HOLDFAST_PROGRESS_FILE";
inline constexpr std::size_t kProgressLoopsMax = 64;

/// The writer's side. Lives as long as the loops that count in it.
class ProgressFile {
 public:
  /// Makes the file at `path`, for this process, in place of any earlier one.
  static Result<ProgressFile> create(const std::string& path);
  ~ProgressFile();
  ProgressFile(ProgressFile&& other) noexcept;
  ProgressFile& operator=(ProgressFile&& other) noexcept;

  /// A counter for the loop `name` (the first 31 bytes are kept), for HotLoop::progress_sink. kFull
  /// beyond kProgressLoopsMax. One thread at a time.
  Result<std::atomic<uint64_t>*> add_loop(const std::string& name);

 private:
  explicit ProgressFile(void* page) : page_(page) {}
  void* page_ = nullptr;
};

/// What the reader sees.
struct ProgressSample {
  ProcessId process;
  std::vector<std::string> loops;
  std::vector<uint64_t> counters;  // beside `loops`
};

/// Reads the file as it is now. kNotFound: there is none. kCorrupt: it is something else.
Result<ProgressSample> read_progress(const std::string& path);

}  // namespace holdfast
