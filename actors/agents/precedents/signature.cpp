#include "actors/agents/precedents/signature.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace holdfast::precedents {
namespace {

// Weights in the vector, thousandths. The class of fault alone makes two incidents alike; shared
// metrics alone do so only where there are several.
constexpr uint32_t kFaultWeight = 3'000;
constexpr uint32_t kDomainWeight = 1'000;
constexpr uint32_t kSymptomWeight = 1'500;  // of a documented case, which has no measurement
constexpr uint32_t kMetricWeightMin = 200, kMetricWeightMax = 3'000;

class Builder {
 public:
  explicit Builder(FaultClass fault) { signature_.fault = fault; }

  void fault(FaultClass fault, telemetry::Domain domain) {
    const auto code = static_cast<uint16_t>(fault);
    if (fault != FaultClass::kNone) both(term(TermKind::kFault, code), kFaultWeight);
    both(term(TermKind::kDomain, static_cast<uint16_t>(domain)), kDomainWeight);
  }
  void metric(telemetry::Metric metric, bool up, uint32_t weight) {
    const auto kind = up ? TermKind::kMetricUp : TermKind::kMetricDown;
    both(term(kind, static_cast<uint16_t>(metric)),
         std::clamp(weight, kMetricWeightMin, kMetricWeightMax));
  }
  void token(TermKind kind, uint16_t code) { ++tokens_[term(kind, code).code]; }

  Signature finish() {
    signature_.vector = strongest(vector_);
    signature_.tokens = strongest(tokens_);
    return std::move(signature_);
  }

 private:
  void both(Term term, uint32_t weight) {
    auto& present = vector_[term.code];
    present = std::max(present, weight);
    ++tokens_[term.code];
  }
  static std::vector<Weighted> strongest(const std::map<uint32_t, uint32_t>& terms) {
    std::vector<Weighted> out;
    for (const auto& [code, weight] : terms) out.push_back({{code}, weight});
    if (out.size() > limits::kPrecedentTermsMax) {
      std::stable_sort(out.begin(), out.end(),
                       [](const auto& a, const auto& b) { return a.weight > b.weight; });
      out.resize(limits::kPrecedentTermsMax);
      std::sort(out.begin(), out.end(),
                [](const auto& a, const auto& b) { return a.term < b.term; });
    }
    return out;
  }
  Signature signature_;
  std::map<uint32_t, uint32_t> vector_, tokens_;  // by term
};

void add(Builder& builder, const Finding& finding) {
  builder.fault(finding.fault, finding.agent.domain);
  builder.token(TermKind::kSeverity, static_cast<uint16_t>(finding.severity));
  for (const auto& evidence : finding.evidence) {
    if (evidence.detector != DetectorKind::kEvent)
      builder.metric(evidence.metric, evidence.value >= evidence.expected, evidence.score_milli);
    builder.token(TermKind::kDetector, static_cast<uint16_t>(evidence.detector));
  }
}

double length(const std::vector<Weighted>& vector) {
  double sum = 0;
  for (const auto& feature : vector) sum += double(feature.weight) * double(feature.weight);
  return std::sqrt(sum);
}

}  // namespace

Signature signature_of(const Finding& finding) {
  Builder builder(finding.fault);
  add(builder, finding);
  builder.token(TermKind::kAlone, 1);
  return builder.finish();
}

Signature signature_of(const Incident& incident) {
  Builder builder(incident.cause);
  std::set<telemetry::Domain> domains;
  for (const auto& finding : incident.findings) {
    add(builder, finding);
    domains.insert(finding.agent.domain);
  }
  if (incident.findings.empty() && incident.cause != FaultClass::kNone)
    builder.fault(incident.cause, domain_of(incident.cause));
  const bool alone = incident.findings.size() <= 1;
  builder.token(TermKind::kAlone, alone ? 1 : domains.size() == 1 ? 2 : 3);
  return builder.finish();
}

Signature signature_of(FaultClass fault, const std::vector<Symptom>& symptoms) {
  Builder builder(fault);
  if (fault != FaultClass::kNone) builder.fault(fault, domain_of(fault));
  for (const auto& symptom : symptoms) builder.metric(symptom.metric, symptom.up, kSymptomWeight);
  return builder.finish();
}

uint32_t similarity_ppm(const Signature& a, const Signature& b) {
  const double lengths = length(a.vector) * length(b.vector);
  if (lengths <= 0) return 0;
  double dot = 0;
  auto left = a.vector.begin();
  auto right = b.vector.begin();
  while (left != a.vector.end() && right != b.vector.end()) {
    if (left->term < right->term) {
      ++left;
    } else if (right->term < left->term) {
      ++right;
    } else {
      dot += double(left++->weight) * double(right++->weight);
    }
  }
  return static_cast<uint32_t>(std::lround(std::min(1.0, dot / lengths) * 1e6));
}

}  // namespace holdfast::precedents
