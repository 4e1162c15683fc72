#include "nodes/node/healing/advisor_linux.hpp"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "actors/agents/llm/advisor.hpp"
#include "actors/agents/precedents/store_rocksdb.hpp"

namespace holdfast::node {

namespace {
constexpr std::size_t kLessonsMax = 256;

void tell(const SayLine& say, const std::string& line, bool alarm) {
  if (say) say(line, alarm);
}

std::string below(const std::string& folder, const std::string& file) {
  return file.empty() ? file : (std::filesystem::path(folder) / file).string();
}

/// Asks the store at once, teaches it on a thread of its own.
class LearningApart final : public precedents::Precedents {
 public:
  LearningApart(std::shared_ptr<precedents::Precedents> store, SayLine say)
      : store_(std::move(store)), say_(std::move(say)), thread_([this] { run(); }) {}
  ~LearningApart() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  std::vector<precedents::Match> find(const precedents::Signature& signature,
                                      std::size_t k) const override {
    return store_->find(signature, k);
  }
  Result<> learn(const Incident& incident, ActionKind action, RemedyOutcome outcome,
                 WallTime now) override {
    {
      const std::lock_guard lock(mutex_);
      if (lessons_.size() >= kLessonsMax)
        return Error{ErrorCode::kFull, "too many outcomes wait to be written"};
      lessons_.push_back({incident, action, outcome, now});
    }
    wake_.notify_one();
    return success();
  }
  Result<precedents::Precedent> get(uint64_t number) const override { return store_->get(number); }
  std::vector<precedents::Precedent> list(FaultClass fault, std::size_t most) const override {
    return store_->list(fault, most);
  }
  std::size_t size() const override { return store_->size(); }

 private:
  struct Lesson {
    Incident incident;
    ActionKind action = ActionKind::kNone;
    RemedyOutcome outcome = RemedyOutcome::kOpen;
    WallTime now;
  };
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !lessons_.empty(); });
      if (lessons_.empty()) return;
      const Lesson lesson = std::move(lessons_.front());
      lessons_.pop_front();
      lock.unlock();
      const auto learned =
          store_->learn(lesson.incident, lesson.action, lesson.outcome, lesson.now);
      if (!learned) tell(say_, "precedents: " + learned.error().text, true);
      lock.lock();
    }
  }

  const std::shared_ptr<precedents::Precedents> store_;
  const SayLine say_;
  std::mutex mutex_;  // guards lessons_ and stopping_
  std::condition_variable wake_;
  std::deque<Lesson> lessons_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses what stands above
};

std::shared_ptr<precedents::Precedents> open_precedents(const settings::Settings& settings,
                                                        const SayLine& say) {
  precedents::StoreSettings store;
  store.directory = below(settings.node.state_directory, "precedents");
  auto opened = precedents::StoreRocksdb::open(store, settings.cases);
  if (!opened) {
    tell(say, "precedents: " + opened.error().text + "; the healing loop works without them", true);
    return nullptr;
  }
  auto& value = opened.value();
  if (!value.rebuilt.empty()) tell(say, "precedents: " + value.rebuilt, true);
  tell(say, "precedents: " + std::to_string(value.store->size()) + " in " + store.directory, false);
  return learning_apart(std::move(value.store), say);
}
}  // namespace

std::shared_ptr<precedents::Precedents> learning_apart(
    std::shared_ptr<precedents::Precedents> store, SayLine say) {
  CHECK(store != nullptr);
  return std::make_shared<LearningApart>(std::move(store), std::move(say));
}

std::shared_ptr<Advisor> make_node_advisor(llm::GatewaySettings settings,
                                           const std::string& state_directory,
                                           llm::GatewayClocks clocks, const SayLine& say,
                                           llm::TraceSink trace) {
  settings.recording_file = below(state_directory, settings.recording_file);
  settings.trace_file = below(state_directory, settings.trace_file);
  settings.spending_file = below(state_directory, settings.spending_file);
  std::string endpoints;
  for (const auto& endpoint : settings.endpoints)
    endpoints += (endpoints.empty() ? "" : ", ") + endpoint.name;
  auto made = llm::make_advisor(std::move(settings), std::move(clocks), std::move(trace));
  if (!made) {
    tell(say, "advisor: " + made.error().text + "; the deterministic advisor answers alone", true);
    return std::make_shared<llm::DeterministicAdvisor>();
  }
  tell(say,
       "advisor: " + (endpoints.empty() ? std::string("the deterministic one")
                                        : "models behind " + endpoints),
       false);
  return std::move(made.value());
}

AdviceMeans make_advice_means(const settings::Settings& settings, llm::GatewayClocks clocks,
                              const SayLine& say, llm::TraceSink trace) {
  AdviceMeans means;
  means.advisor = make_node_advisor(settings.advisor, settings.node.state_directory,
                                    std::move(clocks), say, std::move(trace));
  means.precedents = open_precedents(settings, say);
  return means;
}

}  // namespace holdfast::node
