// Result<T>: an operational error as a value (a file that can't be read, bytes that can't be
// decoded). Business outcomes (a risk reject) are values of their own and never an Error; bugs are
// CHECKs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "messages/check.hpp"

namespace holdfast {

/// What kind of operational error it is; callers branch on it, people read the text.
enum class ErrorCode {
  kInvalid,      // the input is malformed or out of its limits
  kNotFound,     // what was named does not exist
  kConflict,     // the state forbids it now
  kUnavailable,  // the other side can't be reached or is not ready; trying again may help
  kCorrupt,      // stored bytes are damaged; a person must look
  kFull,         // a bound was reached
  kDenied,       // not allowed for this caller
  kIo,           // the system refused: errno is in the text
};

/// An operational error: a code and a sentence that says what is wrong and what to do.
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string text;
};

/// Either a T or an Error. `value()` CHECKs that there is one.
template <typename T = std::monostate>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(Error error) : content_(std::move(error)) {}
  Result(ErrorCode code, std::string text) : content_(Error{code, std::move(text)}) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    CHECK(ok());
    return std::get<0>(content_);
  }
  const T& value() const& {
    CHECK(ok());
    return std::get<0>(content_);
  }
  T&& value() && {
    CHECK(ok());
    return std::get<0>(std::move(content_));
  }
  const Error& error() const {
    CHECK(!ok());
    return std::get<1>(content_);
  }

 private:
  std::variant<T, Error> content_;
};

/// The Result of an operation that returns nothing.
inline Result<> success() { return Result<>(std::monostate{}); }

}  // namespace holdfast
