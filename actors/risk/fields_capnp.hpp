// Reading fields of a message one after the other until the first that is wrong, so that decoders
// read as lists of fields. Internal to risk's codec.
#pragma once

#include <capnp/message.h>
#include <kj/exception.h>

#include <optional>
#include <string>

#include "messages/text.hpp"

namespace holdfast::risk {

class Fields {
 public:
  template <std::size_t N>
  void text(const char* name, capnp::Text::Reader from, Text<N>& to) {
    if (error_) return;
    auto parsed = Text<N>::parse({from.begin(), from.size()});
    if (!parsed)
      fail(std::string(name) + ": " + parsed.error().text);
    else
      to = parsed.value();
  }
  /// An enumeration whose values are first … last without gaps.
  template <typename E>
  void enumerator(const char* name, unsigned from, E first, E last, E& to) {
    if (error_) return;
    if (from < static_cast<unsigned>(first) || from > static_cast<unsigned>(last))
      fail(std::string(name) + ": no value " + std::to_string(from) + " is known");
    else
      to = static_cast<E>(from);
  }
  void check(bool condition, const std::string& text) {
    if (!condition) fail(text);
  }
  void fail(const std::string& text) {
    if (!error_) error_ = Error{ErrorCode::kInvalid, text};
  }
  void take(const Result<>& result) {
    if (!error_ && !result) error_ = result.error();
  }
  bool ok() const { return !error_; }
  /// `value` when all went well, else the first error.
  template <typename T>
  Result<T> result(T value) const {
    if (error_) return *error_;
    return value;
  }

 private:
  std::optional<Error> error_;
};

/// Runs a decoder; what the library throws at malformed pointers becomes an error.
template <typename F>
auto total(F&& decoder) -> decltype(decoder()) {
  try {
    return decoder();
  } catch (const kj::Exception& e) {
    return Error{ErrorCode::kInvalid,
                 std::string("malformed message: ") + e.getDescription().cStr()};
  }
}

template <std::size_t N>
capnp::Text::Reader to_text(const Text<N>& text) {
  return {text.view().data(), text.size()};
}

}  // namespace holdfast::risk
