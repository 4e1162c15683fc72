#include "actors/agents/llm/recording.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace holdfast::llm {
namespace {

std::string hash_of(std::string_view bytes) {
  const auto hash = XXH3_128bits(bytes.data(), bytes.size());
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const auto half : {hash.high64, hash.low64})
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[half >> shift & 15];
  return out;
}

// exchange HASH ENDPOINT ERROR STATUS RETRY_AFTER_NS REQUEST_BYTES RESPONSE_BYTES
constexpr std::size_t kWords = 8;

std::optional<std::array<std::string_view, kWords>> words_of(std::string_view line) {
  std::array<std::string_view, kWords> words;
  for (auto& word : words) {
    word = line.substr(0, line.find(' '));
    if (word.empty()) return std::nullopt;
    line.remove_prefix(std::min(line.size(), word.size() + 1));
  }
  return line.empty() ? std::optional(words) : std::nullopt;
}

bool number(std::string_view word, int64_t& value) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size();
}

std::optional<TransportError> error_of(std::string_view word) {
  for (uint8_t code = 0; code <= static_cast<uint8_t>(TransportError::kOther); ++code)
    if (to_text(static_cast<TransportError>(code)) == word)
      return static_cast<TransportError>(code);
  return std::nullopt;
}

// Takes one record off the front; false when there is none.
bool take(std::string_view& text, Exchange& exchange) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return false;
  const auto words = words_of(text.substr(0, end));
  if (!words || (*words)[0] != "exchange") return false;
  const auto error = error_of((*words)[3]);
  int64_t status = 0, retry = 0, request = 0, response = 0;
  if (!error || !number((*words)[4], status) || !number((*words)[5], retry) ||
      !number((*words)[6], request) || !number((*words)[7], response) || request < 0 ||
      response < 0 || request > int64_t{limits::kPromptBytesMax} * 4 ||
      response > int64_t{limits::kAnswerBytesMax})
    return false;
  auto rest = text.substr(end + 1);
  const auto bytes = static_cast<std::size_t>(request + response) + 2;
  if (rest.size() < bytes) return false;
  exchange.endpoint = (*words)[2];
  exchange.request = rest.substr(0, static_cast<std::size_t>(request));
  if (hash_of(exchange.request) != (*words)[1]) return false;
  exchange.result.error = *error;
  exchange.result.status = static_cast<int>(status);
  exchange.result.retry_after =
      retry < 0 ? std::nullopt : std::optional(Duration::nanoseconds(retry));
  exchange.result.body =
      rest.substr(static_cast<std::size_t>(request) + 1, static_cast<std::size_t>(response));
  rest.remove_prefix(bytes);
  text = rest;
  return true;
}

}  // namespace

std::string encode(const Exchange& exchange) {
  const auto& result = exchange.result;
  std::string out = "exchange " + hash_of(exchange.request) + " " + exchange.endpoint + " " +
                    std::string(to_text(result.error)) + " " + std::to_string(result.status) + " " +
                    std::to_string(result.retry_after ? result.retry_after->ns : -1) + " " +
                    std::to_string(exchange.request.size()) + " " +
                    std::to_string(result.body.size()) + "\n";
  out += exchange.request;
  out += '\n';
  out += result.body;
  out += '\n';
  return out;
}

Result<> Replay::load(std::string_view text) {
  const auto whole = text.size();
  while (!text.empty()) {
    Exchange exchange;
    if (!take(text, exchange))
      return Error{ErrorCode::kCorrupt,
                   "the recording is damaged at byte " + std::to_string(whole - text.size())};
    series_[{exchange.endpoint, exchange.request}].results.push_back(std::move(exchange.result));
    ++size_;
  }
  return success();
}

TransportResult Replay::next(std::string_view endpoint, std::string_view request) {
  const auto at = series_.find(std::pair(std::string(endpoint), std::string(request)));
  if (at == series_.end()) {
    TransportResult missing;
    missing.error = TransportError::kNotRecorded;
    return missing;
  }
  auto& series = at->second;
  const auto& result = series.results[std::min(series.at, series.results.size() - 1)];
  ++series.at;
  return result;
}

}  // namespace holdfast::llm
