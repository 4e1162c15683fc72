#include "supervision/replication/arbiter/etcd_calls_etcd.hpp"

#include <algorithm>

namespace holdfast::replication::etcd {

namespace {
constexpr auto kConnectPause = std::chrono::milliseconds(2);     // nobody is connected: look again
constexpr auto kRetryPause = std::chrono::milliseconds(10);      // all have been asked in vain
constexpr auto kAuthenticateDeadline = std::chrono::seconds(2);  // etcd hashes slowly by intent
constexpr auto kAuthenticatePause = std::chrono::seconds(1);     // after a refusal
constexpr auto kIdle = std::chrono::seconds(1);

Clock::duration span(Duration d) { return std::chrono::nanoseconds(d.ns); }

/// Whether a call that ended so may have taken effect, or may still.
bool is_silent(grpc::StatusCode code) {
  switch (code) {
    case grpc::UNAVAILABLE:
    case grpc::DEADLINE_EXCEEDED:
    case grpc::UNKNOWN:
    case grpc::INTERNAL:
    case grpc::CANCELLED:
    case grpc::ABORTED:
      return true;
    default:
      return false;
  }
}

/// Whether another attempt, elsewhere or later, may go better.
bool is_passing(grpc::StatusCode code) {
  return is_silent(code) || code == grpc::RESOURCE_EXHAUSTED || code == grpc::UNAUTHENTICATED;
}
}  // namespace

Calls::Calls(Endpoints endpoints, const EtcdSettings& settings, Owner owner)
    : user_(settings.user),
      password_(settings.password),
      hedge_after_(settings.hedge_after),
      owner_(std::move(owner)),
      endpoints_(std::move(endpoints)) {}

Calls::~Calls() { CHECK(!thread_.joinable()); }

void Calls::start() {
  thread_ = std::thread([this] { run(); });
}

void Calls::stop() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  post([] {});
  thread_.join();
}

void Calls::post(std::function<void()> work) {
  const std::lock_guard hold(mutex_);
  inbox_.push_back(std::move(work));
  if (!std::exchange(waking_, true)) alarm_.Set(&queue_, gpr_now(GPR_CLOCK_MONOTONIC), &alarm_tag_);
}

// ---- the thread

void Calls::run() {
  endpoints_.connect();
  if (!user_.empty()) authenticate();
  while (!is_over()) {
    void* tag = nullptr;
    bool ok = false;
    const auto event = queue_.AsyncNext(&tag, &ok, to_gpr(next_timer()));
    if (event == grpc::CompletionQueue::GOT_EVENT) finish(tag, ok);
    take_inbox();
    run_timers();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) finish(tag, ok);
}

/// Stopping, and nothing is under way any more.
bool Calls::is_over() {
  const std::lock_guard hold(mutex_);
  if (!stopping_) return false;
  if (!std::exchange(cancelled_, true)) {
    calls_.clear();
    owner_.stopped();
    for (auto* context : contexts_) context->TryCancel();
  }
  return completions_ == 0 && !waking_;
}

void* Calls::tag(Completion completion) {
  ++completions_;
  return new Completion(std::move(completion));
}

void Calls::finish(void* tag, bool ok) {
  if (tag == &alarm_tag_) {
    const std::lock_guard hold(mutex_);
    waking_ = false;
    return;
  }
  --completions_;
  const std::unique_ptr<Completion> completion(static_cast<Completion*>(tag));
  (*completion)(ok);
}

void Calls::take_inbox() {
  std::vector<std::function<void()>> inbox;
  {
    const std::lock_guard hold(mutex_);
    inbox.swap(inbox_);
  }
  if (cancelled_) return;
  for (const auto& work : inbox) work();
}

Clock::time_point Calls::next_timer() const {
  if (cancelled_) return Clock::now() + kIdle;
  auto next = owners_timer_;
  for (const auto& call : calls_) next = std::min({next, call->deadline, call->next_try});
  return next;
}

void Calls::run_timers() {
  if (cancelled_) return;
  const auto now = Clock::now();
  const std::vector<CallPtr> calls = calls_;
  for (const auto& call : calls) {
    if (call->done) continue;
    if (now >= call->deadline)
      fail(call, {ErrorCode::kUnavailable, "no answer in time: " + call->obstacle});
    else if (now >= call->next_try)
      attempt(call);
  }
  owners_timer_ = owner_.timers();
}

// ---- a call: attempts at one member after the other until one answers

void Calls::begin(CallPtr call) {
  calls_.push_back(call);
  attempt(call);
}

void Calls::done(const CallPtr& call) {
  call->done = true;
  std::erase(calls_, call);
}

void Calls::attempt(const CallPtr& call) {
  const auto now = Clock::now();
  if (!user_.empty() && token_.empty() && !is_open_ && !call->anonymous) {
    if (authentication_error_ && now < authenticate_again_)
      return fail(call, *authentication_error_);
    authenticate();
    call->obstacle = "not yet authenticated";
    call->next_try = now + kConnectPause;
    return;
  }
  const auto at = endpoints_.ready_from(call->tries == 0 ? preferred_ : call->last_endpoint + 1);
  if (!at) {
    if (call->under_way == 0) call->obstacle = "no endpoint is connected";
    call->next_try = now + kConnectPause;
    return;
  }
  ++call->tries;
  ++call->under_way;
  call->last_endpoint = *at;
  // To check a password is dear for etcd: never twice at once.
  call->next_try = call->anonymous ? call->deadline : now + span(hedge_after_);
  call->obstacle = endpoints_.at(*at).address + " does not answer";
  call->send(*at);
}

/// Books the end of an attempt; true if there is an answer and the call waits for one.
bool Calls::is_wanted(const CallPtr& call, std::size_t endpoint, grpc::ClientContext* context,
                      const grpc::Status& status, const std::string& token) {
  std::erase(contexts_, context);
  --call->under_way;
  if (cancelled_) return false;
  if (status.ok()) {
    preferred_ = endpoint;
    owner_.contact(endpoints_.at(endpoint).address);
  }
  if (call->done) {
    owner_.late();
    return false;
  }
  if (!status.ok()) on_failure(call, endpoint, status, token);
  return status.ok();
}

void Calls::on_failure(const CallPtr& call, std::size_t endpoint, const grpc::Status& status,
                       const std::string& token) {
  const auto code = status.error_code();
  call->obstacle = endpoints_.at(endpoint).address + ": " + status.error_message();
  if (call->writes && is_silent(code)) call->maybe_written = true;
  if (call == authentication_ && code == grpc::FAILED_PRECONDITION) {
    is_open_ = true;  // it runs without authentication, for now
    return end_authentication({});
  }
  // What is sent without a user's name is an invalid argument to etcd.
  const bool stranger = code == grpc::UNAUTHENTICATED || code == grpc::INVALID_ARGUMENT;
  if (stranger && !user_.empty() && !call->anonymous) {
    // Unless another has been fetched since this attempt went out.
    if (token == token_) {
      token_.clear();
      is_open_ = false;
    }
  } else if (!is_passing(code)) {
    const bool denied = stranger || code == grpc::PERMISSION_DENIED;
    return fail(call, {denied ? ErrorCode::kDenied : ErrorCode::kIo, call->obstacle});
  }
  if (preferred_ == endpoint) preferred_ = (endpoint + 1) % endpoints_.size();
  // The next one at once; when all have been asked, after a pause.
  if (call->under_way > 0) return;
  const bool all = call->tries % static_cast<int>(endpoints_.size()) == 0;
  call->next_try = Clock::now() + (all ? Clock::duration(kRetryPause) : Clock::duration::zero());
}

void Calls::fail(const CallPtr& call, Error error) {
  owner_.trouble(error);
  call->failed(std::move(error));
}

// ---- authentication

void Calls::authenticate() {
  if (authentication_) return;
  auto call = std::make_shared<Call>();
  authentication_ = call;
  call->anonymous = true;
  call->deadline = Clock::now() + kAuthenticateDeadline;
  call->send = [this, weak = std::weak_ptr(call)](std::size_t at) {
    pb::AuthenticateRequest request;
    request.set_name(user_);
    request.set_password(password_);
    remote<pb::AuthenticateResponse>(
        weak.lock(), at,
        [&](auto* context) {
          return endpoint(at).auth->AsyncAuthenticate(context, request, &queue_);
        },
        [this](const pb::AuthenticateResponse& response) {
          authentication_error_.reset();
          end_authentication(response.token());
        });
  };
  call->failed = [this](Error error) {
    authentication_error_ = std::move(error);
    authenticate_again_ = Clock::now() + kAuthenticatePause;
    end_authentication({});
  };
  begin(call);
}

void Calls::end_authentication(std::string token) {
  token_ = std::move(token);
  done(std::exchange(authentication_, nullptr));
}

}  // namespace holdfast::replication::etcd
