#include "actors/agents/llm/reply.hpp"

#include <algorithm>
#include <set>

#include "actors/agents/llm/json.hpp"

namespace holdfast::llm {
namespace {

using json::Value;

// The bounds here are those of limits.hpp; a test holds them together.
constexpr std::string_view kSchema = R"({
  "type": "object",
  "properties": {
    "abstain": {"type": "boolean"},
    "proposals": {
      "type": "array",
      "maxItems": 3,
      "items": {
        "type": "object",
        "properties": {
          "action": {"type": "string", "minLength": 1, "maxLength": 32},
          "target": {"type": "string", "minLength": 1, "maxLength": 32},
          "to": {"type": "string", "minLength": 1, "maxLength": 32},
          "amount": {"type": "integer"},
          "confidence_percent": {"type": "integer"},
          "because": {
            "type": "array",
            "maxItems": 16,
            "items": {"type": "string", "minLength": 1, "maxLength": 32}
          },
          "note": {"type": "string", "maxLength": 240}
        },
        "required": ["action", "target", "to", "amount", "confidence_percent", "because", "note"],
        "additionalProperties": false
      }
    }
  },
  "required": ["abstain", "proposals"],
  "additionalProperties": false
})";

const json::Schema& compiled_schema() {
  static const auto* const schema = [] {
    static json::Document document;
    CHECK(json::parse(document, kSchema));
    return new json::Schema(document);
  }();
  return *schema;
}

bool has_duplicate_key(const Value& value) {
  if (value.IsArray()) {
    for (const auto& item : value.GetArray())
      if (has_duplicate_key(item)) return true;
    return false;
  }
  if (!value.IsObject()) return false;
  std::set<std::string_view> names;
  for (const auto& member : value.GetObject())
    if (!names.insert(json::text(member.name)).second || has_duplicate_key(member.value))
      return true;
  return false;
}

// Printable ASCII only: it is shown in terminals and kept in the audit.
std::string plain(std::string_view words) {
  std::string out;
  for (const char c : words) {
    if (out.size() == limits::kAdviceNoteBytes) break;
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

struct Refusal {
  ReplyProblem problem = ReplyProblem::kNone;
  const char* where = "";
};

class Reader {
 public:
  Reader(const AdviceRequest& request, const Tokens& tokens) : request_(request), tokens_(tokens) {}

  Refusal read(const Value& from, Proposal& proposal) {
    auto& action = proposal.action;
    if (!parse_action_kind(json::text(from["action"]), action.kind))
      return {ReplyProblem::kUnknownAction, "action"};
    const auto place = parse_token(json::text(from["target"]));
    const auto* target = place ? tokens_.place(*place) : nullptr;
    if (target == nullptr) return {ReplyProblem::kUnknownTarget, "target"};
    action.target = *target;
    if (const auto refused = destination(json::text(from["to"]), action); refused.where[0] != 0)
      return refused;
    const auto* option = find(action);
    if (option == nullptr) return unfit(action);
    if (action.to && std::find(option->to.begin(), option->to.end(), action.to) == option->to.end())
      return {ReplyProblem::kDestinationNotAllowed, "to"};
    if (!from["amount"].IsInt64() || from["amount"].GetInt64() < option->amount_min ||
        from["amount"].GetInt64() > option->amount_max)
      return {ReplyProblem::kAmountOutOfRange, "amount"};
    action.amount = from["amount"].GetInt64();
    const auto& confidence = from["confidence_percent"];
    if (!confidence.IsInt() || confidence.GetInt() < 0 || confidence.GetInt() > 100)
      return {ReplyProblem::kConfidenceOutOfRange, "confidence_percent"};
    proposal.confidence_ppm = static_cast<uint32_t>(confidence.GetInt()) * 10'000;
    return reasons(from, proposal);
  }

 private:
  // Leaves `where` empty when it is fine.
  Refusal destination(std::string_view to, Action& action) const {
    if (to == "any") return {};
    const auto token = parse_token(to);
    const auto* member = token ? tokens_.member(*token) : nullptr;
    if (member == nullptr) return {ReplyProblem::kUnknownDestination, "to"};
    action.to = *member;
    return {};
  }
  const ActionOption* find(const Action& action) const {
    for (const auto& option : request_.options)
      if (option.kind == action.kind && option.target == action.target &&
          option.kind != ActionKind::kNone)
        return &option;
    return nullptr;
  }
  Refusal unfit(const Action& action) const {
    for (const auto& option : request_.options)
      if (option.kind == action.kind && option.kind != ActionKind::kNone)
        return {ReplyProblem::kTargetNotAllowed, "target"};
    return {ReplyProblem::kActionNotAllowed, "action"};
  }
  Refusal reasons(const Value& from, Proposal& proposal) const {
    std::string because;
    for (const auto& item : from["because"].GetArray()) {
      const auto token = parse_token(json::text(item));
      if (!token || !(tokens_.is_evidence(*token) || tokens_.is_precedent(*token)))
        return {ReplyProblem::kUnknownReference, "because"};
      because += (because.empty() ? "" : " ") + std::string(json::text(item));
      if (tokens_.is_precedent(*token) && token->number <= request_.precedents.size() &&
          proposal.precedents.size() < limits::kAdvicePrecedentsMax)
        proposal.precedents.push_back(request_.precedents[token->number - 1].ref);
    }
    proposal.reason = "model: " + plain(json::text(from["note"]));
    if (!because.empty()) proposal.reason += " [" + because + "]";
    if (proposal.reason.size() > limits::kProposalReasonBytes)
      proposal.reason.resize(limits::kProposalReasonBytes);
    return {};
  }

  const AdviceRequest& request_;
  const Tokens& tokens_;
};

CheckedReply refused(ReplyProblem problem, std::string where = "") {
  CheckedReply checked;
  checked.problem = problem;
  checked.where = std::move(where);
  return checked;
}

}  // namespace

std::string_view reply_schema() { return kSchema; }

CheckedReply check_reply(std::string_view content, const AdviceRequest& request,
                         const Tokens& tokens) {
  if (content.size() > limits::kReplyBytesMax) return refused(ReplyProblem::kTooLarge);
  if (json::depth(content, limits::kReplyDepthMax) > limits::kReplyDepthMax)
    return refused(ReplyProblem::kTooDeep);
  json::Document document;
  if (!json::parse(document, content))
    return refused(ReplyProblem::kNotJson, "byte " + std::to_string(document.GetErrorOffset()));
  if (has_duplicate_key(document)) return refused(ReplyProblem::kDuplicateKey);
  json::Validator validator(compiled_schema());
  if (!document.Accept(validator))
    return refused(ReplyProblem::kShape, validator.GetInvalidSchemaKeyword());
  CheckedReply checked;
  checked.abstains = document["abstain"].GetBool();
  const auto& proposals = document["proposals"];
  if (checked.abstains != proposals.Empty())
    return refused(ReplyProblem::kContradiction, "abstain");
  Reader reader(request, tokens);
  for (const auto& item : proposals.GetArray()) {
    Proposal proposal;
    proposal.incident = request.kind == AdviceKind::kIncident ? request.incident.number : 0;
    proposal.advisor = AdvisorKind::kModel;
    const auto refusal = reader.read(item, proposal);
    if (refusal.problem != ReplyProblem::kNone) return refused(refusal.problem, refusal.where);
    for (const auto& earlier : checked.proposals)
      if (earlier.action.kind == proposal.action.kind &&
          earlier.action.target == proposal.action.target)
        return refused(ReplyProblem::kRepeated, "proposals");
    checked.proposals.push_back(std::move(proposal));
  }
  return checked;
}

}  // namespace holdfast::llm
