#include "tests/bench/parts/bench_log.hpp"

#include <stdlib.h>

#include "tests/bench/latency.hpp"

namespace holdfast::bench {

BenchJournal::BenchJournal(Durability durability, GroupId group)
    : durability_(durability), group_(group) {
  std::string path = (std::filesystem::temp_directory_path() / "holdfast-bench-XXXXXX").string();
  CHECK(mkdtemp(path.data()) != nullptr);
  directory_ = path;
  open();
}

BenchJournal::~BenchJournal() {
  close();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void BenchJournal::open() {
  replication::JournalSettings settings;
  settings.directory = directory_ + "/journal";
  auto opened = replication::JournalRocksdb::open(settings);
  CHECK(opened.ok());
  journal_ = std::move(opened).value();
  appender_ = std::make_unique<replication::JournalAppender>(
      *journal_, replication::JournalAppender::Hooks{
                     [this](std::function<void()> run) { defer(std::move(run)); },
                     [this](std::function<void()> run) {
                       std::lock_guard lock(mutex_);
                       posted_.push_back(std::move(run));
                       wake_.notify_one();
                     }});
  log_ = appender_->log(group_, durability_);
}

void BenchJournal::close() {
  end_turn();
  log_.reset();
  appender_.reset();
  journal_.reset();
}

double BenchJournal::reopen() {
  close();
  const int64_t start = now_ns();
  open();
  return static_cast<double>(now_ns() - start) * 1e-6;
}

void BenchJournal::end_turn() {
  while (!deferred_.empty()) {
    auto running = std::exchange(deferred_, {});
    for (auto& run : running) run();
  }
}

void BenchJournal::wait_for_post() {
  std::vector<std::function<void()>> running;
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !posted_.empty(); });
    running.swap(posted_);
  }
  for (auto& run : running) run();
}

}  // namespace holdfast::bench
