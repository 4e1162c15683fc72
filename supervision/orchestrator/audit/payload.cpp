#include "supervision/orchestrator/audit/payload.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace holdfast::audit {
namespace {

constexpr std::size_t kTextBytesMax = 4'096;
constexpr std::size_t kSecretDigits = 32;
constexpr std::size_t kPartsMax = 24;  // of one word of free text

bool joins(char c) { return c == '-' || c == '_' || c == '.'; }
bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// How many bytes the UTF-8 sequence at the front has; 0: none begins there.
std::size_t sequence_at(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80              ? 1
                           : (lead >> 5) == 0b110   ? 2
                           : (lead >> 4) == 0b1110  ? 3
                           : (lead >> 3) == 0b11110 ? 4
                                                    : 0;
  if (size == 0 || text.size() < size || lead == 0xc0 || lead == 0xc1 || lead > 0xf4) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[i]) >> 6) != 0b10) return 0;
  const auto second = size > 1 ? static_cast<unsigned char>(text[1]) : 0;
  const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                   (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return bad ? 0 : size;
}

void add_place(Payload& json, const Place& place) {
  if (place.member) json.number("member", uint64_t{place.member.value});
  if (place.group) json.number("group", uint64_t{place.group.value});
  if (!place.instance.empty()) json.text("instance", place.instance.view());
}

void add_action(Payload& json, const Action& action) {
  json.word("kind", to_text(action.kind));
  json.object("target", [&](Payload& inner) { add_place(inner, action.target); });
  if (action.to) json.number("to", uint64_t{action.to.value});
  if (action.amount != 0) json.number("amount", action.amount);
}

void add_evidence(Payload& json, const Evidence& evidence) {
  json.word("metric", telemetry::info_of(evidence.metric).name);
  json.object("place", [&](Payload& inner) { add_place(inner, evidence.place); });
  json.word("detector", to_text(evidence.detector));
  json.number("value", evidence.value).number("expected", evidence.expected);
  json.number("score_milli", uint64_t{evidence.score_milli});
  json.number("began_ns", evidence.began.ns).number("seen_ns", evidence.seen.ns);
}

void add_precedents(Payload& json, const std::vector<PrecedentRef>& precedents) {
  json.list("precedents", precedents, [](Payload& inner, const PrecedentRef& each) {
    inner.number("incident", each.incident);
    inner.number("similarity_ppm", uint64_t{each.similarity_ppm});
  });
}

void add_finding(Payload& json, const Finding& finding) {
  json.word("domain", to_text(finding.agent.domain));
  json.number("agent", uint64_t{finding.agent.instance}).number("number", finding.number);
  json.word("fault", to_text(finding.fault));
  json.object("place", [&](Payload& inner) { add_place(inner, finding.place); });
  json.word("severity", to_text(finding.severity));
  json.number("confidence_ppm", uint64_t{finding.confidence_ppm});
  json.number("began_ns", finding.began.ns).number("found_ns", finding.found.ns);
  json.flag("over", finding.over);
}

}  // namespace

std::string_view to_text(Treatment value) {
  switch (value) {
    case Treatment::kDrop:
      return "drop";
    case Treatment::kHmac:
      return "hmac";
    case Treatment::kClear:
      return "clear";
  }
  return "invalid";
}

std::string Redactor::treated(Treatment treatment, std::string_view value, const char* what) const {
  if (treatment == Treatment::kClear) return std::string(value);
  if (treatment == Treatment::kHmac && redaction_.hmac)
    return "hmac:" + to_hex(redaction_.hmac(value)).substr(0, 16);
  return std::string("[") + what + "]";
}

std::string Redactor::account(std::string_view value) const {
  return treated(redaction_.accounts, value, "account");
}

std::string Redactor::key(std::string_view value) const {
  return treated(redaction_.keys, value, "key");
}

// A run of letters and digits joined by '-', '_' and '.': known names are looked for among all
// stretches of whole parts, the longest first.
std::string Redactor::word(std::string_view run) const {
  std::vector<std::size_t> starts = {0}, ends;
  for (std::size_t i = 0; i < run.size(); ++i)
    if (joins(run[i])) {
      ends.push_back(i);
      starts.push_back(i + 1);
    }
  ends.push_back(run.size());
  // Nothing that we name has so many parts; what can't be searched is not shown.
  if (starts.size() > kPartsMax) return "[text]";
  std::string out;
  std::size_t part = 0;
  const auto take = [&](std::size_t first, std::size_t last) {
    const auto stretch = run.substr(starts[first], ends[last] - starts[first]);
    const bool secret = stretch.size() >= kSecretDigits &&
                        stretch.find_first_not_of("0123456789abcdefABCDEF") == stretch.npos;
    if (redaction_.known_accounts.contains(stretch))
      out += account(stretch);
    else if (secret || redaction_.known_keys.contains(stretch))
      out += key(stretch);
    else
      return false;
    part = last + 1;
    return true;
  };
  while (part < starts.size()) {
    const auto first = part;
    for (std::size_t last = starts.size(); last-- > first;)
      if (take(first, last)) break;
    if (part == first) {
      out += run.substr(starts[part], ends[part] - starts[part]);
      ++part;
    }
    if (part < starts.size()) out += run[ends[part - 1]];
  }
  return out;
}

std::string Redactor::text(std::string_view value) const {
  std::string out;
  std::size_t at = 0;
  while (at < value.size()) {
    std::size_t end = at;
    while (end < value.size() && (alphanumeric(value[end]) || joins(value[end]))) ++end;
    if (end > at) out += word(value.substr(at, end - at));
    if (end < value.size()) out += value[end++];
    at = end;
  }
  return out;
}

std::string redact_json(const Redactor& redactor, std::string_view json) {
  std::string out, words;
  bool inside = false;
  const auto flush = [&] {
    out += redactor.text(words);
    words.clear();
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') {
      flush();
      inside = !inside;
      out += c;
    } else if (!inside) {
      out += c;
    } else if (c != '\\') {
      words += c;
    } else {
      // An escape ends a word, unless it only hides a letter of one.
      const auto escape = json.substr(i, json.substr(i + 1).starts_with('u') ? 6 : 2);
      unsigned code = 0;
      const auto* digits = escape.data() + 2;
      const bool hidden =
          escape.size() == 6 && std::from_chars(digits, digits + 4, code, 16).ec == std::errc{} &&
          code < 0x80 && (alphanumeric(static_cast<char>(code)) || joins(static_cast<char>(code)));
      if (hidden) {
        words += static_cast<char>(code);
      } else {
        flush();
        out += escape;
      }
      i += escape.size() - 1;
    }
  }
  flush();
  return out;
}

void Payload::name(std::string_view key) {
  if (out_.size() > 1) out_ += ',';
  string(key);
  out_ += ':';
}

void Payload::string(std::string_view value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out_ += '"';
  std::size_t taken = 0;
  while (!value.empty() && taken < kTextBytesMax) {
    const auto size = sequence_at(value);
    const auto c = static_cast<unsigned char>(value[0]);
    if (size == 0) {
      out_ += '?';
    } else if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += value[0];
    } else if (c < 0x20 || c == 0x7f) {
      out_ += "\\u00";
      out_ += kDigits[c >> 4];
      out_ += kDigits[c & 15];
    } else {
      out_ += value.substr(0, size);
    }
    taken += std::max<std::size_t>(size, 1);
    value.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out_ += '"';
}

Payload& Payload::text(std::string_view key, std::string_view value) {
  name(key);
  string(redactor_->text(value));
  return *this;
}

Payload& Payload::word(std::string_view key, std::string_view value) {
  name(key);
  string(value);
  return *this;
}

Payload& Payload::number(std::string_view key, int64_t value) {
  name(key);
  out_ += std::to_string(value);
  return *this;
}

Payload& Payload::number(std::string_view key, uint64_t value) {
  name(key);
  out_ += std::to_string(value);
  return *this;
}

Payload& Payload::flag(std::string_view key, bool value) {
  name(key);
  out_ += value ? "true" : "false";
  return *this;
}

Payload& Payload::account(std::string_view key, std::string_view value) {
  name(key);
  string(redactor_->account(value));
  return *this;
}

Payload& Payload::secret(std::string_view key, std::string_view value) {
  name(key);
  string(redactor_->key(value));
  return *this;
}

Payload& Payload::hash(std::string_view key, const Hash& value) {
  name(key);
  string(to_hex(value));
  return *this;
}

std::string payload_of(const Redactor& redactor, const Evidence& evidence) {
  Payload json(redactor);
  add_evidence(json, evidence);
  return json.str();
}

std::string payload_of(const Redactor& redactor, const Finding& finding) {
  Payload json(redactor);
  add_finding(json, finding);
  json.list("evidence", finding.evidence, add_evidence);
  add_precedents(json, finding.precedents);
  return json.str();
}

std::string payload_of(const Redactor& redactor, const Incident& incident) {
  Payload json(redactor);
  json.number("number", incident.number).word("cause", to_text(incident.cause));
  json.object("place", [&](Payload& inner) { add_place(inner, incident.place); });
  json.word("severity", to_text(incident.severity));
  json.number("confidence_ppm", uint64_t{incident.confidence_ppm});
  json.number("began_ns", incident.began.ns).number("opened_ns", incident.opened.ns);
  json.number("closed_ns", incident.closed.ns);
  json.list("findings", incident.findings, add_finding);
  return json.str();
}

std::string payload_of(const Redactor& redactor, const Proposal& proposal) {
  Payload json(redactor);
  json.object("action", [&](Payload& inner) { add_action(inner, proposal.action); });
  json.word("advisor", to_text(proposal.advisor));
  json.number("confidence_ppm", uint64_t{proposal.confidence_ppm});
  json.text("reason", proposal.reason);
  add_precedents(json, proposal.precedents);
  return json.str();
}

std::string payload_of(const Redactor& redactor, const PolicyDecision& decision,
                       const Action& action, bool kill_switch) {
  Payload json(redactor);
  json.object("action", [&](Payload& inner) { add_action(inner, action); });
  json.word("verdict", to_text(decision.verdict)).word("rule", decision.rule);
  json.text("reason", decision.reason).flag("kill_switch", kill_switch);
  if (decision.verdict != Verdict::kNeedsApproval) return json.str();
  json.number("approvals_needed", uint64_t{decision.approvals_needed});
  json.number("approval_expires_ns", decision.approval_expires.ns);
  return json.str();
}

std::string payload_of(const Redactor& redactor, const std::vector<PrecedentRef>& precedents) {
  Payload json(redactor);
  add_precedents(json, precedents);
  return json.str();
}

std::string payload_of(const Redactor& redactor, RemedyOutcome outcome, std::string_view what) {
  Payload json(redactor);
  json.word("outcome", to_text(outcome)).text("what", what);
  return json.str();
}

}  // namespace holdfast::audit
