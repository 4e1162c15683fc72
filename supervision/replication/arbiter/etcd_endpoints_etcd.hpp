// The members of an etcd cluster as we reach them: one connection each, kept up by itself, with
// TLS if configured, and the small pieces that every remote call needs. Which member is asked what
// is the arbiter's business.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "supervision/replication/arbiter/etcd_etcd.hpp"
#include "supervision/replication/arbiter/schema/etcd.grpc.pb.h"

namespace holdfast::replication::etcd {

namespace pb = etcdserverpb;
using Clock = std::chrono::steady_clock;

/// What runs when an operation on the completion queue has ended; its address is the tag.
using Completion = std::function<void(bool ok)>;

struct Endpoint {
  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  decltype(pb::KV::NewStub(nullptr)) kv;
  decltype(pb::Watch::NewStub(nullptr)) watch;
  decltype(pb::Auth::NewStub(nullptr)) auth;
};

class Endpoints {
 public:
  /// kInvalid, kNotFound: see open_etcd_arbiter.
  static Result<Endpoints> open(const EtcdSettings& settings);

  std::size_t size() const { return list_.size(); }
  Endpoint& at(std::size_t i) { return list_[i]; }
  /// Makes those connect that are not connected, whenever their back-off allows.
  void connect();
  /// The first connected one from `start` on, around the circle.
  std::optional<std::size_t> ready_from(std::size_t start);

 private:
  std::vector<Endpoint> list_;
};

/// A context of a call with a deadline on the monotonic clock, and the token if there is one.
std::unique_ptr<grpc::ClientContext> new_context(std::optional<Clock::time_point> deadline,
                                                 const std::string& token);
/// The same deadline for a completion queue.
gpr_timespec to_gpr(Clock::time_point t);

}  // namespace holdfast::replication::etcd
