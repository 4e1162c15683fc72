#include "nodes/settings/problems.hpp"

#include <algorithm>
#include <cstdio>
#include <tuple>

namespace holdfast::settings {
namespace {

// Edits (insert, delete, change, swap of neighbours) from one word to the other.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string Problem::str() const {
  if (line == 0) return file + ": " + text;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + text;
}

void Problems::add(Problem problem) {
  if (std::find(all_.begin(), all_.end(), problem) != all_.end()) return;
  if (all_.size() < kProblemsMax)
    all_.push_back(std::move(problem));
  else
    ++more_;
}

std::vector<Problem> Problems::sorted() const {
  auto list = all_;
  std::stable_sort(list.begin(), list.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
  return list;
}

std::string Problems::str() const {
  std::string text;
  for (const auto& problem : sorted()) text += problem.str() + "\n";
  if (more_ > 0) text += "and " + std::to_string(more_) + " more\n";
  return text;
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kWordMax = 64;  // longer words are no typing mistakes
  if (word.size() > kWordMax) return {};
  std::string best;
  std::size_t fewest = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const auto edits = edits_between(word, candidate);
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

std::string in_quotes(std::string_view word) {
  constexpr std::size_t kShown = 60;
  std::string out = "\"";
  for (unsigned char c : word.substr(0, kShown)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", c);
      out += escape;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + (word.size() > kShown ? "…\"" : "\"");
}

}  // namespace holdfast::settings
