// What a model answered, checked: strict JSON of exactly the schema, then every action, target,
// destination, amount and reference against what the question allowed. Anything unknown, extra, out
// of range or oversized refuses the whole answer with an enumerated reason. A model's own words go
// into the reason for people, as printable ASCII, and nowhere else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/agents/llm/prompt.hpp"

namespace holdfast::llm {

struct CheckedReply {
  ReplyProblem problem = ReplyProblem::kNone;
  std::string where;  // for the log: which field; never what the model wrote
  bool abstains = false;
  std::vector<Proposal> proposals;  // best first; none when there is a problem
};

/// `content` is what the model wrote. Never throws, whatever the bytes.
CheckedReply check_reply(std::string_view content, const AdviceRequest& request,
                         const Tokens& tokens);

/// The JSON Schema that every answer must fit, whatever the question.
std::string_view reply_schema();

}  // namespace holdfast::llm
