// One HTTP exchange on libcurl: the handle, the bytes that go and come, and what its end means.
// Used by the gateway's thread alone.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "actors/agents/llm/gateway.hpp"

namespace holdfast::llm {

class Transfer {
 public:
  /// `key` may be empty. `within` is a last resort; the gateway cancels in time by itself.
  Transfer(const EndpointSettings& endpoint, const std::string& key, std::string body,
           Duration within);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const { return easy_; }
  const std::string& request() const { return request_; }
  /// Once it has ended with `code`.
  TransportResult result(CURLcode code);

 private:
  static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* self);

  CURL* easy_;
  curl_slist* headers_ = nullptr;
  std::string request_, response_;
  bool too_large_ = false;
};

}  // namespace holdfast::llm
