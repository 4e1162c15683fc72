// The one place that includes toml++. Version 3.3 asserts where a file is not as it expects (a
// table header that begins with "=" is enough), which ends a debug build and is undefined behaviour
// in a release build. Here its assertions throw, and the reader makes a problem of it.
#pragma once

#include <toml++/impl/preprocessor.h>

#include <stdexcept>

namespace holdfast::settings {

/// Thrown where the parser meets text that it does not expect and has no words for.
struct TomlRefused : std::runtime_error {
  using std::runtime_error::runtime_error;
};
[[noreturn]] inline void refuse_toml(const char* expectation) { throw TomlRefused(expectation); }

}  // namespace holdfast::settings

#undef TOML_ASSERT
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expr) \
  static_cast<void>((expr) ? void() : ::holdfast::settings::refuse_toml(#expr))
#define TOML_ASSERT_ASSUME(expr) TOML_ASSERT(expr)

#include <toml++/toml.h>
