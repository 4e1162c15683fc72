// The gateway to models as a state machine: questions, results of HTTP exchanges and time go in,
// what to send, what to give up and answers come out. One retry loop over all endpoints in order,
// under one total deadline; breakers, concurrency and budgets are judged before each attempt. No
// I/O, no clock: gateway_curl carries it out.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/agents/llm/budget.hpp"
#include "actors/agents/llm/dialect.hpp"
#include "actors/agents/llm/gateway_settings.hpp"
#include "actors/agents/llm/reply.hpp"
#include "actors/agents/llm/trace.hpp"
#include "messages/time.hpp"

namespace holdfast::llm {

/// How an HTTP exchange went wrong below HTTP.
enum class TransportError : uint8_t {
  kNone = 0,
  kConnect,      // no connection, name or route
  kTls,          // the certificate is not one that we trust
  kTimeout,      // nothing, or not everything, in time
  kCut,          // the connection ended in the middle of an answer
  kTooLarge,     // the answer is larger than kAnswerBytesMax
  kNotRecorded,  // replay: there is no such exchange in the recording
  kOther,
};
std::string_view to_text(TransportError error);

struct TransportResult {
  TransportError error = TransportError::kNone;
  int status = 0;  // HTTP's; 0 when there was none
  std::optional<Duration> retry_after;
  std::string body;
};

// ---- what to do
/// Send `body` to `endpoint` and tell the outcome by `on_result`, at the latest at `until`.
struct StartAttempt {
  uint64_t attempt = 0;
  std::size_t endpoint = 0;
  std::string body;
  MonoTime until;
};
/// Forget an attempt: its result is not wanted any more.
struct CancelAttempt {
  uint64_t attempt = 0;
};
struct AnswerCall {
  uint64_t call = 0;
  AdviceReply reply;
};
struct TraceAttempt {
  Span span;
};
using GatewayStep = std::variant<StartAttempt, CancelAttempt, AnswerCall, TraceAttempt>;

struct EndpointState {
  enum class Breaker : uint8_t { kClosed = 1, kOpen, kHalfOpen };
  Breaker breaker = Breaker::kClosed;
  uint32_t failures = 0;  // in a row
  uint32_t running = 0;
  MonoTime open_until;  // kOpen
  Duration open_for;
  MonoTime not_before;  // told by Retry-After
  // Since the start, for metrics:
  uint64_t attempts = 0, succeeded = 0, throttled = 0, server_errors = 0, transport_errors = 0,
           timeouts = 0, refused = 0, opened = 0;
  uint64_t input_tokens = 0, output_tokens = 0;
  int64_t cost_micros = 0;
  Duration latest;  // how long the last good answer took
};
std::string_view to_text(EndpointState::Breaker breaker);

struct GatewayCounters {
  uint64_t calls = 0, cache_hits = 0;
  std::array<uint64_t, kAdviceOutcomes + 1> outcomes{};  // by AdviceOutcome
  std::array<uint64_t, kReplyProblems + 1> problems{};   // by ReplyProblem, of each attempt
};

class Gateway {
 public:
  explicit Gateway(GatewaySettings settings);

  /// A question; its answer comes as AnswerCall with the number returned, maybe at once.
  uint64_t ask(AdviceRequest request, MonoTime now, WallTime wall);
  void on_result(uint64_t attempt, TransportResult result, MonoTime now, WallTime wall);
  /// To be called at next_deadline, and as often otherwise as one likes.
  void on_time(MonoTime now, WallTime wall);
  /// Nothing: nothing is waited for but results.
  std::optional<MonoTime> next_deadline() const;
  /// What has come up since the last call, in order.
  std::vector<GatewayStep> take_steps();

  const GatewayCounters& counters() const { return counters_; }
  const EndpointState& endpoint(std::size_t index) const { return endpoints_[index]; }
  const GatewaySettings& settings() const { return settings_; }
  const Ledger& ledger() const { return ledger_; }
  /// What an earlier process spent today: see Ledger::restore.
  bool restore_spending(std::string_view line) { return ledger_.restore(line); }
  std::size_t open_calls() const { return calls_.size(); }

 private:
  struct Try {
    uint32_t count = 0;
    MonoTime ready;         // not to be asked again by this call before
    bool given_up = false;  // this endpoint will not answer this question better
  };
  struct Call {
    AdviceRequest request;
    Prompt prompt;
    MonoTime asked, until;
    WallTime asked_wall;
    std::vector<Try> tries;  // by endpoint
    uint32_t attempts = 0;
    std::optional<uint64_t> running;
    std::optional<MonoTime> wake;
    AdviceOutcome failing = AdviceOutcome::kUnavailable;  // the answer if no attempt is left
    ReplyProblem problem = ReplyProblem::kNone;
    AdviceReply spent;  // tokens and cost so far, and the hash of what was last written
  };
  struct Attempt {
    uint64_t call = 0;
    std::size_t endpoint = 0;
    MonoTime begun, until;
    WallTime begun_wall;
    Reserved reserved;
  };
  struct Cached {
    std::string facts, content;
    MonoTime until;
    std::string endpoint;
  };

  using CacheKey = std::pair<uint64_t, uint64_t>;
  /// What may be tried next: an endpoint, or until when there is nothing to do, or why not at all.
  struct Choice {
    std::optional<std::size_t> endpoint;
    Reserved reserved;
    std::optional<MonoTime> soonest;    // an endpoint is ready then
    bool busy = false;                  // an endpoint would do if it had a place
    std::optional<AdviceOutcome> over;  // a budget is too small
  };

  bool permits(std::size_t endpoint, const AdviceRequest& request) const;
  Choice choose(const Call& call, MonoTime now, WallTime wall) const;
  void advance(uint64_t number, MonoTime now, WallTime wall);
  void start(uint64_t number, Call& call, const Choice& choice, MonoTime now, WallTime wall);
  void finish(uint64_t number, AdviceReply reply, MonoTime now);
  void give_up(uint64_t number, AdviceOutcome outcome, MonoTime now);
  void conclude(uint64_t attempt, const TransportResult& result, MonoTime now, WallTime wall);
  /// "" when the question was answered, else what was wrong; fills in what the trace tells.
  std::string judge(const Attempt& attempt, Call& call, const TransportResult& result,
                    Answer& answer, std::optional<AdviceReply>& reply, MonoTime now);
  std::string judge_answer(const Attempt& attempt, Call& call, const TransportResult& result,
                           Answer& answer, std::optional<AdviceReply>& reply, MonoTime now);
  void settle(const Attempt& attempt, Call& call, const Answer& answer);
  void note_failure(std::size_t endpoint, MonoTime now);
  Duration backoff(uint64_t call, uint32_t tries) const;
  bool from_cache(uint64_t number, MonoTime now);
  void keep(const Call& call, const std::string& endpoint, std::string content, MonoTime now);

  GatewaySettings settings_;
  std::vector<EndpointState> endpoints_;
  std::map<uint64_t, Call> calls_;
  std::map<uint64_t, Attempt> attempts_;
  std::map<CacheKey, Cached> cache_;
  std::deque<CacheKey> cache_order_;  // the first kept goes when there are too many
  Ledger ledger_;
  GatewayCounters counters_;
  std::vector<GatewayStep> steps_;
  uint64_t last_call_ = 0, last_attempt_ = 0;
};

}  // namespace holdfast::llm
