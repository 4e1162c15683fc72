#include "actors/agents/llm/transfer_curl.hpp"

#include <algorithm>

namespace holdfast::llm {
namespace {

TransportError error_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return TransportError::kNone;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return TransportError::kConnect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return TransportError::kTls;
    case CURLE_OPERATION_TIMEDOUT:
      return TransportError::kTimeout;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return TransportError::kCut;
    default:
      return TransportError::kOther;
  }
}

}  // namespace

Transfer::Transfer(const EndpointSettings& endpoint, const std::string& key, std::string body,
                   Duration within)
    : easy_(curl_easy_init()), request_(std::move(body)) {
  CHECK(easy_ != nullptr);
  const auto url = endpoint.url + (endpoint.url.ends_with('/') ? "" : "/") + "chat/completions";
  const auto set = [this](auto option, auto value) {
    CHECK(curl_easy_setopt(easy_, option, value) == CURLE_OK);
  };
  for (const std::string& line :
       {std::string("Content-Type: application/json"), std::string("Accept: application/json"),
        std::string("Expect:"), key.empty() ? std::string() : "Authorization: Bearer " + key})
    if (!line.empty()) headers_ = curl_slist_append(headers_, line.c_str());
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_USERAGENT, "holdfast/" HOLDFAST_VERSION);
  set(CURLOPT_HTTPHEADER, headers_);
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.size()));
  set(CURLOPT_POSTFIELDS, request_.c_str());
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, within.ms()) + 1'000));
  if (!endpoint.ca_file.empty()) set(CURLOPT_CAINFO, endpoint.ca_file.c_str());
}

Transfer::~Transfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

std::size_t Transfer::on_bytes(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.response_.size() + size * count > limits::kAnswerBytesMax) {
    transfer.too_large_ = true;
    return 0;  // ends the exchange
  }
  transfer.response_.append(bytes, size * count);
  return size * count;
}

TransportResult Transfer::result(CURLcode code) {
  TransportResult result;
  result.error = too_large_ ? TransportError::kTooLarge : error_of(code);
  if (result.error != TransportError::kNone) return result;
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  result.status = static_cast<int>(status);
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &seconds);
  if (seconds > 0) result.retry_after = Duration::seconds(std::min<int64_t>(seconds, 365 * 86'400));
  result.body = std::move(response_);
  return result;
}

}  // namespace holdfast::llm
