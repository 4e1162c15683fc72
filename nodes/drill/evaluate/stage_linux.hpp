// What the cases of one group happen on: three fresh nodes and their simulated exchange, order
// flow, a feed handler, an HTTP endpoint, and a scripted model where one is asked for. Starts them,
// and ends them all, however it goes.
#pragma once

#include <functional>

#include "nodes/drill/evaluate/inject_linux.hpp"
#include "nodes/drill/evaluate/report.hpp"

namespace holdfast::drill::evaluate {

struct StageOptions {
  ClusterOptions cluster;         // ways and faults are set as the cases need them
  std::string config = "config";  // what the cluster's templates lack is taken from there
  std::vector<Case> cases;
  std::string script;  // of a model, as holdfast-model takes it; "": the nodes have none
  uint32_t rate = 300;
  uint64_t seed = 1;
  std::function<bool()> interrupted;
  std::function<void(const std::string&)> problem;  // what is wrong, and ends nothing
};

class Stage {
 public:
  /// Everything runs and the members are settled; no flow yet. An error: it could not begin.
  static Result<std::unique_ptr<Stage>> start(const StageOptions& options);
  ~Stage();

  Cluster& cluster() { return *cluster_; }
  Injector& injector() { return *injector_; }
  Door door(const Node& node) const;

  Result<> start_flow();
  /// Ends it and gives its own verdict by key; none when it has none, with a problem said.
  std::map<std::string, uint64_t> end_flow();
  /// After the flow's end. Quiet is what was due between these.
  OrderTimes order_times(MonoTime quiet_from, MonoTime quiet_until) const;
  /// Ends the nodes in order, so that what they write is whole.
  void stop_nodes();

 private:
  explicit Stage(const StageOptions& options);
  Result<> start_all();
  Result<> start_model();
  Result<> make_templates();
  Result<> settle();
  void start_feed();
  Command load_command(const std::string& name, uint32_t rate) const;
  bool interrupted() const { return options_.interrupted && options_.interrupted(); }

  StageOptions options_;
  std::string scene_;  // a folder beside the cluster's
  uint16_t model_port_ = 0;
  Process model_, load_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<FeedHandler> feed_;
  std::unique_ptr<Injector> injector_;
  uint32_t more_flows_ = 0;
};

}  // namespace holdfast::drill::evaluate
