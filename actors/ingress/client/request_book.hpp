// RequestBook: the requests that a client has made and that are not answered yet, and which of them
// are to be sent next. Pure: it survives connections, so after a lost one everything that was under
// way is queued again in the order in which it was made.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "messages/order_entry.hpp"

namespace holdfast::client {

/// An outcome as a client hears it; the ticket of the reply is zero.
struct Answer {
  OrderReply reply;
  uint32_t credits_left = 0;
};

using RequestBody = decltype(OrderRequest::body);
using OnAnswer = std::function<void(const Answer&)>;

class RequestBook {
 public:
  /// Queues a request; returns its number, which grows.
  uint64_t add(RequestBody body, OnAnswer on_answer);
  /// Moves up to `most` requests from the queue to under way; their numbers, in order. Valid until
  /// the next call.
  const std::vector<uint64_t>& take(std::size_t most);
  /// The request of a number that `take` gave and that is not answered.
  const RequestBody& body(uint64_t number) const;
  /// True while the request waits for an answer of the present connection.
  bool under_way(uint64_t number) const;
  /// Whether this request was sent before, by an earlier `take`.
  bool sent_before(uint64_t number) const;
  /// Takes the request off the book: the callback that is to hear the answer.
  OnAnswer finish(uint64_t number);
  /// Queues a request under way again, at `when` or later.
  void ask_again(uint64_t number, MonoTime when);
  /// Moves to the queue what `ask_again` has put off until now.
  void wake(MonoTime now);
  std::optional<MonoTime> next_wake() const;
  /// The connection is lost: everything is queued again.
  void requeue();
  /// Takes everything off the book.
  std::vector<OnAnswer> clear();

  std::size_t size() const { return entries_.size(); }
  std::size_t queued() const { return queue_.size(); }
  std::size_t sent() const { return sent_; }  // under way

 private:
  enum class State : uint8_t { kQueued, kSent, kPutOff };
  struct Entry {
    RequestBody body;
    OnAnswer on_answer;
    State state = State::kQueued;
    uint32_t takes = 0;
  };
  std::unordered_map<uint64_t, Entry> entries_;
  std::deque<uint64_t> queue_;
  std::deque<std::pair<MonoTime, uint64_t>> put_off_;
  std::vector<uint64_t> taken_;
  uint64_t last_ = 0;
  std::size_t sent_ = 0;
};

}  // namespace holdfast::client
