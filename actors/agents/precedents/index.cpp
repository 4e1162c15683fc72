#include "actors/agents/precedents/index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace holdfast::precedents {
namespace {

constexpr double kSaturation = 1.2;   // k1 of BM25
constexpr double kLengthNorm = 0.75;  // b of BM25
constexpr double kFusion = 60;        // of reciprocal rank fusion: its authors' constant

uint64_t count_tokens(const Signature& signature) {
  uint64_t sum = 0;
  for (const auto& token : signature.tokens) sum += token.weight;
  return sum;
}

// Equal values get equal ranks, from 1: an order that means nothing must not decide.
template <typename Value>
std::unordered_map<uint64_t, std::size_t> ranks(std::vector<std::pair<Value, uint64_t>> scored) {
  std::sort(scored.begin(), scored.end(), std::greater<>());
  std::unordered_map<uint64_t, std::size_t> out;
  std::size_t rank = 0;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    if (i == 0 || scored[i].first != scored[i - 1].first) rank = i + 1;
    out[scored[i].second] = rank;
  }
  return out;
}

int64_t good_minus_bad(const ActionRecord& record) {
  return int64_t{record.succeeded} - int64_t{record.rolled_back} - 2 * int64_t{record.failed};
}

void add_capped(uint32_t& count, uint32_t times) {
  count = times > std::numeric_limits<uint32_t>::max() - count
              ? std::numeric_limits<uint32_t>::max()
              : count + times;
}

}  // namespace

Index::Index(IndexSettings settings) : settings_(settings) {}

void Index::put(Precedent precedent) {
  erase(precedent.number);
  for (const auto& token : precedent.signature.tokens)
    postings_[token.term.code].push_back({precedent.number, token.weight});
  tokens_ += count_tokens(precedent.signature);
  if (!is_seed(precedent.number))
    by_age_[{precedent.learned.ns, precedent.number}] = precedent.number;
  const auto number = precedent.number;
  precedents_.emplace(number, std::move(precedent));
}

void Index::erase(uint64_t number) {
  const auto at = precedents_.find(number);
  if (at == precedents_.end()) return;
  unlink(at->second);
  precedents_.erase(at);
}

void Index::unlink(const Precedent& precedent) {
  for (const auto& token : precedent.signature.tokens) {
    auto& list = postings_[token.term.code];
    std::erase_if(list, [&](const Posting& p) { return p.number == precedent.number; });
    if (list.empty()) postings_.erase(token.term.code);
  }
  tokens_ -= count_tokens(precedent.signature);
  by_age_.erase({precedent.learned.ns, precedent.number});
}

std::unordered_map<uint64_t, double> Index::bm25(const Signature& signature) const {
  std::unordered_map<uint64_t, double> scores;
  const auto n = double(precedents_.size());
  const double average = precedents_.empty() ? 1 : std::max(1.0, double(tokens_) / n);
  for (const auto& token : signature.tokens) {
    const auto list = postings_.find(token.term.code);
    if (list == postings_.end()) continue;
    const auto holders = double(list->second.size());
    const double rarity = std::log(1 + (n - holders + 0.5) / (holders + 0.5));
    for (const auto& posting : list->second) {
      const double length = double(count_tokens(precedents_.at(posting.number).signature));
      const double count = posting.count;
      scores[posting.number] +=
          rarity * count * (kSaturation + 1) /
          (count + kSaturation * (1 - kLengthNorm + kLengthNorm * length / average));
    }
  }
  return scores;
}

std::vector<Match> Index::find(const Signature& signature, std::size_t k) const {
  std::vector<std::pair<uint32_t, uint64_t>> alike;
  for (const auto& [number, precedent] : precedents_) {
    const auto similarity = similarity_ppm(signature, precedent.signature);
    if (similarity >= settings_.similarity_floor_ppm) alike.emplace_back(similarity, number);
  }
  const auto words = bm25(signature);
  std::vector<std::pair<double, uint64_t>> worded;
  for (const auto& [similarity, number] : alike)
    if (const auto at = words.find(number); at != words.end())
      worded.emplace_back(at->second, number);
  const auto by_vector = ranks(alike);
  const auto by_words = ranks(worded);

  std::vector<Match> matches;
  for (const auto& [similarity, number] : alike) {
    const auto& precedent = precedents_.at(number);
    double fused = 1 / (kFusion + double(by_vector.at(number)));
    if (const auto at = by_words.find(number); at != by_words.end())
      fused += 1 / (kFusion + double(at->second));
    // The first in both with the best record has 1,000,000.
    const double most = 2 / (kFusion + 1) * 1.5;
    const double weighted = fused * double(outcome_weight_ppm(precedent)) / 1e6;
    Match match;
    match.ref = {number, similarity};
    match.fault = precedent.signature.fault;
    match.score_ppm = static_cast<uint32_t>(std::lround(weighted / most * 1e6));
    matches.push_back(std::move(match));
  }
  const auto later = [this](const Match& a, const Match& b) {
    if (a.score_ppm != b.score_ppm) return a.score_ppm > b.score_ppm;
    const auto age_a = precedents_.at(a.ref.incident).learned;
    const auto age_b = precedents_.at(b.ref.incident).learned;
    return age_a != age_b ? age_a > age_b : a.ref.incident < b.ref.incident;
  };
  std::sort(matches.begin(), matches.end(), later);
  if (matches.size() > k) matches.resize(k);
  for (auto& match : matches) {
    match.actions = precedents_.at(match.ref.incident).actions;
    std::stable_sort(match.actions.begin(), match.actions.end(), [](const auto& a, const auto& b) {
      return good_minus_bad(a) > good_minus_bad(b);
    });
  }
  return matches;
}

const Precedent* Index::get(uint64_t number) const {
  const auto at = precedents_.find(number);
  return at == precedents_.end() ? nullptr : &at->second;
}

std::vector<uint64_t> Index::surplus() const {
  std::vector<uint64_t> out;
  auto oldest = by_age_.begin();
  for (auto over = by_age_.size(); over > settings_.learned_max; --over)
    out.push_back((oldest++)->second);
  return out;
}

std::vector<const Precedent*> Index::list(FaultClass fault, std::size_t most) const {
  std::vector<const Precedent*> out;
  for (const auto& [number, precedent] : precedents_)
    if (fault == FaultClass::kNone || precedent.signature.fault == fault) out.push_back(&precedent);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->learned > b->learned; });
  if (out.size() > most) out.resize(most);
  return out;
}

bool note_outcome(Precedent& precedent, ActionKind action, RemedyOutcome outcome, uint32_t times) {
  if (action == ActionKind::kNone || action == ActionKind::kPage || times == 0) return false;
  if (outcome != RemedyOutcome::kSucceeded && outcome != RemedyOutcome::kRolledBack &&
      outcome != RemedyOutcome::kFailed)
    return false;
  auto at = std::find_if(precedent.actions.begin(), precedent.actions.end(),
                         [action](const ActionRecord& r) { return r.action == action; });
  if (at == precedent.actions.end())
    at = precedent.actions.insert(precedent.actions.end(), ActionRecord{action, 0, 0, 0});
  if (outcome == RemedyOutcome::kSucceeded) add_capped(at->succeeded, times);
  if (outcome == RemedyOutcome::kRolledBack) add_capped(at->rolled_back, times);
  if (outcome == RemedyOutcome::kFailed) add_capped(at->failed, times);
  return true;
}

uint32_t outcome_weight_ppm(const Precedent& precedent) {
  uint64_t good = 0, bad = 0;
  for (const auto& record : precedent.actions) {
    good += record.succeeded;
    bad += uint64_t{record.rolled_back} + record.failed;
  }
  return static_cast<uint32_t>(500'000 + 1'000'000 * (good + 1) / (good + bad + 2));
}

}  // namespace holdfast::precedents
