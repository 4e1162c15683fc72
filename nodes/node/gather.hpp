// Gather: answers of several actors become one, when all are there or were given up.
// Single-threaded: lives in the callbacks of one actor's requests.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "messages/result.hpp"

namespace holdfast::node {

/// What one of those asked came to.
template <typename T>
struct Gathered {
  std::string name;
  Result<T> answer = Error{ErrorCode::kUnavailable, "did not answer in time"};
};

/// Counts answers down; `done` is called once, with all of them in the order asked.
template <typename T>
class Gather {
 public:
  using Done = std::function<void(std::vector<Gathered<T>>)>;

  /// A gather of `names.size()` answers; for none `done` is called at once.
  static std::shared_ptr<Gather> make(std::vector<std::string> names, Done done) {
    auto gather = std::shared_ptr<Gather>(new Gather(std::move(names), std::move(done)));
    if (gather->left_ == 0) gather->done_({});
    return gather;
  }
  /// The answer of number `n`. Later ones for the same number are ignored.
  void put(std::size_t n, Result<T> answer) {
    if (answered_[n]) return;
    answered_[n] = true;
    parts_[n].answer = std::move(answer);
    if (--left_ == 0) done_(std::move(parts_));
  }

 private:
  Gather(std::vector<std::string> names, Done done) : done_(std::move(done)), left_(names.size()) {
    for (auto& name : names) parts_.push_back({std::move(name)});
    answered_.resize(parts_.size());
  }
  Done done_;
  std::vector<Gathered<T>> parts_;
  std::vector<bool> answered_;
  std::size_t left_;
};

}  // namespace holdfast::node
