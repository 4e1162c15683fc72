// Precedents in memory, ranked: an exact scan of the vectors by cosine, BM25 over the tokens (the
// scheme of Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
// 2009), fused by reciprocal rank (Cormack, Clarke and Buettcher, SIGIR 2009) and weighted by
// outcome. Pure; the store keeps it in step with what is on disk. Below a floor of similarity there
// is no precedent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "actors/agents/precedents/precedent.hpp"

namespace holdfast::precedents {

struct IndexSettings {
  uint32_t similarity_floor_ppm = 350'000;  // cosine; a resemblance below is none
  std::size_t learned_max = limits::kPrecedentsMax;
};

class Index {
 public:
  explicit Index(IndexSettings settings = {});

  /// Adds it, or replaces the one with its number.
  void put(Precedent precedent);
  void erase(uint64_t number);
  /// The k best, best first. Among equals the later learned goes first, then the lower number.
  std::vector<Match> find(const Signature& signature, std::size_t k) const;
  /// Null when there is none.
  const Precedent* get(uint64_t number) const;
  /// Learned ones that are over the bound, oldest first: the caller erases them.
  std::vector<uint64_t> surplus() const;
  std::vector<const Precedent*> list(FaultClass fault, std::size_t most) const;
  std::size_t size() const { return precedents_.size(); }

 private:
  struct Posting {
    uint64_t number;
    uint32_t count;
  };
  std::unordered_map<uint64_t, double> bm25(const Signature& signature) const;
  void unlink(const Precedent& precedent);

  IndexSettings settings_;
  std::map<uint64_t, Precedent> precedents_;
  std::map<std::pair<int64_t, uint64_t>, uint64_t> by_age_;  // learned ones: (time, number)
  std::unordered_map<uint32_t, std::vector<Posting>> postings_;
  uint64_t tokens_ = 0;  // in all precedents together
};

/// Adds how `action` ended to its record; false when the outcome is nobody's record.
bool note_outcome(Precedent& precedent, ActionKind action, RemedyOutcome outcome, uint32_t times);

/// What outcomes make of a rank: 500,000 (all bad) to 1,500,000 (all good), 1,000,000 when nothing
/// is known.
uint32_t outcome_weight_ppm(const Precedent& precedent);

}  // namespace holdfast::precedents
