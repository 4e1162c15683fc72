// The enumerators of an enum, found by the compiler, so that a test can walk all of them and one
// that is added later is walked too. Reads the compiler's own spelling of a value; for tests only.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::tests {

template <auto Value>
constexpr std::string_view spelling() {
  std::string_view text =
      __PRETTY_FUNCTION__;  // "... [with auto Value = holdfast::Side::kBuy; ..."
  const auto start = text.find("Value = ") + 8;
  return text.substr(start, text.find_first_of(";]", start) - start);
}

/// An enumerator and its name as declared, without the scope: {Side::kBuy, "kBuy"}.
template <typename Enum>
struct Enumerator {
  Enum value;
  std::string_view name;
};

/// Every enumerator of `Enum` with a value in [0, Limit), in the order of their values.
template <typename Enum, std::size_t Limit = 512>
std::vector<Enumerator<Enum>> enumerators() {
  std::vector<Enumerator<Enum>> found;
  const auto look = [&]<std::size_t V>() {
    if (static_cast<std::size_t>(static_cast<Enum>(V)) != V) return;  // beyond the underlying type
    // A value that no enumerator has is spelt as a cast: "(holdfast::Side)7".
    constexpr std::string_view text = spelling<static_cast<Enum>(V)>();
    if (!text.empty() && text[0] != '(')
      found.push_back({static_cast<Enum>(V), text.substr(text.rfind(':') + 1)});
  };
  [&]<std::size_t... Vs>(std::index_sequence<Vs...>) { (look.template operator()<Vs>(), ...); }
  (std::make_index_sequence<Limit>{});
  return found;
}

}  // namespace holdfast::tests
