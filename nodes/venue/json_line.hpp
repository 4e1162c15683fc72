// Builds one JSON object as a line of text: the record's lines and the control port's answers.
// Appends to a string of the caller's and allocates nothing else. It writes only; nothing here
// reads JSON.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/fixed_point.hpp"

namespace holdfast::exchange {

/// One flat JSON object appended to `out`; `end` closes it with a newline. Keys are literals.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : out_(out) { out_ += '{'; }

  JsonLine& text(std::string_view key, std::string_view value) {
    open(key);
    quote(value);
    return *this;
  }
  JsonLine& number(std::string_view key, int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return raw(key, {digits, static_cast<std::size_t>(end - digits)});
  }
  JsonLine& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  /// Units of 1e-8 as decimal text in quotes: JSON numbers would pass through doubles in many
  /// readers.
  JsonLine& decimal(std::string_view key, int64_t units) {
    char digits[32];
    open(key);
    out_ += '"';
    out_.append(digits, fixed_point::format_to(digits, units));
    out_ += '"';
    return *this;
  }
  /// `value` must be JSON already.
  JsonLine& raw(std::string_view key, std::string_view value) {
    open(key);
    out_ += value;
    return *this;
  }
  void end() { out_ += "}\n"; }

 private:
  void open(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  void quote(std::string_view value) {
    out_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    out_ += '"';
  }
  std::string& out_;
};

}  // namespace holdfast::exchange
