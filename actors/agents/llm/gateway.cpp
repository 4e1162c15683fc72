#include "actors/agents/llm/gateway.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "actors/agents/llm/attempt_trace.hpp"
#include "actors/agents/llm/dialect.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace holdfast::llm {
namespace {

using Breaker = EndpointState::Breaker;

telemetry::Domain domain_asked(const AdviceRequest& request) {
  const auto fault = request.kind == AdviceKind::kIncident ? request.incident.cause : request.fault;
  return fault == FaultClass::kNone ? telemetry::Domain::kExecution : domain_of(fault);
}

uint64_t incident_asked(const AdviceRequest& request) {
  return request.kind == AdviceKind::kIncident ? request.incident.number : 0;
}

std::pair<uint64_t, uint64_t> cache_key(const Prompt& prompt) {
  const auto facts = XXH3_128bits(prompt.facts.data(), prompt.facts.size());
  return {facts.high64, facts.low64};
}

uint64_t hash_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// Of a failure that costs nothing: no request, or one that was turned away.
bool unbilled(const TransportResult& result) {
  if (result.error == TransportError::kNone) return result.status != 200;
  return result.error == TransportError::kConnect || result.error == TransportError::kTls ||
         result.error == TransportError::kNotRecorded;
}

}  // namespace

std::string_view to_text(TransportError error) {
  switch (error) {
    case TransportError::kNone:
      return "none";
    case TransportError::kConnect:
      return "connect";
    case TransportError::kTls:
      return "tls";
    case TransportError::kTimeout:
      return "timeout";
    case TransportError::kCut:
      return "cut";
    case TransportError::kTooLarge:
      return "too_large";
    case TransportError::kNotRecorded:
      return "not_recorded";
    case TransportError::kOther:
      return "other";
  }
  return "invalid";
}

std::string_view to_text(Breaker breaker) {
  switch (breaker) {
    case Breaker::kClosed:
      return "closed";
    case Breaker::kOpen:
      return "open";
    case Breaker::kHalfOpen:
      return "half_open";
  }
  return "invalid";
}

Gateway::Gateway(GatewaySettings settings)
    : settings_(std::move(settings)),
      endpoints_(settings_.endpoints.size()),
      ledger_(settings_.incident_budget, settings_.day_budget, settings_.domain_budget) {
  CHECK(validate(settings_).ok());
}

bool Gateway::permits(std::size_t endpoint, const AdviceRequest& request) const {
  const auto& own = settings_.domain_regions[static_cast<std::size_t>(domain_asked(request)) - 1];
  const auto& regions = own.empty() ? settings_.regions : own;
  return std::find(regions.begin(), regions.end(), settings_.endpoints[endpoint].region) !=
         regions.end();
}

uint64_t Gateway::ask(AdviceRequest request, MonoTime now, WallTime wall) {
  const auto number = ++last_call_;
  ++counters_.calls;
  Call call;
  call.asked = now;
  call.until = now + std::min(settings_.deadline, request.within.value_or(settings_.deadline));
  call.tries.resize(endpoints_.size());
  auto prompt = build_prompt(request);
  if (prompt) call.prompt = std::move(prompt.value());
  bool anywhere = false;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const bool allowed = permits(i, request);
    call.tries[i].given_up = !allowed;
    anywhere = anywhere || allowed;
  }
  call.request = std::move(request);
  const bool busy = calls_.size() >= settings_.calls_max;
  calls_.emplace(number, std::move(call));
  if (!prompt)
    give_up(number,
            prompt.error().code == ErrorCode::kInvalid ? AdviceOutcome::kAbstained
                                                       : AdviceOutcome::kUnavailable,
            now);
  else if (from_cache(number, now))
    return number;
  else if (busy)
    give_up(number, AdviceOutcome::kBusy, now);
  else if (!anywhere)
    give_up(number, endpoints_.empty() ? AdviceOutcome::kUnavailable : AdviceOutcome::kNotAllowed,
            now);
  else
    advance(number, now, wall);
  return number;
}

Gateway::Choice Gateway::choose(const Call& call, MonoTime now, WallTime wall) const {
  Choice choice;
  // Those least tried by this question first, in the order of the configuration.
  std::vector<std::size_t> order(endpoints_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return call.tries[a].count < call.tries[b].count;
  });
  for (const auto i : order) {
    const auto& own = call.tries[i];
    const auto& state = endpoints_[i];
    if (own.given_up) continue;
    auto ready = std::max(own.ready, state.not_before);
    if (state.breaker == Breaker::kOpen) ready = std::max(ready, state.open_until);
    if (ready > now) {
      choice.soonest = choice.soonest ? std::min(*choice.soonest, ready) : ready;
      continue;
    }
    const bool probing = state.breaker == Breaker::kHalfOpen && state.running > 0;
    if (probing || state.running >= settings_.endpoints[i].concurrency_max) {
      choice.busy = true;
      continue;
    }
    const auto& endpoint = settings_.endpoints[i];
    const auto size =
        call.prompt.instructions.size() + call.prompt.facts.size() + call.prompt.schema.size();
    Reserved wanted{incident_asked(call.request), domain_asked(call.request), day_of(wall), {}};
    wanted.amount.tokens = tokens_at_most(size, endpoint);
    wanted.amount.cost_micros = cost_micros(wanted.amount.tokens - endpoint.output_tokens_max,
                                            endpoint.output_tokens_max, endpoint);
    const auto permitted = ledger_.permits(wanted);
    if (permitted != AdviceOutcome::kProposed) {
      choice.over = permitted;
      continue;
    }
    choice.endpoint = i;
    choice.reserved = wanted;
    return choice;
  }
  return choice;
}

void Gateway::advance(uint64_t number, MonoTime now, WallTime wall) {
  auto& call = calls_.at(number);
  if (call.running) return;
  call.wake.reset();
  if (now >= call.until) return give_up(number, AdviceOutcome::kLate, now);
  if (call.attempts >= settings_.attempts_max) return give_up(number, call.failing, now);
  const auto choice = choose(call, now, wall);
  if (choice.endpoint) return start(number, call, choice, now, wall);
  // A place that comes free wakes it; so does an endpoint that is ready again.
  const bool in_time = choice.soonest && *choice.soonest < call.until;
  if (in_time) call.wake = choice.soonest;
  if (choice.busy || in_time) return;
  give_up(number, choice.over.value_or(call.failing), now);
}

void Gateway::start(uint64_t number, Call& call, const Choice& choice, MonoTime now,
                    WallTime wall) {
  const auto index = *choice.endpoint;
  auto& state = endpoints_[index];
  if (state.breaker == Breaker::kOpen) state.breaker = Breaker::kHalfOpen;
  ++state.running;
  ++state.attempts;
  ++call.attempts;
  ++call.tries[index].count;
  ledger_.reserve(choice.reserved);
  const auto id = ++last_attempt_;
  const auto& endpoint = settings_.endpoints[index];
  const auto until = std::min(now + endpoint.attempt_within, call.until);
  attempts_.emplace(id, Attempt{number, index, now, until, wall, choice.reserved});
  call.running = id;
  steps_.push_back(StartAttempt{id, index, request_body(endpoint, call.prompt), until});
}

void Gateway::on_result(uint64_t attempt, TransportResult result, MonoTime now, WallTime wall) {
  if (attempts_.contains(attempt)) conclude(attempt, result, now, wall);
}

void Gateway::conclude(uint64_t id, const TransportResult& result, MonoTime now, WallTime wall) {
  const auto attempt = attempts_.at(id);
  attempts_.erase(id);
  --endpoints_[attempt.endpoint].running;
  auto& call = calls_.at(attempt.call);
  call.running.reset();
  Answer answer;
  std::optional<AdviceReply> reply;
  const auto error = judge(attempt, call, result, answer, reply, now);
  if (unbilled(result))
    ledger_.settle(attempt.reserved, {});
  else
    settle(attempt, call, answer);
  AttemptFacts facts;
  facts.incident = incident_asked(call.request);
  facts.call = attempt.call;
  facts.attempt = id;
  facts.tries = call.attempts;
  facts.began = attempt.begun_wall;
  facts.ended = attempt.begun_wall + (now - attempt.begun);
  facts.status = result.status;
  facts.error = error;
  steps_.push_back(TraceAttempt{span_of(facts, settings_.endpoints[attempt.endpoint], answer)});
  if (reply)
    finish(attempt.call, std::move(*reply), now);
  else
    advance(attempt.call, now, wall);
  // A place is free, or an endpoint is known to be better or worse.
  std::vector<uint64_t> waiting;
  for (const auto& [number, other] : calls_)
    if (!other.running) waiting.push_back(number);
  for (const auto number : waiting) advance(number, now, wall);
}

std::string Gateway::judge(const Attempt& attempt, Call& call, const TransportResult& result,
                           Answer& answer, std::optional<AdviceReply>& reply, MonoTime now) {
  auto& state = endpoints_[attempt.endpoint];
  auto& own = call.tries[attempt.endpoint];
  own.ready = now + backoff(attempt.call, own.count);
  if (result.error != TransportError::kNone) {
    ++(result.error == TransportError::kTimeout ? state.timeouts : state.transport_errors);
    // Neither gets better by asking again.
    own.given_up = result.error == TransportError::kTls ||
                   result.error == TransportError::kNotRecorded ||
                   result.error == TransportError::kTooLarge;
    if (result.error == TransportError::kTooLarge) {
      call.failing = AdviceOutcome::kRefused;
      call.problem = ReplyProblem::kTooLarge;
      ++counters_.problems[static_cast<std::size_t>(call.problem)];
      ++state.refused;
    } else {
      call.failing = AdviceOutcome::kUnavailable;
    }
    note_failure(attempt.endpoint, now);
    return std::string(to_text(result.error));
  }
  if (result.status == 200) return judge_answer(attempt, call, result, answer, reply, now);
  call.failing = AdviceOutcome::kUnavailable;
  const bool throttled = result.status == 429 || (result.status == 503 && result.retry_after);
  const auto wait =
      std::clamp(result.retry_after.value_or(Duration{}), Duration{}, settings_.retry_after_max);
  if (throttled) {
    ++state.throttled;
    state.not_before = std::max(state.not_before, now + wait);
    // To be told to wait is no fault, but a probe has to succeed.
    if (state.breaker == Breaker::kHalfOpen) note_failure(attempt.endpoint, now);
  } else {
    ++state.server_errors;
    own.given_up = result.status < 500 && result.status != 408;
    note_failure(attempt.endpoint, now);
  }
  return std::to_string(result.status);
}

std::string Gateway::judge_answer(const Attempt& attempt, Call& call, const TransportResult& result,
                                  Answer& answer, std::optional<AdviceReply>& reply, MonoTime now) {
  auto& state = endpoints_[attempt.endpoint];
  const auto& endpoint = settings_.endpoints[attempt.endpoint];
  answer = parse_answer(result.body);
  auto problem = answer.problem;
  call.spent.reply_hash = answer.content.empty() ? 0 : hash_of(answer.content);
  CheckedReply checked;
  if (problem == ReplyProblem::kNone) {
    checked = check_reply(answer.content, call.request, call.prompt.tokens);
    problem = checked.problem;
  }
  if (problem != ReplyProblem::kNone) {
    ++counters_.problems[static_cast<std::size_t>(problem)];
    ++state.refused;
    call.failing = AdviceOutcome::kRefused;
    call.problem = problem;
    // The same question gets the same kind of answer: another endpoint may do better.
    call.tries[attempt.endpoint].given_up = true;
    note_failure(attempt.endpoint, now);
    return std::string(to_text(problem));
  }
  ++state.succeeded;
  state.latest = now - attempt.begun;
  state.failures = 0;
  state.breaker = Breaker::kClosed;
  state.open_for = {};
  keep(call, endpoint.name, answer.content, now);
  reply.emplace();
  reply->outcome = checked.abstains ? AdviceOutcome::kAbstained : AdviceOutcome::kProposed;
  reply->proposals = std::move(checked.proposals);
  reply->endpoint = endpoint.name;
  return "";
}

// What the other side says it used, within what it can have been; without a word, all of it.
void Gateway::settle(const Attempt& attempt, Call& call, const Answer& answer) {
  auto& state = endpoints_[attempt.endpoint];
  const auto& endpoint = settings_.endpoints[attempt.endpoint];
  const auto& most = attempt.reserved.amount;
  const auto output_most = int64_t{endpoint.output_tokens_max};
  const bool told = answer.input_tokens && answer.output_tokens;
  const auto input = told ? std::clamp<int64_t>(*answer.input_tokens, 0, 4 * most.tokens)
                          : most.tokens - output_most;
  const auto output =
      told ? std::clamp<int64_t>(*answer.output_tokens, 0, 4 * most.tokens) : output_most;
  const auto cost = cost_micros(input, output, endpoint);
  ledger_.settle(attempt.reserved, {input + output, cost});
  state.input_tokens += static_cast<uint64_t>(input);
  state.output_tokens += static_cast<uint64_t>(output);
  state.cost_micros += cost;
  call.spent.input_tokens += static_cast<uint32_t>(input);
  call.spent.output_tokens += static_cast<uint32_t>(output);
  call.spent.cost_micros += cost;
}

void Gateway::note_failure(std::size_t index, MonoTime now) {
  auto& state = endpoints_[index];
  const auto& endpoint = settings_.endpoints[index];
  ++state.failures;
  if (state.breaker == Breaker::kOpen) return;
  if (state.breaker == Breaker::kClosed && state.failures < endpoint.breaker_failures) return;
  state.open_for = state.open_for.ns == 0 ? endpoint.breaker_open
                                          : std::min(state.open_for * 2, endpoint.breaker_open_max);
  state.open_until = now + state.open_for;
  state.breaker = Breaker::kOpen;
  ++state.opened;
}

// Doubled with each try, and up to a quarter more or less, so that many who failed together don't
// come back together.
Duration Gateway::backoff(uint64_t call, uint32_t tries) const {
  Duration wait = settings_.backoff;
  for (uint32_t i = 1; i < tries && wait < settings_.backoff_max; ++i) wait = wait * 2;
  wait = std::min(wait, settings_.backoff_max);
  const uint64_t seed[] = {call, tries};
  const auto spread = static_cast<int64_t>(XXH3_64bits(seed, sizeof seed) % 501) - 250;
  return wait + Duration{wait.ns / 1'000 * spread};
}

void Gateway::on_time(MonoTime now, WallTime wall) {
  std::vector<uint64_t> late;
  for (const auto& [id, attempt] : attempts_)
    if (attempt.until <= now) late.push_back(id);
  for (const auto id : late) {
    steps_.push_back(CancelAttempt{id});
    TransportResult silence;
    silence.error = TransportError::kTimeout;
    conclude(id, silence, now, wall);
  }
  std::vector<uint64_t> due;
  for (const auto& [number, call] : calls_)
    if (!call.running && (call.until <= now || (call.wake && *call.wake <= now)))
      due.push_back(number);
  for (const auto number : due)
    if (calls_.contains(number)) advance(number, now, wall);
}

std::optional<MonoTime> Gateway::next_deadline() const {
  std::optional<MonoTime> next;
  const auto at = [&](MonoTime time) { next = next ? std::min(*next, time) : time; };
  for (const auto& [id, attempt] : attempts_) at(attempt.until);
  for (const auto& [number, call] : calls_) {
    if (call.running) continue;
    at(call.until);
    if (call.wake) at(*call.wake);
  }
  return next;
}

std::vector<GatewayStep> Gateway::take_steps() { return std::exchange(steps_, {}); }

void Gateway::finish(uint64_t number, AdviceReply reply, MonoTime now) {
  const auto& call = calls_.at(number);
  reply.advisor = AdvisorKind::kModel;
  reply.prompt_hash = hash_of(call.prompt.facts);
  reply.reply_hash = call.spent.reply_hash;
  reply.input_tokens = call.spent.input_tokens;
  reply.output_tokens = call.spent.output_tokens;
  reply.cost_micros = call.spent.cost_micros;
  reply.attempts = call.attempts;
  reply.took = now - call.asked;
  ++counters_.outcomes[static_cast<std::size_t>(reply.outcome)];
  calls_.erase(number);
  steps_.push_back(AnswerCall{number, std::move(reply)});
}

void Gateway::give_up(uint64_t number, AdviceOutcome outcome, MonoTime now) {
  AdviceReply reply;
  reply.outcome = outcome;
  if (outcome == AdviceOutcome::kRefused) reply.problem = calls_.at(number).problem;
  finish(number, std::move(reply), now);
}

bool Gateway::from_cache(uint64_t number, MonoTime now) {
  auto& call = calls_.at(number);
  const auto at = cache_.find(cache_key(call.prompt));
  if (at == cache_.end() || at->second.until <= now || at->second.facts != call.prompt.facts)
    return false;
  // The tokens stand for this question's places, so it is judged as if it had just come.
  auto checked = check_reply(at->second.content, call.request, call.prompt.tokens);
  if (checked.problem != ReplyProblem::kNone) return false;
  AdviceReply reply;
  reply.outcome = checked.abstains ? AdviceOutcome::kAbstained : AdviceOutcome::kProposed;
  reply.proposals = std::move(checked.proposals);
  reply.endpoint = at->second.endpoint;
  reply.cached = true;
  call.spent.reply_hash = hash_of(at->second.content);
  ++counters_.cache_hits;
  finish(number, std::move(reply), now);
  return true;
}

void Gateway::keep(const Call& call, const std::string& endpoint, std::string content,
                   MonoTime now) {
  if (settings_.cache_entries == 0) return;
  const auto key = cache_key(call.prompt);
  if (!cache_.contains(key)) cache_order_.push_back(key);
  cache_[key] = {call.prompt.facts, std::move(content), now + settings_.cache_for, endpoint};
  while (cache_order_.size() > settings_.cache_entries) {
    cache_.erase(cache_order_.front());
    cache_order_.pop_front();
  }
}

}  // namespace holdfast::llm
