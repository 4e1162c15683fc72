// Text<N>: a short string of at most N bytes held in place, so that orders allocate nothing.
// Holds printable ASCII only (0x21..0x7e and space inside): that is what FIX fields and keys may
// carry.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace holdfast {

/// A string of 0 to N bytes in place. Trivially copyable; compares and hashes by content.
template <std::size_t N>
class Text {
  static_assert(N >= 1 && N <= 255);

 public:
  static constexpr std::size_t kCapacity = N;
  constexpr Text() = default;
  /// For literals and tests: CHECKs that it fits and is printable. Input from outside goes through
  /// `parse`.
  Text(std::string_view s) {
    CHECK(s.size() <= N);
    CHECK(printable(s));
    assign(s);
  }
  Text(const char* s) : Text(std::string_view(s)) {}

  /// The text, or kInvalid when it is longer than N or holds a byte that is not printable ASCII.
  static Result<Text> parse(std::string_view s) {
    if (s.size() > N)
      return Error{ErrorCode::kInvalid, "text of " + std::to_string(s.size()) + " bytes, at most " +
                                            std::to_string(N) + " are allowed"};
    if (!printable(s))
      return Error{ErrorCode::kInvalid, "text holds a byte that is not printable ASCII"};
    Text t;
    t.assign(s);
    return t;
  }

  std::string_view view() const { return {bytes_, size_}; }
  std::string str() const { return std::string(view()); }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  friend bool operator==(const Text& a, const Text& b) { return a.view() == b.view(); }
  friend auto operator<=>(const Text& a, const Text& b) { return a.view() <=> b.view(); }

 private:
  static bool printable(std::string_view s) {
    for (unsigned char c : s)
      if (c < 0x20 || c > 0x7e) return false;
    return true;
  }
  void assign(std::string_view s) {
    if (!s.empty()) std::memcpy(bytes_, s.data(), s.size());  // an empty view may point nowhere
    size_ = static_cast<uint8_t>(s.size());
  }
  char bytes_[N] = {};
  uint8_t size_ = 0;
};

}  // namespace holdfast

template <std::size_t N>
struct std::hash<holdfast::Text<N>> {
  std::size_t operator()(const holdfast::Text<N>& t) const noexcept {
    return std::hash<std::string_view>{}(t.view());
  }
};
