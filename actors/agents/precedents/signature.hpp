// What an incident or a finding looks like, in a form that two of them can be compared by: a sparse
// vector over metrics with their direction, and a bag of enumerated tokens. Both hold codes and
// numbers only, no text and no names of places, so that precedents are of use on other machines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/advice/limits.hpp"
#include "messages/finding.hpp"

namespace holdfast::precedents {

/// A feature or a token: its kind in the upper half, its code in the lower. Codes are stored.
struct Term {
  uint32_t code = 0;
  friend auto operator<=>(const Term&, const Term&) = default;
};

/// Kinds of terms. Codes are stored: only ever added.
enum class TermKind : uint16_t {
  kMetricUp = 1,  // the metric's code; it is above what is usual
  kMetricDown,    // it is below
  kFault,         // the class of fault found
  kDomain,        // that a domain's agent reported something
  kDetector,      // which detector spoke
  kSeverity,
  kAlone,  // 1: one finding, 2: several, 3: several domains
};
constexpr Term term(TermKind kind, uint16_t code) {
  return {static_cast<uint32_t>(kind) << 16 | code};
}
constexpr TermKind kind_of(Term term) { return static_cast<TermKind>(term.code >> 16); }
constexpr uint16_t code_of(Term term) { return static_cast<uint16_t>(term.code); }

/// A term with its weight (thousandths) in the vector, or its count in the bag of tokens.
struct Weighted {
  Term term;
  uint32_t weight = 0;
  friend bool operator==(const Weighted&, const Weighted&) = default;
};

struct Signature {
  FaultClass fault = FaultClass::kNone;  // the cause
  std::vector<Weighted> vector;  // rising by term; metrics by how far out they are, fault, domains
  std::vector<Weighted> tokens;  // rising by term; everything enumerated, by how often it occurs
  friend bool operator==(const Signature&, const Signature&) = default;
};

/// Never fails: what is beyond kPrecedentTermsMax is left out, the strongest stay.
Signature signature_of(const Finding& finding);
Signature signature_of(const Incident& incident);

/// A metric and whether it was above (or below) the usual.
struct Symptom {
  telemetry::Metric metric = telemetry::Metric::kCpuUtilization;
  bool up = true;
};
/// Of a documented case: a class of fault and the metrics that it shows in.
Signature signature_of(FaultClass fault, const std::vector<Symptom>& symptoms);

/// Cosine of the two vectors in parts per million; 0 where one is empty.
uint32_t similarity_ppm(const Signature& a, const Signature& b);

}  // namespace holdfast::precedents
