// Exchanges with models as a file keeps them, byte for byte, so that what happened once can be
// played back without a model: the request decides, and a question asked again gets the next answer
// that was recorded for it, at the end the last one again. Requests hold no key and no address.
// Pure; recording_linux reads and writes the file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/agents/llm/gateway.hpp"

namespace holdfast::llm {

struct Exchange {
  std::string endpoint;  // its name
  std::string request;   // the body
  TransportResult result;
};

/// A record as the file has it: one line that begins with "exchange", then the bytes of the request
/// and of the response, each with a line feed after it.
std::string encode(const Exchange& exchange);

class Replay {
 public:
  /// kCorrupt: says at which byte the text is no record, and keeps those before.
  Result<> load(std::string_view text);
  /// kNotRecorded where there is none of exactly this request to this endpoint.
  TransportResult next(std::string_view endpoint, std::string_view request);
  std::size_t size() const { return size_; }

 private:
  struct Series {
    std::vector<TransportResult> results;
    std::size_t at = 0;
  };
  std::map<std::pair<std::string, std::string>, Series, std::less<>> series_;  // by request
  std::size_t size_ = 0;
};

}  // namespace holdfast::llm
