// What is wrong with configuration, all of it in one pass: each problem with file, line, column and
// a sentence that says what was expected and what was found. Also the small judgement which known
// key somebody may have meant. No I/O here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::settings {

/// One mistake. Line and column count from 1; 0 means the file as a whole.
struct Problem {
  std::string file;
  uint32_t line = 0, column = 0;
  std::string text;

  /// "config/node.toml:7:1: text", as compilers write it.
  std::string str() const;
  friend bool operator==(const Problem&, const Problem&) = default;
};

/// Collects problems; keeps the first kProblemsMax and counts the rest.
class Problems {
 public:
  static constexpr std::size_t kProblemsMax = 100;

  void add(Problem problem);
  bool none() const { return all_.empty(); }
  /// In order of file, line and column.
  std::vector<Problem> sorted() const;
  /// Every problem on a line of its own, then how many more there were.
  std::string str() const;

 private:
  std::vector<Problem> all_;
  std::size_t more_ = 0;
};

/// The candidate that `word` was most likely meant to be, or "" when none is close (by edits, at
/// most a third of the letters).
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// The word in double quotes, control characters and quotes escaped, cut after 60 bytes.
std::string in_quotes(std::string_view word);

}  // namespace holdfast::settings
