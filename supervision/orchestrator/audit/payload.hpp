// The JSON of audit records, made so that equal input gives equal bytes: keys in the order in which
// they are added, integers only, one spelling for each text. Whatever names an account or a key
// goes through the redactor, so that no caller can forget it: configuration says whether it stands
// there in clear, as a keyed hash (the same account is recognised, not told), or not at all.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "messages/remediation.hpp"
#include "supervision/orchestrator/audit/merkle.hpp"

namespace holdfast::audit {

enum class Treatment : uint8_t { kDrop = 0, kHmac, kClear };
std::string_view to_text(Treatment treatment);

/// What may stand in records. Without a secret a hash is dropped instead: an unkeyed one could be
/// found by trying all accounts.
struct Redaction {
  Treatment accounts = Treatment::kDrop;
  Treatment keys = Treatment::kDrop;  // ClOrdIDs, credentials, tokens
  /// HMAC-SHA256 under the deployment's secret, which must be the same on all members.
  std::function<Hash(std::string_view)> hmac;
  /// Accounts and keys that are known, to be found in free text too.
  std::set<std::string, std::less<>> known_accounts, known_keys;
};

class Redactor {
 public:
  explicit Redactor(Redaction redaction) : redaction_(std::move(redaction)) {}
  std::string account(std::string_view value) const;
  std::string key(std::string_view value) const;
  /// Free text: known accounts and keys, standing as words, and whatever looks like a secret (32
  /// or more hexadecimal digits in a row) are treated as such.
  std::string text(std::string_view value) const;

 private:
  std::string treated(Treatment treatment, std::string_view value, const char* what) const;
  std::string word(std::string_view run) const;
  Redaction redaction_;
};

/// `json` with every text in it redacted, for objects that others have made. The form stays as it
/// is.
std::string redact_json(const Redactor& redactor, std::string_view json);

/// One JSON object. Texts are cut after 4,096 bytes; bytes that are no UTF-8 become '?'.
class Payload {
 public:
  explicit Payload(const Redactor& redactor) : redactor_(&redactor) { out_ = "{"; }

  Payload& text(std::string_view key, std::string_view value);  // redacted
  Payload& word(std::string_view key, std::string_view value);  // enumerated: as it is
  Payload& number(std::string_view key, int64_t value);
  Payload& number(std::string_view key, uint64_t value);
  Payload& flag(std::string_view key, bool value);
  Payload& account(std::string_view key, std::string_view value);
  Payload& secret(std::string_view key, std::string_view value);
  Payload& hash(std::string_view key, const Hash& value);
  /// A list of objects; `fill(payload, element)` adds each one's keys.
  template <typename List, typename Fill>
  Payload& list(std::string_view key, const List& elements, const Fill& fill) {
    name(key);
    out_ += '[';
    for (const auto& element : elements) {
      if (out_.back() == '}') out_ += ',';
      Payload inner(*redactor_);
      fill(inner, element);
      out_ += inner.str();
    }
    out_ += ']';
    return *this;
  }
  template <typename Fill>
  Payload& object(std::string_view key, const Fill& fill) {
    name(key);
    Payload inner(*redactor_);
    fill(inner);
    out_ += inner.str();
    return *this;
  }
  std::string str() const { return out_ + "}"; }

 private:
  void name(std::string_view key);
  void string(std::string_view value);
  const Redactor* redactor_;
  std::string out_;
};

std::string payload_of(const Redactor& redactor, const Evidence& evidence);
std::string payload_of(const Redactor& redactor, const Finding& finding);
std::string payload_of(const Redactor& redactor, const Incident& incident);
std::string payload_of(const Redactor& redactor, const Proposal& proposal);
/// `action` is what was asked for; `kill_switch` as it stood.
std::string payload_of(const Redactor& redactor, const PolicyDecision& decision,
                       const Action& action, bool kill_switch);
std::string payload_of(const Redactor& redactor, const std::vector<PrecedentRef>& precedents);
/// `what` is for people: which workflow, which objective.
std::string payload_of(const Redactor& redactor, RemedyOutcome outcome, std::string_view what);

}  // namespace holdfast::audit
