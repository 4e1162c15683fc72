// A folder for an audit log, records to put into it, and the `holdfast` command to look at it.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "supervision/orchestrator/audit/audit_log_linux.hpp"

namespace holdfast::audit {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string out, err;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

inline std::string slurp(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {(std::istreambuf_iterator<char>(stream)), {}};
}
inline void spill(const std::string& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

class AuditFiles : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-audit-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    settings_.directory = folder_ + "/audit";
    settings_.origin = "holdfast/audit/test";
    settings_.name = "colo-a";
    settings_.checkpoint_interval = Duration::seconds(3'600);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<AuditLog> open() {
    auto log = AuditLog::open(settings_);
    EXPECT_TRUE(log) << log.error().text;
    return log ? std::move(log).value() : nullptr;
  }
  ErrorCode open_error() {
    auto log = AuditLog::open(settings_);
    EXPECT_FALSE(log);
    return log ? ErrorCode::kInvalid : log.error().code;
  }
  static Record record(uint64_t n, uint64_t incident = 1) {
    Record record;
    record.at = {1'795'185'000'000'000'000 + static_cast<int64_t>(n) * 1'000'000};
    record.clock = ClockSource::kUnsynchronised;
    record.kind = RecordKind::kFinding;
    record.incident = incident;
    record.actor = "agent/cpu/1";
    record.payload = "{\"n\":" + std::to_string(n) + "}";
    return record;
  }
  // Appends `count` records; each third is of incident 2. Signed after each `every` of them.
  void fill(uint64_t count, uint64_t every = 0) {
    auto log = open();
    ASSERT_NE(log, nullptr);
    for (uint64_t n = 1; n <= count; ++n) {
      ASSERT_TRUE(log->append(record(n, n % 3 == 0 ? 2 : 1)));
      if (every > 0 && n % every == 0) {
        ASSERT_TRUE(log->flush());
      }
    }
  }
  std::string log_file() const { return records_file(settings_.directory); }

  Outcome holdfast(std::vector<std::string> words) {
    const auto out = folder_ + "/stdout", err = folder_ + "/stderr";
    words.insert(words.begin(), HOLDFAST_COMMAND);
    const auto pid = ::fork();
    if (pid == 0) {
      ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      std::vector<char*> argv;
      for (auto& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(out), slurp(err)};
  }

  std::string folder_;
  AuditSettings settings_;
};

}  // namespace holdfast::audit
