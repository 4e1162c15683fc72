#include "nodes/node/healing/measurer_actor.hpp"

#include <algorithm>

#include "actors/telemetry/readings.hpp"
#include "nodes/node/healing/measure_words_capnp.hpp"
#include "supervision/runtime/telemetry_messages.hpp"

namespace holdfast::node {

namespace {
// Looks at telemetry: it reads ten times a second, so what came after the question is there soon.
constexpr Duration kFirstLook = Duration::milliseconds(120);
constexpr Duration kLookAgain = Duration::milliseconds(100);
// The last look leaves the answer time to be on its way: it ends 820 ms after the question.
constexpr uint32_t kLooksMax = 7;
constexpr Deadline kTelemetry{"telemetry for the measurer", Duration::milliseconds(100)};
static_assert(kFirstLook.ns + (kLooksMax - 1) * kLookAgain.ns + kTelemetry.after.ns <
              kMeasureGather.ns);

struct GatherOver {
  uint64_t remedy = 0;
  uint32_t round = 0;
  uint64_t number = 0;
};
struct LookNow {
  std::function<void()> look;
};
}  // namespace
}  // namespace holdfast::node
HOLDFAST_LOCAL_MESSAGE(holdfast::node::GatherOver)
HOLDFAST_LOCAL_MESSAGE(holdfast::node::LookNow)
namespace holdfast::node {

MeasurerActor::MeasurerActor(ActorConfig& config, std::shared_ptr<const MeasurerSetup> setup)
    : PoolActor(config),
      setup_(std::move(setup)),
      // An answer to the measurer before this one is none to this one's questions.
      last_number_(static_cast<uint64_t>(setup_->wall().ns)) {}
MeasurerActor::~MeasurerActor() = default;

Behavior MeasurerActor::make_behavior() {
  return {
      [this](const MeasureOrder& order) { take(order); },
      [this](const MeshWord& word) { hear(word); },
      [this](const LookNow& due) { due.look(); },
      [this](const GatherOver& over) {
        const auto open = open_.find({over.remedy, over.round});
        if (open != open_.end() && open->second.number == over.number)
          finish(open->first, "no answer within a second of");
      },
  };
}

std::string MeasurerActor::detail() const {
  return std::to_string(measured_) + " measured, " + std::to_string(open_.size()) + " open, " +
         std::to_string(unanswered_) + " unanswered, " + std::to_string(answered_others_) +
         " answered to others, " + std::to_string(late_) + " late, " + std::to_string(ignored_) +
         " words ignored";
}

// ---- what the core wants

void MeasurerActor::take(const MeasureOrder& order) {
  const Key key{order.measure.remedy, order.measure.round};
  if (open_.contains(key)) return;
  if (open_.size() >= kMeasuresOpenMax) {
    const auto oldest = std::min_element(
        open_.begin(), open_.end(),
        [](const auto& a, const auto& b) { return a.second.number < b.second.number; });
    finish(oldest->first, "too much to measure, without");
  }
  Open open;
  open.number = ++last_number_;
  open.plan = plan_measure(order.measure, order.world.get(), setup_->self);
  for (const auto& [member, wishes] : open.plan.questions) open.waiting.insert(member);
  const auto questions = open.plan.questions;
  const uint64_t number = open.number;
  open_.emplace(key, std::move(open));
  if (questions.empty()) return finish(key, "");
  delayed_send(this, to_chrono(kMeasureGather), GatherOver{key.first, key.second, number});
  for (const auto& [member, wishes] : questions) {
    if (member == setup_->self) {
      look_for(wishes, [this, key, number, self = member](std::vector<Extremes> found) {
        answered(key, number, self, std::move(found));
      });
      continue;
    }
    const std::string name = setup_->name_of(member);
    if (!name.empty()) setup_->send(name, kMeasureWant, encode_question({number, wishes}));
  }
}

void MeasurerActor::answered(const Key& key, uint64_t number, MemberId member,
                             std::vector<Extremes> found) {
  const auto open = open_.find(key);
  if (open == open_.end() || open->second.number != number) return;
  if (open->second.waiting.erase(member) == 0) return;
  open->second.answers[member] = std::move(found);
  if (open->second.waiting.empty()) finish(key, "");
}

void MeasurerActor::finish(const Key key, const char* why) {
  const auto open = open_.extract(key);
  CHECK(!open.empty());
  measured_ += 1;
  if (!open.mapped().waiting.empty()) {
    unanswered_ += 1;
    std::string names;
    for (const MemberId member : open.mapped().waiting) {
      const std::string name = setup_->name_of(member);
      names += (names.empty() ? "" : ", ") + (name.empty() ? std::to_string(member.value) : name);
    }
    setup_->say("measuring for remedy " + std::to_string(key.first) + ": " + why + " " + names,
                false);
  }
  setup_->answer(key.first, key.second, conclude(open.mapped().plan, open.mapped().answers));
}

// ---- what other members say

void MeasurerActor::hear(const MeshWord& word) {
  const MemberId from = setup_->member_of(word.from);
  if (!from || from == setup_->self) return ignore(word, "it comes from no other member");
  if (word.topic == kMeasureWant) return asked(word, from);
  if (word.topic == kMeasureHave) return told(word, from);
  ignore(word, "it is none of the measurer's");
}

void MeasurerActor::ignore(const MeshWord& word, const std::string& why) {
  ignored_ += 1;
  // Once in a while: whoever sends nonsense is not to fill the log.
  if ((ignored_ & (ignored_ - 1)) == 0)
    setup_->say("a word of '" + std::string(telemetry::instance_of(word.from).view()) +
                    "' about measuring was ignored: " + why + " (" + std::to_string(ignored_) +
                    " so far)",
                false);
}

void MeasurerActor::asked(const MeshWord& word, MemberId from) {
  auto question = decode_question(word.bytes);
  if (!question) return ignore(word, question.error().text);
  if (question.value().wishes.empty()) return ignore(word, "it asks for nothing");
  auto& open = questions_[from];
  if (questions_open_ >= kQuestionsOpenMax || open >= kQuestionsOfOneMax)
    return ignore(word, "too many questions at once");
  open += 1;
  questions_open_ += 1;
  look_for(
      std::move(question.value().wishes),
      [this, from, to = word.from, number = question.value().number](std::vector<Extremes> found) {
        questions_open_ -= 1;
        if (--questions_[from] == 0) questions_.erase(from);
        answered_others_ += 1;
        setup_->send(to, kMeasureHave, encode_answer({number, std::move(found)}));
      });
}

void MeasurerActor::told(const MeshWord& word, MemberId from) {
  auto answer = decode_answer(word.bytes);
  if (!answer) return ignore(word, answer.error().text);
  const auto open = std::find_if(open_.begin(), open_.end(), [&](const auto& one) {
    return one.second.number == answer.value().number;
  });
  if (open == open_.end() || !open->second.waiting.contains(from)) {
    late_ += 1;  // the order was answered without it
    return;
  }
  const auto& wishes = open->second.plan.questions[from];
  for (const Extremes& found : answer.value().found)
    if (std::find(wishes.begin(), wishes.end(), found.wish) == wishes.end())
      return ignore(word, "it answers what was not asked");
  answered(open->first, answer.value().number, from, std::move(answer.value().found));
}

// ---- this node's readings

void MeasurerActor::look_for(std::vector<Wish> wishes,
                             std::function<void(std::vector<Extremes>)> done) {
  const auto job = std::make_shared<Look>();
  job->wishes = std::move(wishes);
  job->asked = setup_->wall();
  job->done = std::move(done);
  // What may be older than the question is there already.
  const bool at_once = std::all_of(job->wishes.begin(), job->wishes.end(),
                                   [](const Wish& wish) { return wish.age.ns > 0; });
  if (at_once) return look(job);
  delayed_send(this, to_chrono(kFirstLook), LookNow{[this, job] { look(job); }});
}

void MeasurerActor::look(const std::shared_ptr<Look>& job) {
  const auto actor = setup_->telemetry();
  if (!actor) return job->done({});
  std::set<telemetry::Metric> metrics;
  for (const Wish& wish : job->wishes) metrics.insert(wish.metric);
  job->looks += 1;
  job->views.clear();
  job->silent = false;
  job->left = static_cast<uint32_t>(metrics.size());
  const auto one_less = [this, job] {
    job->left -= 1;
    if (job->left == 0) judge(job);
  };
  for (const telemetry::Metric metric : metrics) {
    telemetry::TelemetryQuery query;
    query.metric = metric;
    request_within(this, actor, kTelemetry, query)
        .then(
            [job, one_less](const telemetry::SharedView& view) {
              job->views.push_back(view);
              one_less();
            },
            [job, one_less](const ActorError&) {
              job->silent = true;
              one_less();
            });
  }
}

void MeasurerActor::judge(const std::shared_ptr<Look>& job) {
  bool complete = false;
  auto found = read_wishes(job->wishes, job->views, setup_->self, job->asked, complete);
  if (job->silent) job->looks += 1;  // the time of another look is gone
  if (complete || job->looks >= kLooksMax) return job->done(std::move(found));
  delayed_send(this, to_chrono(kLookAgain), LookNow{[this, job] { look(job); }});
}

ChildDefinition measurer_child(MeasurerSetup setup) {
  CHECK(setup.name_of && setup.member_of && setup.telemetry && setup.send);
  CHECK(setup.answer && setup.say && setup.wall);
  auto shared = std::make_shared<const MeasurerSetup>(std::move(setup));
  return {{.id = "measurer"}, [shared](const ChildContext& context) -> ActorHandle {
            return context.system.spawn<MeasurerActor>(shared);
          }};
}

}  // namespace holdfast::node
