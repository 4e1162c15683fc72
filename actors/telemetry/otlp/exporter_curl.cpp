#include "actors/telemetry/otlp/exporter_curl.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>

namespace holdfast::telemetry {

/// Written by the exporter's thread (lost: by whoever offers, under the mutex), read by any:
/// numbers alone, so no order is needed.
struct OtlpExporter::Counters {
  std::atomic<uint64_t> exported{0}, lost{0}, failures{0}, retries{0};
  std::atomic<uint64_t> requests{0}, throttled{0}, server_errors{0}, timeouts{0};
  LatencyRecorder latency;
};

namespace {

constexpr std::size_t kAnswerBytesMax = 64u << 10;

std::chrono::nanoseconds chrono_of(Duration d) { return std::chrono::nanoseconds(d.ns); }

/// What an endpoint answers is not looked at; too much of it ends the request.
std::size_t ignore_body(char*, std::size_t size, std::size_t count, void* seen) {
  auto& total = *static_cast<std::size_t*>(seen);
  total += size * count;
  return total > kAnswerBytesMax ? 0 : size * count;
}

/// Ends a request under way when the process stops.
int check_stop(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& [mutex, stopping] = *static_cast<std::pair<std::mutex*, bool*>*>(stop);
  const std::lock_guard lock(*mutex);
  return *stopping ? 1 : 0;
}

}  // namespace

OtlpExporter::OtlpExporter(OtlpSettings settings, std::function<void(const std::string&)> say)
    : settings_(std::move(settings)),
      say_(std::move(say)),
      counters_(std::make_shared<Counters>()) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(kReady == CURLE_OK);
  curl_ = curl_easy_init();
  CHECK(curl_ != nullptr);
  thread_ = std::thread([this] { run(); });
}

OtlpExporter::~OtlpExporter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  curl_easy_cleanup(curl_);
}

void OtlpExporter::offer(SharedBatch batch) {
  const std::lock_guard lock(mutex_);
  counters_->lost += batch->lost;
  if (waiting_.size() >= limits::kOtlpBatchesWaiting) {
    counters_->lost += waiting_.front()->samples.size();
    waiting_.pop_front();
  }
  waiting_.push_back(std::move(batch));
}

void OtlpExporter::add_counts(TelemetryCounts& counts) const {
  counts.exported = counters_->exported;
  counts.export_lost = counters_->lost;
  counts.export_failures = counters_->failures;
  counts.export_retries = counters_->retries;
}

TelemetrySource OtlpExporter::source() const {
  struct Before {
    uint64_t requests = 0, throttled = 0, errors = 0, timeouts = 0, retries = 0;
    MonoTime at;
    LatencyRecorder::Seen seen;
  };
  return [counters = counters_, name = instance_of("otlp"),
          before = Before{}](Readings& out) mutable {
    const auto grown = [](const std::atomic<uint64_t>& number, uint64_t& was) {
      const uint64_t now = number.load(std::memory_order_relaxed);
      return now - std::exchange(was, now);
    };
    const Duration since = before.at.ns == 0 ? Duration{} : out.mono() - before.at;
    before.at = out.mono();
    const uint64_t requests = grown(counters->requests, before.requests);
    const uint64_t throttled = grown(counters->throttled, before.throttled);
    const uint64_t errors = grown(counters->server_errors, before.errors);
    const uint64_t timeouts = grown(counters->timeouts, before.timeouts);
    uint64_t none = 0;
    out.add_rate(Metric::kHttpRetries, grown(counters->retries, before.retries), none, since, name);
    out.add_ratio(Metric::kHttpSuccess, requests - std::min(requests, errors + timeouts), requests,
                  name);
    out.add_ratio(Metric::kHttpThrottled, throttled, requests, name);
    out.add_ratio(Metric::kHttpTimeouts, timeouts, requests, name);
    if (const auto took = counters->latency.read(before.seen); took.count > 0)
      out.add(Metric::kHttpLatency, took.p99.us(), name);
  };
}

/// False: it is time to stop.
bool OtlpExporter::wait(Duration time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, chrono_of(time), [this] { return stopping_; });
}

void OtlpExporter::run() {
  while (wait(settings_.every)) {
    std::deque<SharedBatch> batches;
    {
      const std::lock_guard lock(mutex_);
      batches.swap(waiting_);
    }
    std::vector<Sample> samples;
    for (const auto& batch : batches)
      samples.insert(samples.end(), batch->samples.begin(), batch->samples.end());
    if (samples.empty()) continue;
    if (!send(encode_otlp(settings_.resource, samples), samples.size())) return;
  }
}

/// One request until it is taken or given up; what is offered meanwhile waits, bounded. False: it
/// is time to stop.
bool OtlpExporter::send(const std::string& body, std::size_t samples) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  Duration pause = settings_.pause;
  for (uint32_t attempt = 1;; ++attempt) {
    const Answer answer = post(body);
    if (answer.status >= 200 && answer.status < 300) {
      counters_->exported += samples;
      if (std::exchange(failing_, false) && say_)
        say_("telemetry: " + settings_.endpoint + " takes samples again");
      return true;
    }
    const bool again = answer.status == 0 || answer.status == 429 || answer.status >= 500;
    if (!std::exchange(failing_, true) && say_)
      say_("telemetry: " + settings_.endpoint + " does not take samples: " +
           (answer.status ? "HTTP " + std::to_string(answer.status) : answer.error) +
           "; what it misses is dropped and counted");
    if (!again || attempt >= settings_.tries) {
      counters_->failures += 1;
      counters_->lost += samples;
      return wait({});
    }
    counters_->retries += 1;
    // Half of the pause is chance, so that nodes that failed together don't come back together.
    const Duration jittered{
        pause.ns / 2 +
        static_cast<int64_t>(random() % static_cast<uint64_t>(std::max<int64_t>(1, pause.ns / 2)))};
    if (!wait(std::max(jittered, answer.retry_after))) return false;
    pause = std::min(pause * 2, settings_.pause_max);
  }
}

OtlpExporter::Answer OtlpExporter::post(const std::string& body) {
  Answer answer;
  std::size_t seen = 0;
  std::pair<std::mutex*, bool*> stop{&mutex_, &stopping_};
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  curl_easy_reset(curl_);
  curl_easy_setopt(curl_, CURLOPT_URL, settings_.endpoint.c_str());
  curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.within.ms()));
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, ignore_body);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &seen);
  curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, check_stop);
  curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, &stop);
  const auto begun = std::chrono::steady_clock::now();
  const CURLcode code = curl_easy_perform(curl_);
  counters_->latency.add(
      {std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun).count()});
  counters_->requests += 1;
  curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    answer.error = curl_easy_strerror(code);
    counters_->timeouts += 1;
    return answer;
  }
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_off_t retry_after = 0;
  curl_easy_getinfo(curl_, CURLINFO_RETRY_AFTER, &retry_after);
  answer.retry_after =
      std::min(Duration::seconds(static_cast<int64_t>(std::min<curl_off_t>(retry_after, 3'600))),
               settings_.pause_max);
  if (answer.status == 429 || (answer.status == 503 && retry_after > 0)) counters_->throttled += 1;
  if (answer.status >= 500) counters_->server_errors += 1;
  return answer;
}

}  // namespace holdfast::telemetry
