// The gateway on libcurl: one thread of its own with one multi handle carries out what the state
// machine says. It never runs on, waits for, or is waited for by the order path: a question is put
// into an inbox, its answer comes by a callback on this thread. Redirects, proxies of the
// environment, and protocols other than HTTP are off, so that data goes where configuration says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "actors/agents/llm/gateway.hpp"

namespace holdfast::llm {

struct GatewayClocks {
  std::function<MonoTime()> mono;
  std::function<WallTime()> wall;
};

/// Takes each span on the gateway's thread; must not block for long.
using TraceSink = std::function<void(const Span&)>;

/// What an operator sees of it.
struct GatewayView {
  struct Endpoint {
    std::string name, model;
    Dialect dialect = Dialect::kOpenai;
    EndpointState state;
  };
  std::vector<Endpoint> endpoints;
  GatewayCounters counters;
  Spent today;
  std::size_t open_calls = 0;
  uint64_t write_failures = 0;  // of traces, the recording and what was spent
  uint64_t bugs = 0;            // questions that died of a CHECK
};

class GatewayCurl final : public Advisor {
 public:
  /// Reads the keys and the recording, and starts the thread. kInvalid: no endpoint, or settings
  /// that `validate` refuses, or a key that can't be had.
  static Result<std::unique_ptr<GatewayCurl>> start(GatewaySettings settings, GatewayClocks clocks,
                                                    TraceSink trace = {});
  ~GatewayCurl() override;
  GatewayCurl(const GatewayCurl&) = delete;
  GatewayCurl& operator=(const GatewayCurl&) = delete;

  /// From any thread. After `stop` the answer is kUnavailable, at once.
  void advise(AdviceRequest request, std::function<void(AdviceReply)> done) override;
  AdvisorKind kind() const override { return AdvisorKind::kModel; }
  /// Answers what is open with kUnavailable and joins the thread. Not from a callback.
  void stop();
  GatewayView view() const;

  class Core;

 private:
  explicit GatewayCurl(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
  std::thread thread_;
};

/// The advisor that the settings ask for: the deterministic one where there is no endpoint.
Result<std::unique_ptr<Advisor>> make_advisor(GatewaySettings settings, GatewayClocks clocks,
                                              TraceSink trace = {});

}  // namespace holdfast::llm
