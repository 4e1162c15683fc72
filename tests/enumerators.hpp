// The enumerators of an enum, found by the compiler, so that a test can walk all of them and one
// that is added later is walked too. Reads the compiler's own spelling of a value; for tests only.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::tests {

/// An enumerator and its name as declared, without the scope: {Side::kBuy, "kBuy"}.
template <typename Enum>
struct Enumerator {
  Enum value;
  std::string_view name;
};

namespace detail {
template <auto Value>
std::string_view signature() {
  return __PRETTY_FUNCTION__;  // "... [with auto Value = holdfast::Side::kBuy; ...]"
}
template <typename Enum, std::size_t... Vs>
std::vector<std::string_view> signatures(std::index_sequence<Vs...>) {
  return {signature<static_cast<Enum>(Vs)>()...};
}
}  // namespace detail

/// Every enumerator of `Enum` with a value in [0, Limit), in the order of their values.
template <typename Enum, std::size_t Limit = sizeof(Enum) == 1 ? 64 : 320>
std::vector<Enumerator<Enum>> enumerators() {
  std::vector<Enumerator<Enum>> found;
  const auto signatures = detail::signatures<Enum>(std::make_index_sequence<Limit>());
  for (std::size_t v = 0; v < Limit; ++v) {
    if (static_cast<std::size_t>(static_cast<Enum>(v)) != v) break;  // past the underlying type
    auto text = signatures[v];
    text = text.substr(text.find("Value = ") + 8);
    text = text.substr(0, text.find_first_of(";]"));
    // A value that no enumerator has is spelt as a cast: "(holdfast::Side)7".
    if (text.front() == '(') continue;
    found.push_back({static_cast<Enum>(v), text.substr(text.rfind(':') + 1)});
  }
  return found;
}

}  // namespace holdfast::tests
