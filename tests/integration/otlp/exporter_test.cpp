// The exporter against a real HTTP server on this host, which behaves as badly as servers do.
#include "actors/telemetry/otlp/exporter_curl.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>

namespace holdfast::telemetry {
namespace {

/// Answers each request with the next of its script, then with 200; keeps the bodies.
class Collector {
 public:
  /// "" is silence: the request is read and never answered.
  explicit Collector(std::deque<std::string> script = {}) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(listener_, 16) == 0);
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Collector() {
    stop_ = true;
    thread_.join();
    for (const int fd : silent_) ::close(fd);
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/v1/metrics"; }
  std::vector<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  uint16_t port = 0;
  std::atomic<uint64_t> requests{0};

 private:
  void run() {
    while (!stop_) {
      pollfd wait{listener_, POLLIN, 0};
      if (::poll(&wait, 1, 20) != 1) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) serve(fd);
    }
  }
  void serve(int fd) {
    std::string text;
    char buffer[65'536];
    std::size_t need = std::string::npos;
    while (!stop_ && (need == std::string::npos || text.size() < need)) {
      pollfd wait{fd, POLLIN, 0};
      if (::poll(&wait, 1, 20) != 1) continue;
      const auto n = ::read(fd, buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
      const auto head = text.find("\r\n\r\n");
      const auto length = text.find("Content-Length: ");
      if (head != std::string::npos && length != std::string::npos)
        need = head + 4 + std::stoul(text.substr(length + 16));
      // A large body waits to be asked for.
      if (head != std::string::npos && text.find("100-continue") != std::string::npos &&
          text.size() == head + 4)
        (void)!::write(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    std::string answer = "200 OK";
    {
      const std::lock_guard lock(mutex_);
      const auto head = text.find("\r\n\r\n");
      bodies_.push_back(head == std::string::npos ? "" : text.substr(head + 4));
      if (!script_.empty()) {
        answer = script_.front();
        script_.pop_front();
      }
    }
    ++requests;
    if (answer.empty()) return silent_.push_back(fd);
    const std::string reply =
        "HTTP/1.1 " + answer + "\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    (void)!::write(fd, reply.data(), reply.size());
    ::close(fd);
  }

  int listener_ = -1;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::deque<std::string> script_;
  std::vector<std::string> bodies_;
  std::vector<int> silent_;
  std::thread thread_;
};

SharedBatch batch(int samples, int64_t value = 1) {
  auto b = std::make_shared<SampleBatch>();
  b->domain = Domain::kNetwork;
  for (int i = 0; i < samples; ++i) {
    Sample s;
    s.metric = Metric::kFeedGaps;
    s.member = MemberId{1};
    s.instance = Instance(std::to_string(i));
    s.at = WallTime{1'700'000'000'000'000'000 + i};
    s.value = value;
    b->samples.push_back(s);
  }
  return b;
}

OtlpSettings settings(const std::string& url) {
  OtlpSettings s;
  s.endpoint = url;
  s.resource = {"node-1", "0.1.0"};
  s.every = Duration::milliseconds(5);
  s.within = Duration::seconds(5);
  s.pause = Duration::milliseconds(2);
  s.pause_max = Duration::milliseconds(10);
  return s;
}

TelemetryCounts counts(const OtlpExporter& exporter) {
  TelemetryCounts c;
  exporter.add_counts(c);
  return c;
}

/// The limit is for a test that would hang.
bool until(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TEST(OtlpExport, SamplesArriveAsOtlpThatReadsAlike) {
  Collector collector;
  OtlpExporter exporter(settings(collector.url()), nullptr);
  const auto sent = batch(3, 42);
  exporter.offer(sent);
  ASSERT_TRUE(until([&] { return counts(exporter).exported == 3; }));
  OutsideSamples read;
  ASSERT_TRUE(decode_otlp(
                  collector.bodies().at(0), [](auto) { return MemberId{}; }, read)
                  .ok());
  EXPECT_EQ(read.samples, sent->samples);
  EXPECT_EQ(counts(exporter).export_lost, 0u);
}

TEST(OtlpExport, FailingEndpointIsAskedAgainWithTheSameBody) {
  Collector collector({"500 No", "429 Slow down\r\nRetry-After: 0", "503 Later"});
  std::vector<std::string> said;
  std::mutex mutex;
  OtlpExporter exporter(settings(collector.url()), [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    said.push_back(line);
  });
  exporter.offer(batch(2));
  ASSERT_TRUE(until([&] { return counts(exporter).exported == 2; }));
  const auto bodies = collector.bodies();
  ASSERT_GE(bodies.size(), 4u);
  EXPECT_EQ(bodies[0], bodies[3]);
  EXPECT_EQ(counts(exporter).export_retries, 3u);
  EXPECT_EQ(counts(exporter).export_failures, 0u);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(said.size(), 2u);  // that it fails, and that it takes again
  EXPECT_NE(said[0].find("HTTP 500"), std::string::npos);
}

TEST(OtlpExport, RefusedRequestIsGivenUpAtOnce) {
  Collector collector({"400 Bad"});
  OtlpExporter exporter(settings(collector.url()), nullptr);
  exporter.offer(batch(2));
  ASSERT_TRUE(until([&] { return counts(exporter).export_failures == 1; }));
  EXPECT_EQ(counts(exporter).export_lost, 2u);
  EXPECT_EQ(counts(exporter).export_retries, 0u);
  exporter.offer(batch(1));
  ASSERT_TRUE(until([&] { return counts(exporter).exported == 1; }));
}

TEST(OtlpExport, EndpointThatOnlyFailsCostsABoundedNumberOfTries) {
  Collector collector({"500 a", "500 b", "500 c", "500 d", "500 e"});
  OtlpExporter exporter(settings(collector.url()), nullptr);
  exporter.offer(batch(4));
  ASSERT_TRUE(until([&] { return counts(exporter).export_failures == 1; }));
  EXPECT_EQ(collector.requests, 5u);
  EXPECT_EQ(counts(exporter).export_lost, 4u);
}

TEST(OtlpExport, NobodyListensAndTheOldestAreDropped) {
  uint16_t port = 0;
  { port = Collector().port; }
  auto s = settings("http://127.0.0.1:" + std::to_string(port) + "/v1/metrics");
  s.tries = 1'000'000;
  s.pause = s.pause_max = Duration::seconds(3'600);
  OtlpExporter exporter(s, nullptr);
  exporter.offer(batch(1));
  ASSERT_TRUE(until([&] { return counts(exporter).export_retries == 1; }));
  for (std::size_t i = 0; i < limits::kOtlpBatchesWaiting + 10; ++i) exporter.offer(batch(3));
  EXPECT_EQ(counts(exporter).export_lost, 30u);
  // Destruction does not wait for the pause.
}

TEST(OtlpExport, SilentEndpointIsGivenUpAfterItsDeadlineAndHoldsNobodyUp) {
  Collector collector({"", ""});
  auto s = settings(collector.url());
  s.within = Duration::milliseconds(20);
  OtlpExporter exporter(s, nullptr);
  exporter.offer(batch(1));
  ASSERT_TRUE(until([&] { return counts(exporter).exported == 1; }));
  EXPECT_EQ(counts(exporter).export_retries, 2u);
}

TEST(OtlpExport, StopDoesNotWaitForASilentEndpoint) {
  Collector collector({""});
  auto s = settings(collector.url());
  s.within = Duration::seconds(3'600);
  auto exporter = std::make_unique<OtlpExporter>(s, nullptr);
  exporter->offer(batch(1));
  ASSERT_TRUE(until([&] { return collector.requests == 1; }));
  exporter.reset();  // hangs, and fails by the suite's time limit, if it waits
}

TEST(OtlpExport, SourceTellsHowTheEndpointDoes) {
  Collector collector({"429 Slow down"});
  OtlpExporter exporter(settings(collector.url()), nullptr);
  const auto source = exporter.source();
  Readings out(MemberId{1});
  exporter.offer(batch(1));
  ASSERT_TRUE(until([&] { return counts(exporter).exported == 1; }));
  out.begin(WallTime{1}, MonoTime{1'000'000'000});
  source(out);
  const auto value = [&](Metric metric) -> std::optional<int64_t> {
    for (const Sample& s : out.samples())
      if (s.metric == metric && s.instance.view() == "otlp") return s.value;
    return std::nullopt;
  };
  EXPECT_EQ(value(Metric::kHttpThrottled), 500'000);
  EXPECT_EQ(value(Metric::kHttpSuccess), 1'000'000);
  EXPECT_TRUE(value(Metric::kHttpLatency).has_value());
}

}  // namespace
}  // namespace holdfast::telemetry
