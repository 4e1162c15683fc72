// The operator API over a real socket, with a hand-made node behind it, for tests of what it says
// and to whom.
#pragma once

#include <gtest/gtest.h>

#include "nodes/node/api/endpoints_http.hpp"
#include "tests/integration/operator_api/fake_backend.hpp"
#include "tests/integration/operator_api/raw_client.hpp"

namespace holdfast::operator_api {

inline const std::string kViewer(64, 'a'), kOperator(64, 'b'), kApprover(64, 'c'), kAdmin(64, 'd');

struct Answered {
  unsigned status = 0;
  std::string head, body;
  Json json() const { return Json::parse(body); }
  std::string error_code() const { return json()["error"]["code"]; }
};

class OperatorApi : public testing::Test {
 protected:
  void start(ServerSettings settings = {}) {
    auto tokens = Tokens::parse("viewer vic " + kViewer + "\noperator ann " + kOperator +
                                    "\napprover bob " + kApprover + "\nadmin root " + kAdmin + "\n",
                                "tokens");
    ASSERT_TRUE(tokens) << tokens.error().text;
    auto server = start_operator_api(
        settings, std::move(tokens).value(), backend_,
        [this](const std::string& line) {
          const std::lock_guard lock(mutex_);
          audit_.push_back(line);
          return !audit_fails_;
        },
        [] { return at(100); });
    ASSERT_TRUE(server) << server.error().text;
    server_ = std::move(server).value();
  }
  void SetUp() override { start(); }
  void TearDown() override { server_.reset(); }

  static Answered parse(const std::string& text) {
    Answered answer;
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos || text.size() < 12) return answer;
    answer.status = static_cast<unsigned>(std::stoul(text.substr(9, 3)));
    answer.head = text.substr(0, end);
    answer.body = text.substr(end + 4);
    return answer;
  }
  Answered raw(const std::string& bytes) {
    RawClient client(server_->port());
    client.send(bytes);
    return parse(client.read_answer());
  }
  static std::string request(const std::string& method, const std::string& target,
                             const std::string& token, const std::string& body = "") {
    return method + " " + target + " HTTP/1.1\r\nHost: x\r\n" +
           (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") +
           (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
           "\r\n" + body;
  }
  Answered get(const std::string& target, const std::string& token = kViewer) {
    return raw(request("GET", target, token));
  }
  Answered post(const std::string& target, const Json& body, const std::string& token = kAdmin) {
    return raw(request("POST", target, token, body.dump()));
  }
  std::string metric(const std::string& name) {
    const auto text = get("/metrics").body;
    const auto from = text.find("\n" + name + " ");
    if (from == std::string::npos) return "absent";
    const auto value = from + name.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }
  std::vector<std::string> audit() {
    const std::lock_guard lock(mutex_);
    return audit_;
  }

  FakeBackend backend_;
  std::mutex mutex_;
  std::vector<std::string> audit_;
  std::atomic<bool> audit_fails_{false};
  std::unique_ptr<Server> server_;
};

}  // namespace holdfast::operator_api
