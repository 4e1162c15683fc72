#include "actors/ingress/client/request_book.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::client {

uint64_t RequestBook::add(RequestBody body, OnAnswer on_answer) {
  const uint64_t number = ++last_;
  entries_.emplace(number, Entry{std::move(body), std::move(on_answer), State::kQueued, 0});
  queue_.push_back(number);
  return number;
}

const std::vector<uint64_t>& RequestBook::take(std::size_t most) {
  taken_.clear();
  while (!queue_.empty() && taken_.size() < most) {
    const uint64_t number = queue_.front();
    queue_.pop_front();
    Entry& entry = entries_.at(number);
    entry.state = State::kSent;
    entry.takes += 1;
    sent_ += 1;
    taken_.push_back(number);
  }
  return taken_;
}

const RequestBody& RequestBook::body(uint64_t number) const { return entries_.at(number).body; }

bool RequestBook::under_way(uint64_t number) const {
  const auto found = entries_.find(number);
  return found != entries_.end() && found->second.state == State::kSent;
}

bool RequestBook::sent_before(uint64_t number) const { return entries_.at(number).takes > 1; }

OnAnswer RequestBook::finish(uint64_t number) {
  const auto found = entries_.find(number);
  CHECK(found != entries_.end());
  CHECK(found->second.state == State::kSent);
  OnAnswer on_answer = std::move(found->second.on_answer);
  entries_.erase(found);
  sent_ -= 1;
  return on_answer;
}

void RequestBook::ask_again(uint64_t number, MonoTime when) {
  Entry& entry = entries_.at(number);
  CHECK(entry.state == State::kSent);
  entry.state = State::kPutOff;
  sent_ -= 1;
  // Kept in order of time; nearly always at the end.
  auto at = put_off_.end();
  while (at != put_off_.begin() && std::prev(at)->first > when) --at;
  put_off_.emplace(at, when, number);
}

void RequestBook::wake(MonoTime now) {
  while (!put_off_.empty() && put_off_.front().first <= now) {
    const uint64_t number = put_off_.front().second;
    put_off_.pop_front();
    entries_.at(number).state = State::kQueued;
    queue_.push_back(number);
  }
}

std::optional<MonoTime> RequestBook::next_wake() const {
  if (put_off_.empty()) return std::nullopt;
  return put_off_.front().first;
}

void RequestBook::requeue() {
  put_off_.clear();
  queue_.clear();
  for (auto& [number, entry] : entries_) {
    entry.state = State::kQueued;
    queue_.push_back(number);
  }
  std::sort(queue_.begin(), queue_.end());
  sent_ = 0;
}

std::vector<OnAnswer> RequestBook::clear() {
  requeue();
  std::vector<OnAnswer> callbacks;
  for (const uint64_t number : queue_)
    callbacks.push_back(std::move(entries_.at(number).on_answer));
  entries_.clear();
  queue_.clear();
  return callbacks;
}

}  // namespace holdfast::client
