// What the scripted model does with each question: a list of behaviours, the last of which goes on
// for ever. It plays a language model behind an OpenAI-compatible endpoint, well-behaved or not, so
// that everything that asks a model can be tried without one. No I/O here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"

namespace holdfast::model {

enum class Behaviour : uint8_t {
  kGood = 1,     // the action that a table has for the fault, if it is allowed, else it abstains
  kSlow,         // the same, after a while
  kLate,         // the same, later than anybody waits
  kSilent,       // takes the question and says nothing
  kHalf,         // ends the connection in the middle of a good answer
  kWrongSchema,  // JSON of another shape
  kThrottled,    // 429 with Retry-After
  kServerError,  // 500
  kUnavailable,  // 503 with Retry-After
  kForbidden,    // 401
  kWrongAction,  // an action of the catalogue that was not allowed, at a place that was
  kInjected,     // tells its reader what to do, around and inside an answer
  kRandom,       // bytes and fragments of answers
  kPromoteAll,   // promotes, whatever was asked and allowed
  kAbstain,
  kHuge,      // an answer without end
  kDeclined,  // finish_reason content_filter
  kCutShort,  // finish_reason length
};
inline constexpr uint8_t kBehaviours = 18;
/// "good", "wrong_schema", ...
std::string_view to_text(Behaviour behaviour);

/// Behaviours in turn: "throttled*2,good" is two refusals, then good answers for ever.
class Script {
 public:
  /// kInvalid says which word is none, and which there are.
  static Result<Script> parse(std::string_view text);
  Behaviour next();

 private:
  std::vector<Behaviour> turns_;
  std::size_t at_ = 0;
};

/// What the model writes as the content of its message. `facts` is the user's message; `number`
/// counts the questions and decides what is random.
std::string content_for(Behaviour behaviour, const std::string& facts, uint64_t number);

/// A whole HTTP body around it. `model` is the request's, `asked` its length in bytes.
std::string completion(const std::string& content, const std::string& model,
                       const std::string& finish_reason, std::size_t asked);

/// The model and the user's message of a request; kInvalid when it is no chat completion.
struct Question {
  std::string model, facts;
};
Result<Question> parse_question(const std::string& body);

}  // namespace holdfast::model
