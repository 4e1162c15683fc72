// Writes the facts of a prompt. What it takes is what may be in a prompt: literals of this source,
// numbers, enumerated values, entries of the catalogue of metrics, and tokens. Text that exists
// only at run time has no way in: there is no function that takes it.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/agents/llm/prompt.hpp"

namespace holdfast::llm {

/// A literal of this source, without quotes, backslashes or control characters.
class Literal {
 public:
  template <std::size_t N>
  consteval Literal(const char (&text)[N]) : text_(text, N - 1) {
    for (const char c : text_)
      if (c == '"' || c == '\\' || c < ' ' || c > '~') throw "not a plain literal";
  }
  constexpr std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

template <typename T>
concept PromptWord = std::same_as<T, AdviceKind> || std::same_as<T, ActorClass> ||
    std::same_as<T, FailureClass> || std::same_as<T, AdviceFact> || std::same_as<T, FaultClass> ||
    std::same_as<T, Severity> || std::same_as<T, DetectorKind> || std::same_as<T, ActionKind> ||
    std::same_as<T, telemetry::Domain>;

class FactWriter {
 public:
  void open_object() { open('{'); }
  void open_object(Literal key) { name(key), open('{'); }
  void open_array(Literal key) { name(key), open('['); }
  void close_object() { close('}'); }
  void close_array() { close(']'); }

  template <std::integral T>
  void fact(Literal key, T value) {
    name(key);
    if constexpr (std::same_as<T, bool>)
      raw(value ? "true" : "false");
    else
      raw(std::to_string(value));
  }
  void fact(Literal key, Literal value) { name(key), quoted(value.view()); }
  void fact(Literal key, PromptWord auto value) { name(key), quoted(to_text(value)); }
  void fact(Literal key, Token value) { name(key), quoted(spelt(value)); }
  /// The metric's name and unit; false, and nothing written, when it is not in the catalogue.
  bool metric(telemetry::Metric metric) {
    const auto* info = telemetry::find_metric(static_cast<uint16_t>(metric));
    if (info == nullptr) return false;
    name("metric"), quoted(info->name);
    name("unit"), quoted(info->unit);
    return true;
  }
  void item(Literal value) { comma(), quoted(value.view()); }
  void item(PromptWord auto value) { comma(), quoted(to_text(value)); }
  void item(Token value) { comma(), quoted(spelt(value)); }
  void item_object() { comma(), open_bare('{'); }

  std::string take() { return std::move(out_); }
  std::size_t size() const { return out_.size(); }

  static std::string spelt(Token token) {
    return std::string(to_text(token.kind)) + "-" + std::to_string(token.number);
  }

 private:
  void name(Literal key) { comma(), quoted(key.view()), out_ += ':', fresh_ = true; }
  void open(char bracket) { open_bare(bracket); }
  void open_bare(char bracket) { out_ += bracket, fresh_ = true; }
  void close(char bracket) { out_ += bracket, fresh_ = false; }
  void comma() {
    if (!fresh_ && !out_.empty()) out_ += ',';
    fresh_ = false;
  }
  void quoted(std::string_view word) { out_ += '"', out_ += word, out_ += '"', fresh_ = false; }
  void raw(std::string_view word) { out_ += word, fresh_ = false; }

  std::string out_;
  bool fresh_ = true;
};

}  // namespace holdfast::llm
