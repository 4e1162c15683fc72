#include "supervision/orchestrator/audit/record.hpp"

#include <algorithm>

namespace holdfast::audit {
namespace {

constexpr uint8_t kVersion = 1;
constexpr int64_t kNoBound = -1;

template <typename T>
void put(std::string& out, T value) {
  auto bits = static_cast<uint64_t>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i, bits >>= 8) out += static_cast<char>(bits & 0xff);
}

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}
  template <typename T>
  T take() {
    if (rest_.size() < sizeof(T)) {
      short_ = true;
      rest_ = {};
      return T{};
    }
    uint64_t bits = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) bits = bits << 8 | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(sizeof(T));
    return static_cast<T>(bits);
  }
  std::string_view take_bytes(std::size_t size) {
    if (rest_.size() < size) {
      short_ = true;
      size = rest_.size();
    }
    const auto bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  bool ended() const { return !short_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool short_ = false;
};

// A validating reader of JSON; it keeps nothing.
class Json {
 public:
  explicit Json(std::string_view text) : rest_(text) {}
  bool object_alone() {
    skip();
    if (!rest_.starts_with('{') || !value(0)) return false;
    skip();
    return rest_.empty();
  }

 private:
  static constexpr int kDepthMax = 32;

  void skip() {
    const auto end = rest_.find_first_not_of(" \t\n\r");
    rest_.remove_prefix(std::min(end, rest_.size()));
  }
  bool eat(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool digits() {
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
    rest_.remove_prefix(n);
    return n > 0;
  }
  bool number() {
    eat('-');
    if (!eat('0') && !digits()) return false;
    if (eat('.') && !digits()) return false;
    if (eat('e') || eat('E')) {
      if (!eat('+')) eat('-');
      return digits();
    }
    return true;
  }
  bool string() {
    if (!eat('"')) return false;
    while (!rest_.empty()) {
      const auto c = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool escape() {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    if (rest_.size() < 4) return false;
    const auto four = rest_.substr(0, 4);
    rest_.remove_prefix(4);
    return four.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  }
  bool value(int depth) {
    if (depth > kDepthMax) return false;
    skip();
    if (rest_.starts_with('{')) return members(depth);
    if (rest_.starts_with('[')) return elements(depth);
    if (rest_.starts_with('"')) return string();
    return word("true") || word("false") || word("null") || number();
  }
  bool members(int depth) {
    eat('{');
    skip();
    if (eat('}')) return true;
    do {
      skip();
      if (!string()) return false;
      skip();
      if (!eat(':') || !value(depth + 1)) return false;
      skip();
    } while (eat(','));
    return eat('}');
  }
  bool elements(int depth) {
    eat('[');
    skip();
    if (eat(']')) return true;
    do {
      if (!value(depth + 1)) return false;
      skip();
    } while (eat(','));
    return eat(']');
  }

  std::string_view rest_;
};

template <typename Enum>
bool known(Enum value, uint8_t first, uint8_t last) {
  const auto code = static_cast<uint8_t>(value);
  return code >= first && code <= last;
}

}  // namespace

std::string_view to_text(RecordKind value) {
  switch (value) {
    case RecordKind::kEvidence:
      return "evidence";
    case RecordKind::kFinding:
      return "finding";
    case RecordKind::kIncident:
      return "incident";
    case RecordKind::kPrecedent:
      return "precedent";
    case RecordKind::kAdviceRequest:
      return "advice_request";
    case RecordKind::kAdviceReply:
      return "advice_reply";
    case RecordKind::kProposal:
      return "proposal";
    case RecordKind::kPolicyDecision:
      return "policy_decision";
    case RecordKind::kApproval:
      return "approval";
    case RecordKind::kWorkflowStep:
      return "workflow_step";
    case RecordKind::kVerification:
      return "verification";
    case RecordKind::kOutcome:
      return "outcome";
    case RecordKind::kKillSwitch:
      return "kill_switch";
    case RecordKind::kConfiguration:
      return "configuration";
    case RecordKind::kStandingAdvice:
      return "standing_advice";
    case RecordKind::kPage:
      return "page";
    case RecordKind::kLost:
      return "lost";
  }
  return "invalid";
}

bool is_json_object(std::string_view text) { return Json(text).object_alone(); }

Result<> validate(const Record& record) {
  const auto invalid = [](std::string text) {
    return Error{ErrorCode::kInvalid, "audit record: " + std::move(text)};
  };
  if (!known(record.kind, 1, kRecordKinds)) return invalid("no such kind");
  if (!known(record.clock, 0, kClockSources - 1)) return invalid("no such clock source");
  if (record.actor.empty()) return invalid("nobody did it: the actor is missing");
  if (record.payload.size() > kPayloadBytesMax)
    return invalid("a payload of " + std::to_string(record.payload.size()) + " bytes, at most " +
                   std::to_string(kPayloadBytesMax) + " are taken");
  if (!is_json_object(record.payload)) return invalid("the payload is no JSON object");
  return success();
}

std::string encode(const Record& record) {
  CHECK(validate(record));
  std::string out;
  put(out, kVersion);
  put(out, record.sequence);
  put(out, record.at.ns);
  put(out, static_cast<uint8_t>(record.clock));
  put(out, record.clock_bound_us ? int64_t{*record.clock_bound_us} : kNoBound);
  put(out, static_cast<uint8_t>(record.kind));
  put(out, record.incident);
  put(out, static_cast<uint8_t>(record.actor.size()));
  out += record.actor.view();
  put(out, static_cast<uint32_t>(record.payload.size()));
  out += record.payload;
  return out;
}

Result<Record> decode(std::string_view bytes) {
  const auto corrupt = [](const std::string& text) {
    return Error{ErrorCode::kCorrupt, "no audit record: " + text};
  };
  if (bytes.size() > kRecordBytesMax) return corrupt("too long");
  Cursor cursor(bytes);
  if (cursor.take<uint8_t>() != kVersion) return corrupt("its version is not known");
  Record record;
  record.sequence = cursor.take<uint64_t>();
  record.at.ns = cursor.take<int64_t>();
  record.clock = static_cast<ClockSource>(cursor.take<uint8_t>());
  const auto bound = cursor.take<int64_t>();
  if (bound != kNoBound && (bound < 0 || bound > UINT32_MAX)) return corrupt("its clock's bound");
  if (bound != kNoBound) record.clock_bound_us = static_cast<uint32_t>(bound);
  record.kind = static_cast<RecordKind>(cursor.take<uint8_t>());
  record.incident = cursor.take<uint64_t>();
  const auto actor = Actor::parse(cursor.take_bytes(cursor.take<uint8_t>()));
  if (!actor) return corrupt(actor.error().text);
  record.actor = actor.value();
  record.payload = cursor.take_bytes(cursor.take<uint32_t>());
  if (!cursor.ended()) return corrupt("it is shorter or longer than it says");
  if (auto valid = validate(record); !valid) return corrupt(valid.error().text);
  return record;
}

}  // namespace holdfast::audit
