// One watch stream on a range of keys at one etcd member, from a revision on until it ends. It says
// what changed and when it ended; whoever owns it reads again and starts the next one elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "supervision/replication/arbiter/etcd_endpoints_etcd.hpp"

namespace holdfast::replication::etcd {

/// Lives on the completion queue's thread, and through its shared_ptr as long as an operation of it
/// is under way.
class WatchStream : public std::enable_shared_from_this<WatchStream> {
 public:
  struct Owner {
    std::function<void*(Completion)> tag;          // a new tag of the completion queue
    std::function<void(const pb::KeyValue&)> put;  // a key has a new value
    std::function<void(std::string why)> ended;    // once; nothing is told after it
  };

  WatchStream(Owner owner, std::string key, std::string range_end, int64_t from_revision)
      : owner_(std::move(owner)),
        key_(std::move(key)),
        range_end_(std::move(range_end)),
        from_revision_(from_revision) {}

  void start(Endpoint& endpoint, grpc::CompletionQueue& queue, const std::string& token);
  /// Asks the member for a sign of life, unless one is being asked for.
  void ping();
  /// When the member was last heard.
  Clock::time_point heard() const { return heard_; }
  /// Ends it; ended() is not called.
  void cancel();

 private:
  void on_started(bool ok);
  void on_written(bool ok);
  void read_next();
  void on_read(bool ok);
  void finish();
  void end(std::string why);

  Owner owner_;
  const std::string key_;
  const std::string range_end_;
  const int64_t from_revision_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<pb::WatchRequest, pb::WatchResponse>> stream_;
  pb::WatchResponse response_;
  grpc::Status status_;
  std::string why_;  // ours, if the member does not say
  Clock::time_point heard_;
  bool writing_ = false;
  bool ended_ = false;
};

}  // namespace holdfast::replication::etcd
