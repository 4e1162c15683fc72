#include "actors/ingress/kj_guest_capnp.hpp"

#include <algorithm>
#include <utility>

#include "messages/check.hpp"

namespace holdfast::ingress {

namespace {
/// Promises that run before sockets and actors get their turn again.
constexpr unsigned kStepsPerRun = 4'096;
}  // namespace

/// What stands in the loop's queue. It outlives its guest while it is queued.
class KjGuest::Pump final : public Runnable, public std::enable_shared_from_this<Pump> {
 public:
  explicit Pump(KjGuest* guest) : guest_(guest) {}
  void push(EventLoop& loop) {
    if (queued_) return;
    queued_ = shared_from_this();
    loop.run_queue()->push(this);
  }
  bool run() override {
    if (guest_ != nullptr && guest_->run_some()) return true;
    drop();
    return false;
  }
  void drop() override {
    const auto last =
        std::exchange(queued_, nullptr);  // may be the last reference: goes at the end
  }
  void leave() { guest_ = nullptr; }

 private:
  KjGuest* guest_;
  std::shared_ptr<Pump> queued_;
};

KjGuest::KjGuest(EventLoop& loop)
    : loop_(loop),
      pump_(std::make_shared<Pump>(this)),
      alive_(std::make_shared<bool>(true)),
      promises_(static_cast<kj::EventPort&>(*this)),
      scope_(promises_) {}

KjGuest::~KjGuest() noexcept {
  wind_down();
  scope_.cancelAllDetached();
  wind_down();
  pump_->leave();
}

void KjGuest::wind_down() {
  winding_down_ = true;  // the loop may be closed already and take nothing more
  dirty_.clear();
  promises_.run();
}

bool KjGuest::wait() { check_failed("nobody waits on the hot loop's thread", __FILE__, __LINE__); }
bool KjGuest::poll() { return false; }

void KjGuest::setRunnable(bool runnable) {
  if (runnable) pump_->push(loop_);
}

bool KjGuest::run_some() {
  promises_.run(kStepsPerRun);
  return promises_.isRunnable();
}

void KjGuest::watch(int fd, uint32_t events, Ready ready) {
  loop_.add_fd(fd, events, std::move(ready));
}
void KjGuest::rewatch(int fd, uint32_t events) { loop_.modify_fd(fd, events); }
void KjGuest::unwatch(int fd) { loop_.remove_fd(fd); }

void KjGuest::flush_later(client::Flushable* what) {
  if (winding_down_) return;
  dirty_.push_back(what);
  if (std::exchange(flush_deferred_, true)) return;
  // Orders reach their venue before their clients are told that they were taken.
  loop_.defer_last([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) flush_all();
  });
}

void KjGuest::forget(client::Flushable* what) { std::erase(dirty_, what); }

void KjGuest::flush_all() {
  flush_deferred_ = false;
  // A flush may end a connection, and that one may forget others.
  while (!dirty_.empty()) {
    auto* what = dirty_.back();
    dirty_.pop_back();
    what->flush();
  }
}

}  // namespace holdfast::ingress
