// CHECK and FATAL: how a bug is reported, in release builds too.
// A failed CHECK throws up to the actor's shell: the actor dies whole and its supervisor rebuilds
// it from the journal. FATAL aborts the process: it is for a broken fence or hash chain, where
// going on could write something wrong to the outside. Neither is for external input: that gets a
// clear error.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace holdfast {

/// A bug found by CHECK. Only an actor's shell (or main) catches it.
class CheckFailed : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  throw CheckFailed(std::string(file) + ":" + std::to_string(line) +
                    ": CHECK failed: " + condition);
}

[[noreturn]] inline void fatal(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: FATAL: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace holdfast

#define CHECK(condition)                             \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::holdfast::check_failed(#condition, __FILE__, __LINE__))

#define FATAL_UNLESS(condition)                      \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::holdfast::fatal(#condition, __FILE__, __LINE__))
