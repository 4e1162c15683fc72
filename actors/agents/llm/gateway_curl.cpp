#include "actors/agents/llm/gateway_curl.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <utility>

#include "actors/agents/llm/advisor.hpp"
#include "actors/agents/llm/gateway_files_linux.hpp"
#include "actors/agents/llm/transfer_curl.hpp"

namespace holdfast::llm {
namespace {

constexpr std::size_t kRecordingBytesMax = 256u << 20;
constexpr int64_t kPollMostMs = 1'000;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

AdviceReply unavailable() {
  AdviceReply reply;
  reply.advisor = AdvisorKind::kModel;
  reply.outcome = AdviceOutcome::kUnavailable;
  return reply;
}

}  // namespace

class GatewayCurl::Core {
 public:
  using Done = std::function<void(AdviceReply)>;

  Core(GatewaySettings settings, GatewayClocks clocks, TraceSink trace)
      : clocks_(std::move(clocks)),
        trace_(std::move(trace)),
        gateway_(std::make_unique<Gateway>(std::move(settings))) {
    static const bool once = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    CHECK(once);
    multi_ = curl_multi_init();
    CHECK(multi_ != nullptr);
  }
  ~Core() {
    for (auto& [id, transfer] : running_) curl_multi_remove_handle(multi_, transfer->handle());
    running_.clear();
    curl_multi_cleanup(multi_);
  }

  Result<> open_files() {
    const auto& settings = gateway_->settings();
    for (const auto& endpoint : settings.endpoints) {
      auto key = settings.recording == Recording::kReplay ? Result<std::string>(std::string())
                                                          : read_key(endpoint);
      if (!key) return key.error();
      keys_.push_back(std::move(key.value()));
    }
    if (!settings.trace_file.empty()) {
      auto file = AppendFile::open(settings.trace_file);
      if (!file) return file.error();
      traces_ = std::move(file.value());
    }
    if (settings.recording == Recording::kRecord) {
      auto file = AppendFile::open(settings.recording_file);
      if (!file) return file.error();
      recording_ = std::move(file.value());
    }
    if (settings.recording == Recording::kReplay) {
      auto text = read_file(settings.recording_file, kRecordingBytesMax);
      if (!text) return text.error();
      if (auto loaded = replay_.load(text.value()); !loaded)
        return Error{loaded.error().code, settings.recording_file + ": " + loaded.error().text};
    }
    if (!settings.spending_file.empty())
      if (auto text = read_file(settings.spending_file, 4'096))
        gateway_->restore_spending(text.value().substr(0, text.value().find('\n')));
    publish();
    return success();
  }

  void put(AdviceRequest request, Done done) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_ && inbox_.size() < limits::kAdviceCallsMax) {
        inbox_.emplace_back(std::move(request), std::move(done));
        curl_multi_wakeup(multi_);
        return;
      }
    }
    auto reply = unavailable();
    if (!stopping_) reply.outcome = AdviceOutcome::kBusy;
    done(std::move(reply));
  }

  void request_stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    curl_multi_wakeup(multi_);
  }

  void run() {
    while (!stopping_) {
      try {
        turn();
      } catch (const std::exception& bug) {
        begin_again(bug.what());
      }
    }
    take_inbox();
    for (auto& [request, done] : taken_) answer(done, unavailable());
    for (auto& [call, done] : waiting_) answer(done, unavailable());
    taken_.clear();
    waiting_.clear();
  }

  GatewayView view() const {
    const std::lock_guard lock(mutex_);
    return view_;
  }

 private:
  void turn() {
    take_inbox();
    while (!taken_.empty()) {
      auto [request, done] = std::move(taken_.back());
      taken_.pop_back();
      asking_ = std::move(done);
      const auto call = gateway_->ask(std::move(request), clocks_.mono(), clocks_.wall());
      waiting_.emplace(call, std::move(*asking_));
      asking_.reset();
    }
    gateway_->on_time(clocks_.mono(), clocks_.wall());
    carry_out();
    int active = 0;
    curl_multi_perform(multi_, &active);
    take_results();
    carry_out();
    publish();
    if (!replayed_.empty()) return;
    int64_t wait = kPollMostMs;
    // Rounded up, so that it has passed when the poll is over.
    if (const auto next = gateway_->next_deadline())
      wait = std::clamp<int64_t>(((*next - clocks_.mono()).ns + 999'999) / 1'000'000, 0, wait);
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait), nullptr);
  }

  void take_inbox() {
    const std::lock_guard lock(mutex_);
    taken_.swap(inbox_);
    std::reverse(taken_.begin(), taken_.end());  // taken from the back
  }

  void take_results() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = message->data.result;
      const auto at = std::find_if(running_.begin(), running_.end(), [&](const auto& entry) {
        return entry.second->handle() == message->easy_handle;
      });
      CHECK(at != running_.end());
      const auto attempt = at->first;
      auto result = at->second->result(code);
      record(attempt, at->second->request(), result);
      curl_multi_remove_handle(multi_, at->second->handle());
      running_.erase(at);
      gateway_->on_result(attempt, std::move(result), clocks_.mono(), clocks_.wall());
    }
    for (auto& [attempt, result] : std::exchange(replayed_, {}))
      gateway_->on_result(attempt, std::move(result), clocks_.mono(), clocks_.wall());
  }

  void carry_out() {
    for (auto steps = gateway_->take_steps(); !steps.empty(); steps = gateway_->take_steps())
      for (auto& step : steps)
        std::visit(
            Overloaded{[this](StartAttempt& s) { start(s); },
                       [this](CancelAttempt& s) { cancel(s); }, [this](AnswerCall& s) { give(s); },
                       [this](TraceAttempt& s) { trace(s.span); }},
            step);
  }

  void start(StartAttempt& step) {
    const auto& endpoint = gateway_->settings().endpoints[step.endpoint];
    if (gateway_->settings().recording == Recording::kReplay) {
      replayed_.emplace_back(step.attempt, replay_.next(endpoint.name, step.body));
      return;
    }
    auto transfer = std::make_unique<Transfer>(endpoint, keys_[step.endpoint], std::move(step.body),
                                               step.until - clocks_.mono());
    CHECK(curl_multi_add_handle(multi_, transfer->handle()) == CURLM_OK);
    endpoint_of_[step.attempt] = step.endpoint;
    running_.emplace(step.attempt, std::move(transfer));
  }

  void cancel(const CancelAttempt& step) {
    const auto at = running_.find(step.attempt);
    if (at == running_.end()) return;
    TransportResult silence;
    silence.error = TransportError::kTimeout;
    record(step.attempt, at->second->request(), silence);
    curl_multi_remove_handle(multi_, at->second->handle());
    running_.erase(at);
  }

  void record(uint64_t attempt, const std::string& request, const TransportResult& result) {
    const auto node = endpoint_of_.extract(attempt);
    if (recording_ == nullptr || node.empty()) return;
    const auto& name = gateway_->settings().endpoints[node.mapped()].name;
    if (!recording_->append(encode({name, request, result}))) ++write_failures_;
  }

  void give(AnswerCall& step) {
    Done done;
    if (const auto at = waiting_.find(step.call); at != waiting_.end()) {
      done = std::move(at->second);
      waiting_.erase(at);
    }
    const auto& file = gateway_->settings().spending_file;
    if (!file.empty() && !step.reply.cached && !replace_file(file, gateway_->ledger().str() + "\n"))
      ++write_failures_;
    publish();  // who has the answer finds what it cost
    answer(done, std::move(step.reply));
  }

  void answer(const Done& done, AdviceReply reply) {
    try {
      if (done) done(std::move(reply));
    } catch (const std::exception& bug) {
      note_bug(bug.what());
    }
  }

  void trace(const Span& span) {
    if (traces_ != nullptr && !traces_->append(to_otlp_json(span) + "\n")) ++write_failures_;
    if (trace_) trace_(span);
  }

  // A bug in one question must not silence all: everything open is answered, and the state machine
  // begins again with what was spent.
  void begin_again(const char* what) {
    note_bug(what);
    for (auto& [id, transfer] : running_) curl_multi_remove_handle(multi_, transfer->handle());
    running_.clear();
    replayed_.clear();
    endpoint_of_.clear();
    const auto spent = gateway_->ledger().str();
    gateway_ = std::make_unique<Gateway>(GatewaySettings(gateway_->settings()));
    gateway_->restore_spending(spent);
    if (asking_) answer(*std::exchange(asking_, std::nullopt), unavailable());
    for (auto& [call, done] : std::exchange(waiting_, {})) answer(done, unavailable());
  }

  void note_bug(const char* what) {
    ++bugs_;
    std::fprintf(stderr, "advice gateway: %s\n", what);
  }

  void publish() {
    GatewayView view;
    const auto& settings = gateway_->settings();
    for (std::size_t i = 0; i < settings.endpoints.size(); ++i)
      view.endpoints.push_back({settings.endpoints[i].name, settings.endpoints[i].model,
                                settings.endpoints[i].dialect, gateway_->endpoint(i)});
    view.counters = gateway_->counters();
    view.today = gateway_->ledger().day(clocks_.wall());
    view.open_calls = gateway_->open_calls();
    view.write_failures = write_failures_;
    view.bugs = bugs_;
    const std::lock_guard lock(mutex_);
    view_ = std::move(view);
  }

  GatewayClocks clocks_;
  TraceSink trace_;
  std::unique_ptr<Gateway> gateway_;
  CURLM* multi_ = nullptr;
  std::vector<std::string> keys_;  // by endpoint
  std::map<uint64_t, std::unique_ptr<Transfer>> running_;
  std::map<uint64_t, std::size_t> endpoint_of_;
  std::vector<std::pair<uint64_t, TransportResult>> replayed_;
  std::map<uint64_t, Done> waiting_;
  std::optional<Done> asking_;
  std::vector<std::pair<AdviceRequest, Done>> taken_;
  std::unique_ptr<AppendFile> traces_, recording_;
  Replay replay_;
  uint64_t write_failures_ = 0, bugs_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::pair<AdviceRequest, Done>> inbox_;
  GatewayView view_;
  std::atomic<bool> stopping_{false};  // written under the mutex, read by the loop
};

GatewayCurl::GatewayCurl(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Result<std::unique_ptr<GatewayCurl>> GatewayCurl::start(GatewaySettings settings,
                                                        GatewayClocks clocks, TraceSink trace) {
  if (!settings.enabled())
    return Error{ErrorCode::kInvalid,
                 "no endpoint is configured; the deterministic advisor is "
                 "what answers then"};
  if (auto valid = validate(settings); !valid) return valid.error();
  auto core = std::make_unique<Core>(std::move(settings), std::move(clocks), std::move(trace));
  if (auto opened = core->open_files(); !opened) return opened.error();
  std::unique_ptr<GatewayCurl> gateway(new GatewayCurl(std::move(core)));
  gateway->thread_ = std::thread([core = gateway->core_.get()] { core->run(); });
  return gateway;
}

GatewayCurl::~GatewayCurl() { stop(); }

void GatewayCurl::advise(AdviceRequest request, std::function<void(AdviceReply)> done) {
  core_->put(std::move(request), std::move(done));
}

void GatewayCurl::stop() {
  if (!thread_.joinable()) return;
  core_->request_stop();
  thread_.join();
}

GatewayView GatewayCurl::view() const { return core_->view(); }

Result<std::unique_ptr<Advisor>> make_advisor(GatewaySettings settings, GatewayClocks clocks,
                                              TraceSink trace) {
  if (!settings.enabled())
    return std::unique_ptr<Advisor>(std::make_unique<DeterministicAdvisor>());
  auto gateway = GatewayCurl::start(std::move(settings), std::move(clocks), std::move(trace));
  if (!gateway) return gateway.error();
  return std::unique_ptr<Advisor>(std::move(gateway.value()));
}

}  // namespace holdfast::llm
