// Sends samples to an OTLP/HTTP endpoint (JSON) from a thread of its own: what came since the last
// request goes in one, and what the endpoint does not take in time is dropped, oldest first, and
// counted. One retry loop with growing, jittered pauses that honours Retry-After; never more than
// one request at a time, each with one total deadline. Nobody waits for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "actors/telemetry/otlp/otlp_http.hpp"
#include "actors/telemetry/readings.hpp"
#include "messages/telemetry/feed.hpp"
#include "messages/telemetry/latency.hpp"

namespace holdfast::telemetry {

struct OtlpSettings {
  std::string endpoint;  // "http://127.0.0.1:4318/v1/metrics"
  OtlpResource resource;
  Duration every = Duration::seconds(1);         // between two requests
  Duration within = Duration::seconds(5);        // one request, all of it
  Duration pause = Duration::milliseconds(500);  // before a retry; doubles up to …
  Duration pause_max = Duration::seconds(30);    // … this
  uint32_t tries = 5;                            // of one request, then it is given up
};

class OtlpExporter {
 public:
  /// Starts the thread. `say` gets a line when the endpoint begins to fail and when it takes again;
  /// on that thread, may be null.
  OtlpExporter(OtlpSettings settings, std::function<void(const std::string&)> say);
  /// Gives up what was not sent; waits for the thread, which a request under way does not hold up.
  ~OtlpExporter();
  OtlpExporter(const OtlpExporter&) = delete;
  OtlpExporter& operator=(const OtlpExporter&) = delete;

  /// Any thread; never blocks on the network. Beyond kOtlpBatchesWaiting the oldest goes.
  void offer(SharedBatch batch);
  /// Adds what is counted. Any thread.
  void add_counts(TelemetryCounts& counts) const;
  /// The endpoint's HTTP readings: success, latency, throttling, retries, as instance "otlp".
  TelemetrySource source() const;

 private:
  struct Counters;
  struct Answer {
    long status = 0;  // 0: none came
    Duration retry_after;
    std::string error;
  };
  void run();
  bool wait(Duration time);
  bool send(const std::string& body, std::size_t samples);
  Answer post(const std::string& body);

  const OtlpSettings settings_;
  const std::function<void(const std::string&)> say_;
  const std::shared_ptr<Counters> counters_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<SharedBatch> waiting_;
  bool stopping_ = false;
  bool failing_ = false;  // the thread's own
  void* curl_ = nullptr;  // the thread's own
  std::thread thread_;
};

}  // namespace holdfast::telemetry
