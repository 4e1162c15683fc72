// What a model or its server sends: any bytes are proposals out of the options, or refused with a
// reason; any bytes are an answer's envelope or none; any bytes are a recording or damaged.

// runs: 100000
// links: holdfast_llm

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "actors/agents/llm/dialect.hpp"
#include "actors/agents/llm/recording.hpp"
#include "actors/agents/llm/reply.hpp"
#include "tests/unit/agents_llm/advice_fixture.hpp"

using namespace holdfast;
using namespace holdfast::llm;

namespace {

bool allowed(const Action& action, const AdviceRequest& request) {
  return std::any_of(request.options.begin(), request.options.end(), [&](const auto& option) {
    return option.kind == action.kind && option.target == action.target &&
           action.amount >= option.amount_min && action.amount <= option.amount_max;
  });
}

void judge(std::string_view content, const AdviceRequest& request, const Tokens& tokens) {
  const auto checked = check_reply(content, request, tokens);
  if (checked.problem != ReplyProblem::kNone) {
    FATAL_UNLESS(checked.proposals.empty());
    return;
  }
  FATAL_UNLESS(checked.abstains == checked.proposals.empty());
  for (const auto& proposal : checked.proposals) {
    FATAL_UNLESS(allowed(proposal.action, request));
    FATAL_UNLESS(proposal.reason.size() <= limits::kProposalReasonBytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const AdviceRequest request = question();
  static const Prompt prompt = build_prompt(request).value();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  judge(input, request, prompt.tokens);
  const auto answer = parse_answer(input);
  if (answer.problem == ReplyProblem::kNone) judge(answer.content, request, prompt.tokens);
  Replay replay;
  static_cast<void>(replay.load(input));
  return 0;
}
