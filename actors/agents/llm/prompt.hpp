// A question as a model gets it: instructions that stand in this program, and facts in JSON. The
// writer takes literals, numbers, enumerated values and numbered tokens, and has no way to take
// text that was made at run time: so no name, order, account or key can be in a prompt, and nothing
// that telemetry says can be read as an instruction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/advice/advice.hpp"

namespace holdfast::llm {

/// What a token stands for. "member-1", "group-2", "part-1", "place-3", "evidence-4",
/// "precedent-1".
enum class TokenKind : uint8_t { kMember = 1, kGroup, kPart, kPlace, kEvidence, kPrecedent };
std::string_view to_text(TokenKind kind);

struct Token {
  TokenKind kind = TokenKind::kMember;
  uint32_t number = 0;  // from 1, in the order in which they first occur
};
/// The token that `text` spells, exactly; nothing otherwise.
std::optional<Token> parse_token(std::string_view text);

/// What the tokens of one prompt stand for. Only this program has it; a model sees the numbers.
class Tokens {
 public:
  Token of(MemberId member);
  Token of(GroupId group);
  Token of(const telemetry::Instance& part);
  Token of(const Place& place);
  Token next_evidence() { return {TokenKind::kEvidence, ++evidence_}; }
  Token next_precedent() { return {TokenKind::kPrecedent, ++precedents_}; }

  /// Null when there is no such token.
  const MemberId* member(Token token) const;
  const Place* place(Token token) const;
  bool is_evidence(Token token) const;
  bool is_precedent(Token token) const;
  const std::vector<Place>& places() const { return places_; }
  uint32_t evidence() const { return evidence_; }
  uint32_t precedents() const { return precedents_; }

 private:
  std::vector<MemberId> members_;
  std::vector<GroupId> groups_;
  std::vector<telemetry::Instance> parts_;
  std::vector<Place> places_;
  uint32_t evidence_ = 0, precedents_ = 0;
};

struct Prompt {
  std::string_view instructions;  // the same for every question
  std::string facts;              // JSON, ASCII
  std::string schema;             // JSON Schema of the answer, with the tokens that are allowed
  Tokens tokens;
};

/// The whole prompt. What is over the bounds of a question is left out: kInvalid when there is no
/// option at all, since then there is nothing to ask.
Result<Prompt> build_prompt(const AdviceRequest& request);

}  // namespace holdfast::llm
