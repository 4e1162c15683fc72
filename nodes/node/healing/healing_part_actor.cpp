#include "nodes/node/healing/healing_part_actor.hpp"

#include "actors/agents/fleet/fleet_actor.hpp"
#include "nodes/node/healing/advice_desk_actor.hpp"
#include "nodes/node/healing/advisor_linux.hpp"
#include "nodes/node/healing/audit_files_linux.hpp"
#include "nodes/node/healing/audit_keeper_actor.hpp"
#include "nodes/node/healing/clock_linux.hpp"
#include "nodes/node/healing/measurer_actor.hpp"
#include "nodes/node/healing/mesh_word.hpp"
#include "nodes/node/orchestrator_part_actor.hpp"
#include "nodes/node/process_linux.hpp"
#include "nodes/node/remedies/remedy_executor_actor.hpp"
#include "nodes/node/setup_linux.hpp"
#include "nodes/node/telemetry/telemetry_part_actor.hpp"
#include "supervision/orchestrator/healing/healing_capnp.hpp"

namespace holdfast::node {

namespace healing = orchestrator::healing;
using orchestrator::HealingCommand;
using orchestrator::World;
using orchestrator::remediation::Ledger;

namespace {

constexpr const char* kParent = "healing";
constexpr Duration kMeshWithin = Duration::seconds(2);
/// What trading was like longer ago is not known any more.
constexpr Duration kTradingYoung = Duration::seconds(2);
/// A node that follows hears of a commit a little later than of the step.
constexpr Duration kStepLook = Duration::milliseconds(20);
constexpr int kStepLooks = 50;

std::string child_path(const char* child) {
  return std::string(kRootPath) + "/" + kParent + "/" + child;
}

policy::ClockQuality quality_of(const orchestrator::WallClock& clock) {
  if (clock.source == orchestrator::ClockSource::kUnknown) return policy::ClockQuality::kUnknown;
  return clock.source == orchestrator::ClockSource::kUnsynchronised
             ? policy::ClockQuality::kUnsynchronised
             : policy::ClockQuality::kSynchronised;
}

MonoTime mono_now() { return {std::chrono::steady_clock::now().time_since_epoch().count()}; }

/// The host of a member as a number: members of one host share processors and disks.
uint32_t host_of(const settings::ClusterSettings& cluster, const settings::ClusterMember& member) {
  uint32_t number = 0;
  for (const auto& other : cluster.members) {
    number += 1;
    if (other.replication.address == member.replication.address) return number;
  }
  return 0;
}

}  // namespace

/// What actors of several threads hold on to. Only the state is not constant: the hot loop's.
struct HealingPart::Shared : std::enable_shared_from_this<Shared> {
  explicit Shared(HealingParts given) : parts(std::move(given)), ledger(make_ledger()) {
    if (const auto* member = parts.settings.self()) self = member->id;
    policy = std::make_shared<const policy::Policy>(parts.settings.policy.policy);
    book = std::make_shared<const orchestrator::remediation::Book>(parts.settings.workflows);
    agents = std::make_shared<const agents::AgentSettings>(parts.settings.agents);
  }
  static std::shared_ptr<Ledger> make_ledger() { return std::make_shared<Ledger>(wall_now()); }

  /// Actions that no node of this release can carry out.
  static std::vector<ActionKind> without_means() {
    return {ActionKind::kRerouteOrders, ActionKind::kThrottle,     ActionKind::kScaleOut,
            ActionKind::kScaleIn,       ActionKind::kShrinkCache,  ActionKind::kSwitchEndpoint,
            ActionKind::kRestartNode,   ActionKind::kFlushStorage, ActionKind::kCompactStorage};
  }
  bool enabled() const { return parts.settings.node.healing.enabled; }
  void say_line(const std::string& line, bool alarm) const {
    say("healing: " + line + (alarm ? " ALARM" : ""));
  }

  // ---- ways

  template <typename Message>
  void tell(const char* child, Message&& message) const {
    if (const auto actor = parts.registry->find(child_path(child)))
      anon_send(actor, std::forward<Message>(message));
  }
  /// To this node's orchestrator, which brings it to whoever leads.
  void command(healing::Command what) const {
    if (const auto actor = parts.registry->find(kOrchestratorPath))
      anon_send(actor, HealingCommand{std::move(what)});
  }
  void send(const std::string& to, const std::string& topic, const std::string& bytes) const {
    if (const auto way = mesh.lock()) way->send(to, topic, bytes, kMeshWithin, [](bool) {});
  }
  std::string member_name(MemberId member) const {
    const auto* known = parts.settings.cluster ? parts.settings.cluster->find(member) : nullptr;
    return known ? known->name : std::string();
  }
  std::vector<std::string> others() const {
    std::vector<std::string> names;
    if (parts.settings.cluster)
      for (const auto& member : parts.settings.cluster->members)
        if (member.id != self) names.push_back(member.name);
    return names;
  }
  std::string forward(const std::string& bytes) const {
    const auto way = mesh.lock();
    if (!cluster || !way) return {};
    for (const auto& view : cluster->views().groups)
      if (view.group == orchestrator::kGroup && !view.leader.empty() &&
          view.leader != parts.settings.node.name && way->linked(view.leader)) {
        send(view.leader, kHealingTopic, bytes);
        return view.leader;
      }
    return {};
  }

  // ---- what this node knows; on the loop

  std::shared_ptr<const World> world() const {
    auto world = std::make_shared<World>();
    const auto way = mesh.lock();
    world->topology = topology_of(parts.settings, cluster);
    if (parts.settings.cluster)
      for (const auto& member : parts.settings.cluster->members) {
        orchestrator::MemberView view;
        view.id = member.id;
        view.name = telemetry::instance_of(member.name);
        view.host = host_of(*parts.settings.cluster, member);
        view.reachable = member.id == self || !way || way->linked(member.name);
        world->members.push_back(view);
      }
    for (const auto& venue : parts.settings.venues)
      world->venues[venue.entry.group] = telemetry::instance_of(venue.entry.name.str());
    const MonoTime since{parts.loop.now().ns - kTradingYoung.ns};
    world->open_orders = parts.trading->open_orders(since);
    // Without a calendar of its own a node knows that there is trading, never that there is none.
    for (const auto& [venue, up] : parts.trading->sessions(since))
      if (up) world->phase = policy::SessionPhase::kOpen;
    world->wall_clock = read_wall_clock();
    world->clock = quality_of(world->wall_clock);
    world->without_means = without_means();
    world->policy = policy;
    world->book = book;
    return world;
  }
  KnownStep known(const healing::ExecuteStep& step) const {
    KnownStep known;
    const healing::State* here = state ? state() : nullptr;
    if (!here) return known;
    known.killed = here->killed;
    const auto* remedy = here->remedies.find(step.id.remedy);
    if (!remedy) return known;
    for (const auto& record : remedy->steps) {
      if (record.id == step.id) known.intended = record.intended;
      if (step.voids && record.id == *step.voids) known.voided_intended = record.intended;
    }
    return known;
  }

  // ---- effects of commits; on the loop

  void carry_out(const healing::Effect& effect, const std::shared_ptr<const World>& world,
                 Epoch epoch) {
    if (const auto* ask = std::get_if<healing::AskAdvice>(&effect))
      return tell("advice", AskOrder{*ask, world});
    if (const auto* measure = std::get_if<healing::Measure>(&effect))
      return tell("measurer", MeasureOrder{*measure, world});
    if (const auto* step = std::get_if<healing::ExecuteStep>(&effect)) {
      if (!step->executor || step->executor == self) return bring({*step, epoch}, kStepLooks);
      return send(member_name(step->executor), kRemedyStepTopic,
                  healing::encode_step({*step, epoch}));
    }
    const auto& note = std::get<healing::Note>(effect);
    if (note.kind == healing::NoteKind::kOutcome) learn(note.remedy);
    const healing::State* here = state ? state() : nullptr;
    keep({note}, here ? here->last_note : 0, true);
  }
  void keep(std::vector<healing::Note> notes, uint64_t last, bool leads) const {
    tell("audit", KeepNotes{std::make_shared<const std::vector<healing::Note>>(std::move(notes)),
                            last, leads});
  }
  void learn(uint64_t number) const {
    const healing::State* here = state ? state() : nullptr;
    const auto* remedy = here ? here->remedies.find(number) : nullptr;
    if (!remedy) return;
    if (const auto* incident = here->incidents.find(remedy->incident))
      tell("advice", CaseOver{*incident, remedy->proposal.action.kind, remedy->outcome});
  }
  /// To the executor of this node, once its own copy of the state knows the step.
  void bring(const StepOrder& order, int looks) {
    if (known(order.step).intended || looks == 0) return tell("remedies", order);
    parts.loop.at(parts.loop.now() + kStepLook, [self = weak_from_this(), order, looks] {
      if (const auto shared = self.lock()) shared->bring(order, looks - 1);
    });
  }

  // ---- children

  agents::FleetSetup fleet() const {
    agents::FleetSetup setup;
    setup.settings = agents;
    setup.sink = [shared = shared_from_this()](std::vector<Finding> findings) {
      for (auto& finding : findings) shared->command({healing::Report{std::move(finding)}, {}});
    };
    setup.telemetry = [registry = parts.registry] { return registry->find(kTelemetryPath); };
    setup.precedents = advised_by.look_up();
    setup.mono = mono_now;
    setup.wall = wall_now;
    return setup;
  }
  AdviceDeskSetup advice() const {
    AdviceDeskSetup setup;
    setup.advisor = advised_by.advisor;
    setup.precedents = advised_by.precedents;
    setup.wall = wall_now;
    setup.answer = [shared = shared_from_this()](uint64_t ask, std::vector<Proposal> proposals) {
      shared->command({healing::AdviceArrived{ask, std::move(proposals)}, {}});
    };
    setup.say = [shared = shared_from_this()](const std::string& line, bool alarm) {
      shared->say_line(line, alarm);
    };
    return setup;
  }
  MeasurerSetup measurer() const {
    MeasurerSetup setup;
    setup.self = self;
    setup.name_of = [shared = shared_from_this()](MemberId member) {
      return shared->member_name(member);
    };
    setup.member_of = [shared = shared_from_this()](const std::string& name) {
      const auto& cluster = shared->parts.settings.cluster;
      const auto* member = cluster ? cluster->find(name) : nullptr;
      return member ? member->id : MemberId{};
    };
    setup.telemetry = [registry = parts.registry] { return registry->find(kTelemetryPath); };
    setup.send = [shared = shared_from_this()](const std::string& to, const std::string& topic,
                                               const std::string& bytes) {
      shared->send(to, topic, bytes);
    };
    setup.answer = [shared = shared_from_this()](uint64_t remedy, uint32_t round,
                                                 orchestrator::remediation::Values values) {
      shared->command({healing::Measured{remedy, round, std::move(values)}, {}});
    };
    setup.say = [shared = shared_from_this()](const std::string& line, bool alarm) {
      shared->say_line(line, alarm);
    };
    setup.wall = wall_now;
    return setup;
  }
  AuditKeeperSetup audit() const {
    AuditKeeperSetup setup;
    // The actor tells a human of a log that can't be had, and goes on without.
    const auto files = audit_files(parts.settings);
    setup.log = files.log;
    setup.redaction = files.redaction;
    if (!files.trouble.empty())
      setup.open = [why = files.trouble](
                       const audit::AuditSettings&) -> Result<std::shared_ptr<audit::AuditLog>> {
        return Error{ErrorCode::kDenied, why};
      };
    setup.others = others();
    setup.send = [shared = shared_from_this()](const std::string& to, const std::string& topic,
                                               const std::string& bytes) {
      shared->send(to, topic, bytes);
    };
    setup.durable = [shared = shared_from_this()](uint64_t upto) {
      shared->command({healing::NotesWritten{upto}, {}});
    };
    setup.say = [shared = shared_from_this()](const std::string& line, bool alarm) {
      shared->say_line(line, alarm);
    };
    setup.mono = mono_now;
    return setup;
  }
  RemedyExecutorSetup remedies() {
    RemedyExecutorSetup setup;
    setup.self = self;
    setup.wall = wall_now;
    setup.ledger = ledger;
    setup.known = [shared = shared_from_this()](const healing::ExecuteStep& step) {
      return shared->known(step);
    };
    setup.answer = [shared = shared_from_this()](const healing::StepResult& result) {
      shared->command({result, {}});
    };
    setup.say = [shared = shared_from_this()](const std::string& line, bool alarm) {
      shared->say_line(line, alarm);
    };
    setup.root = parts.root;
    setup.path_of = [shared = shared_from_this()](GroupId group) -> std::string {
      const auto& settings = shared->parts.settings;
      for (uint32_t shard = 0; shard < settings.node.shards; ++shard)
        if (shard_group(shard) == group) return shard_path(shard);
      for (const auto& venue : settings.venues)
        if (venue.entry.group == group) return gateway_path(venue.entry.name);
      return group == orchestrator::kGroup ? kOrchestratorPath : "";
    };
    setup.gateway = [shared = shared_from_this()](const std::string& name) -> ActorHandle {
      const auto& p = shared->parts;
      for (const auto& venue : p.settings.venues)
        if (venue.entry.name.view() == name &&
            (!shared->cluster || shared->cluster->leads(venue.entry.group)))
          return p.registry->find(gateway_path(venue.entry.name));
      return nullptr;
    };
    if (cluster) {
      setup.hand_over = hand_over_means(parts.settings, *cluster);
      setup.topology = [shared = shared_from_this()] {
        return topology_of(shared->parts.settings, shared->cluster);
      };
      setup.take_over = [shared = shared_from_this()](GroupId group) {
        return shared->cluster->cut_over(group, shared->parts.settings.node.name);
      };
    }
    return setup;
  }

  HealingParts parts;
  ClusterPart* cluster = nullptr;  // null: a node by itself
  std::weak_ptr<Mesh> mesh;
  MemberId self;
  std::shared_ptr<Ledger> ledger;
  std::shared_ptr<const policy::Policy> policy;
  std::shared_ptr<const orchestrator::remediation::Book> book;
  std::shared_ptr<const agents::AgentSettings> agents;
  AdviceMeans advised_by;
  std::function<const healing::State*()> state;  // the orchestrator's, while it is there
};

HealingPart::HealingPart(HealingParts parts)
    : shared_(std::make_shared<Shared>(std::move(parts))) {}
HealingPart::~HealingPart() = default;

void HealingPart::join(ClusterPart& cluster, std::weak_ptr<Mesh> mesh) {
  shared_->cluster = &cluster;
  shared_->mesh = std::move(mesh);
}

std::optional<orchestrator::HealingMeans> HealingPart::means() {
  if (!shared_->enabled()) return std::nullopt;
  orchestrator::HealingMeans means;
  means.world = [shared = shared_] { return shared->world(); };
  means.carry_out = [shared = shared_](const healing::Effect& effect,
                                       const std::shared_ptr<const World>& world,
                                       Epoch epoch) { shared->carry_out(effect, world, epoch); };
  means.forward = [shared = shared_](const std::string& bytes) { return shared->forward(bytes); };
  means.keep_notes = [shared = shared_](const std::deque<healing::Note>& notes, uint64_t last) {
    shared->keep({notes.begin(), notes.end()}, last, false);
  };
  means.expose = [shared = shared_](std::function<const healing::State*()> state) {
    shared->state = std::move(state);
  };
  return means;
}

std::vector<ChildDefinition> HealingPart::children() {
  if (!shared_->enabled()) return {};
  Shared& shared = *shared_;
  const auto says = [self = shared_](const std::string& line, bool alarm) {
    self->say_line(line, alarm);
  };
  shared.advised_by = make_advice_means(shared.parts.settings, {mono_now, wall_now}, says);
  SupervisorSetup tree;
  // Gives up late: the loop would rather limp than be gone.
  tree.spec.intensity = {20, Duration::seconds(60)};
  tree.children.push_back(audit_child(shared.audit()));
  tree.children.push_back(advice_child(shared.advice()));
  tree.children.push_back(measurer_child(shared.measurer()));
  tree.children.push_back(
      {{.id = "remedies"}, [self = shared_](const ChildContext& context) -> ActorHandle {
         return spawn_on<RemedyExecutorActor>(context.system, self->parts.loop, self->remedies());
       }});
  tree.children.push_back(agents::agents_child("agents", shared.fleet()));
  std::vector<ChildDefinition> children;
  children.push_back(supervisor_child(kParent, std::move(tree)));
  return children;
}

bool HealingPart::take(const std::string& from, const std::string& topic,
                       const std::string& bytes) {
  const Shared& shared = *shared_;
  if (topic == kHealingTopic) {
    if (const auto actor = shared.parts.registry->find(kOrchestratorPath))
      anon_send(actor, orchestrator::ForwardedHealing{bytes});
    return true;
  }
  if (topic == kRemedyStepTopic) {
    auto step = healing::decode_step(bytes);
    if (!step) {
      shared.say_line("a step from " + from + " can't be read: " + step.error().text, true);
      return true;
    }
    shared.parts.loop.post([self = shared_, sent = std::move(step).value()] {
      self->bring({sent.step, sent.epoch}, kStepLooks);
    });
    return true;
  }
  const char* child = topic.starts_with(kAuditTopics)     ? "audit"
                      : topic.starts_with(kMeasureTopics) ? "measurer"
                                                          : nullptr;
  if (child) shared.tell(child, MeshWord{from, topic, bytes});
  return child != nullptr;
}

}  // namespace holdfast::node
