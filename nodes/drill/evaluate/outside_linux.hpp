// What nodes have to do with and is no node: a feed handler, which counts what it misses of a
// numbered stream over a real socket, waits for a real lock and drains a real queue, and tells a
// node by OTLP/HTTP JSON what it measured; and an HTTP endpoint that nodes send to, which answers
// as it is told. Both are played by the evaluation, on threads of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "messages/result.hpp"
#include "messages/time.hpp"
#include "nodes/drill/evaluate/ask_linux.hpp"

namespace holdfast::drill::evaluate {

/// How the endpoint answers; all zero: 200 at once. Shares are of a hundred requests.
struct EndpointFaults {
  std::atomic<int> throttled{0}, failing{0};
  std::atomic<int64_t> delay_us{0};
};

/// Answers every POST; counts them.
class Endpoint {
 public:
  /// Listens on a free port of loopback. kIo.
  static Result<std::unique_ptr<Endpoint>> start();
  ~Endpoint();
  uint16_t port() const { return port_; }
  EndpointFaults& faults() { return faults_; }
  uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }

 private:
  Endpoint(int fd, uint16_t port);
  void run();
  std::string answer();

  int fd_;
  uint16_t port_;
  EndpointFaults faults_;
  std::atomic<uint64_t> requests_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// What is wrong with the feed; all zero: nothing.
struct FeedFaults {
  std::atomic<int> lost_percent{0};
  std::atomic<bool> silent{false};
  std::atomic<int64_t> lock_held_us{0}, lock_every_us{0};
  std::atomic<bool> drains_slowly{false};
};

/// Where and as whom measurements go.
struct Intake {
  Door door;
  std::string path, member;
};

class FeedHandler {
 public:
  /// kIo: no socket.
  static Result<std::unique_ptr<FeedHandler>> start(Intake intake);
  ~FeedHandler();
  FeedFaults& faults() { return faults_; }
  uint64_t reported() const { return reported_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  FeedHandler(Intake intake, int in, int out);
  void send();     // the feed itself: 200 numbered messages a second
  void receive();  // counts gaps, takes the lock, fills the queue
  void drain();
  void hold_lock();
  void report();
  std::string measurements();

  Intake intake_;
  int in_, out_;
  FeedFaults faults_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> reported_{0}, refused_{0};
  std::mutex lock_;  // that the handler needs for each message
  std::mutex queue_mutex_;
  std::deque<uint64_t> queue_;  // kQueueMax at most
  std::atomic<uint64_t> missed_{0};
  std::atomic<int64_t> last_ns_{0}, waited_ns_{0};
  std::atomic<int64_t> waits_since_ns_{0};  // 0: for no lock now
  std::thread threads_[5];
};

/// The body of one export request with these gauges, as OTLP/HTTP JSON has it.
struct Gauge {
  const char* name;
  const char* unit;
  int64_t value;
};
std::string otlp_of(const std::string& member, const std::string& instance, WallTime at,
                    const Gauge* gauges, std::size_t count);

}  // namespace holdfast::drill::evaluate
