// Remote calls to an etcd cluster on one thread: each call is tried at one member after the other,
// at the next one too when the first is slow, until one answers or its deadline passes; tokens are
// fetched as needed. It knows how calls end, not what they are about.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "messages/result.hpp"
#include "supervision/replication/arbiter/etcd_endpoints_etcd.hpp"

namespace holdfast::replication::etcd {

/// One call. All of it belongs to the thread of Calls.
struct Call {
  Clock::time_point deadline;
  std::function<void(std::size_t endpoint)> send;  // one attempt: remote() does it
  std::function<void(Error)> failed;  // no attempt answered, or one was refused; done() is the
                                      // owner's to call, as after an answer
  bool writes = false;                // whether an attempt, as things are now, may change something
  bool anonymous = false;             // goes without a token

  // What has become of it so far.
  int tries = 0;
  int under_way = 0;           // attempts that have no answer
  bool maybe_written = false;  // an attempt that writes has ended without telling
  bool done = false;
  std::size_t last_endpoint = 0;
  Clock::time_point next_try;
  std::string obstacle;  // why there is no answer yet

  /// Whether it may have taken effect, or still may, though there was no answer.
  bool is_unknown() const { return maybe_written || (writes && under_way > 0); }
};
using CallPtr = std::shared_ptr<Call>;

class Calls {
 public:
  /// What the owner wants to hear of; on the thread.
  struct Owner {
    std::function<void(const std::string& address)> contact;  // a member answered
    std::function<void(const Error&)> trouble;                // a call failed
    std::function<void()> late;                               // an answer after the call's end
    /// The owner's own timers: runs what is due and says when the next is.
    std::function<Clock::time_point()> timers;
    std::function<void()> stopped;  // cancel what the owner has under way on the queue
  };

  Calls(Endpoints endpoints, const EtcdSettings& settings, Owner owner);
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  /// Runs the thread; nothing but post() before it.
  void start();
  /// Ends the thread; all that is under way is dropped.
  void stop();
  /// Runs `work` on the thread. From any thread.
  void post(std::function<void()> work);

  // ---- the thread's own

  void begin(CallPtr call);
  /// The call needs nothing more: answers to it that come now are late.
  void done(const CallPtr& call);

  /// Starts an attempt at `endpoint` by `start(context)`, which gives the reader, and hands its
  /// answer to `answered` unless the call is done by then.
  template <typename Response>
  void remote(const CallPtr& call, std::size_t endpoint,
              const std::function<std::unique_ptr<grpc::ClientAsyncResponseReader<Response>>(
                  grpc::ClientContext*)>& start,
              std::function<void(const Response&)> answered) {
    struct Attempt {
      std::unique_ptr<grpc::ClientContext> context;
      std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
      Response response;
      grpc::Status status;
      std::string token;
    };
    auto attempt = std::make_shared<Attempt>();
    attempt->token = call->anonymous ? std::string{} : token_;
    attempt->context = new_context(call->deadline, attempt->token);
    contexts_.push_back(attempt->context.get());
    attempt->reader = start(attempt->context.get());
    const auto ended = [this, call, endpoint, attempt, answered = std::move(answered)](bool) {
      if (is_wanted(call, endpoint, attempt->context.get(), attempt->status, attempt->token))
        answered(attempt->response);
    };
    attempt->reader->Finish(&attempt->response, &attempt->status, tag(ended));
  }

  Endpoint& endpoint(std::size_t i) { return endpoints_.at(i); }
  /// A connected member, the one that answered last if it can be.
  std::optional<std::size_t> ready() { return endpoints_.ready_from(preferred_); }
  void connect() { endpoints_.connect(); }
  const std::string& token() const { return token_; }
  grpc::CompletionQueue& queue() { return queue_; }
  void* tag(Completion completion);

 private:
  void run();
  bool is_over();
  void finish(void* tag, bool ok);
  void take_inbox();
  Clock::time_point next_timer() const;
  void run_timers();
  void attempt(const CallPtr& call);
  bool is_wanted(const CallPtr& call, std::size_t endpoint, grpc::ClientContext* context,
                 const grpc::Status& status, const std::string& token);
  void on_failure(const CallPtr& call, std::size_t endpoint, const grpc::Status& status,
                  const std::string& token);
  void fail(const CallPtr& call, Error error);
  void authenticate();
  void end_authentication(std::string token);

  const std::string user_;
  const std::string password_;
  const Duration hedge_after_;
  const Owner owner_;
  Endpoints endpoints_;
  std::size_t preferred_ = 0;  // the member that answered last
  std::vector<CallPtr> calls_;
  std::vector<grpc::ClientContext*> contexts_;
  Clock::time_point owners_timer_;
  std::string token_;
  bool is_open_ = false;  // etcd wants no token
  CallPtr authentication_;
  std::optional<Error> authentication_error_;
  Clock::time_point authenticate_again_;
  std::size_t completions_ = 0;  // operations on the queue
  bool cancelled_ = false;

  std::mutex mutex_;  // the next three, and the alarm
  std::vector<std::function<void()>> inbox_;
  bool stopping_ = false;
  bool waking_ = false;  // the alarm is set and has not come through

  int alarm_tag_ = 0;
  grpc::CompletionQueue queue_;
  grpc::Alarm alarm_;
  std::thread thread_;
};

}  // namespace holdfast::replication::etcd
