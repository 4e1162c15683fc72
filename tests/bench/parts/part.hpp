// A measured part of the order path. Each is described once and measured twice: by Google Benchmark
// for the mean, and by batches of our own for the percentiles. What makes room for the next batch
// is not timed. Knows nothing of how results are shown.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::bench {

class Part {
 public:
  virtual ~Part() = default;
  /// Does `n` operations. Timed.
  virtual void run(std::size_t n) = 0;
  /// Before each run(n): makes what it needs, and room for it. Not timed.
  virtual void prepare(std::size_t n) { (void)n; }
};

struct PartEntry {
  std::string name;       // as in the table and in JSON
  std::string what;       // one operation, in words
  std::size_t batch = 1;  // operations timed together: a percentile is one of batch means
  std::function<std::unique_ptr<Part>()> make;
};

/// Whatever takes too long to be repeated: returns named numbers, units last in their names.
struct StudyEntry {
  std::string name, what;
  std::function<std::vector<std::pair<std::string, double>>(bool quick)> run;
};

std::vector<PartEntry>& part_entries();
std::vector<StudyEntry>& study_entries();

/// Registers at start-up: `const bool kRegistered = add_part({...});`
inline bool add_part(PartEntry entry) {
  part_entries().push_back(std::move(entry));
  return true;
}
inline bool add_study(StudyEntry entry) {
  study_entries().push_back(std::move(entry));
  return true;
}

/// A part without preparation, from a function of the operation's number.
template <typename F>
std::unique_ptr<Part> simple_part(F function) {
  struct Simple final : Part {
    explicit Simple(F f) : function(std::move(f)) {}
    void run(std::size_t n) override {
      for (std::size_t i = 0; i < n; ++i) function(number++);
    }
    F function;
    uint64_t number = 1;
  };
  return std::make_unique<Simple>(std::move(function));
}

}  // namespace holdfast::bench
