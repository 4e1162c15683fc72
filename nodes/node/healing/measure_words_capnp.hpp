// What measurers say to each other, in batches of samples: a question is a sample for each wish,
// an answer two for each wish that was found, the lowest and the highest. A batch is of one domain,
// so a word is up to five of them, each behind its length. Reading is total and bounded.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"
#include "nodes/node/healing/measuring.hpp"

namespace holdfast::node {

inline constexpr std::size_t kMeasureWordBytesMax = 32u << 10;

/// What a question asks; its number names it, at whoever asks.
struct MeasureQuestion {
  uint64_t number = 0;
  std::vector<Wish> wishes;
};
struct MeasureAnswer {
  uint64_t number = 0;
  std::vector<Extremes> found;
};

/// CHECKs that there are at most kWishesMax wishes.
std::string encode_question(const MeasureQuestion& question);
std::string encode_answer(const MeasureAnswer& answer);
/// kInvalid says what is wrong: not such words, too long, too many, batches of several questions,
/// an age that nobody asks for; an answer with one extreme of a wish, or more than two.
Result<MeasureQuestion> decode_question(std::string_view bytes);
Result<MeasureAnswer> decode_answer(std::string_view bytes);

}  // namespace holdfast::node
