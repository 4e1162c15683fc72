// FIX messages as the simulated session and venue speak them: tag=value with '|' between, the
// type and the number first. No lengths, checksums or times: what the simulator looks at is order,
// numbers and identities.
#pragma once

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/fixed_point.hpp"

namespace holdfast::cluster_simulation {

using FixText = std::shared_ptr<const std::string>;

/// Reads one message; views into the text it was given.
class FixMessage {
 public:
  explicit FixMessage(std::string_view text);
  /// Empty when the tag is not there.
  std::string_view get(int tag) const;
  uint64_t number(int tag) const;
  char type() const { return get(35).empty() ? '?' : get(35)[0]; }
  uint32_t sequence() const { return static_cast<uint32_t>(number(34)); }
  bool possible_duplicate() const { return get(43) == "Y"; }

 private:
  std::vector<std::pair<int, std::string_view>> fields_;
};

/// Writes one message.
class FixWriter {
 public:
  FixWriter(char type, uint32_t number) {
    text_.reserve(120);
    add(35, std::string_view(&type, 1));
    add(34, number);
  }
  FixWriter& add(int tag, std::string_view value) {
    text_ += std::to_string(tag);
    text_ += '=';
    text_ += value;
    text_ += '|';
    return *this;
  }
  FixWriter& add(int tag, uint64_t value) {
    return add(tag, std::string_view(std::to_string(value)));
  }
  FixText done() { return std::make_shared<const std::string>(std::move(text_)); }

 private:
  std::string text_;
};

inline FixMessage::FixMessage(std::string_view text) {
  fields_.reserve(20);
  while (!text.empty()) {
    const auto equals = text.find('='), end = text.find('|');
    if (equals == std::string_view::npos || end == std::string_view::npos || end < equals) return;
    int tag = 0;
    std::from_chars(text.data(), text.data() + equals, tag);
    fields_.emplace_back(tag, text.substr(equals + 1, end - equals - 1));
    text.remove_prefix(end + 1);
  }
}

inline std::string_view FixMessage::get(int tag) const {
  for (const auto& [name, value] : fields_)
    if (name == tag) return value;
  return {};
}

inline uint64_t FixMessage::number(int tag) const {
  const auto value = get(tag);
  uint64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

/// A stored message as it is sent again: PossDupFlag, the same number.
inline FixText sent_again(const std::string& message) {
  // Behind type and number.
  const auto at = message.find('|', message.find('|') + 1) + 1;
  return std::make_shared<const std::string>(message.substr(0, at) + "43=Y|" + message.substr(at));
}

/// SequenceReset-GapFill that stands for `number` to `next` - 1.
inline FixText gap_fill(uint32_t number, uint32_t next) {
  return FixWriter('4', number).add(43, "Y").add(123, "Y").add(36, next).done();
}

}  // namespace holdfast::cluster_simulation
