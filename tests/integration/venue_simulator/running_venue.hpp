// An exchange that runs in a thread of the test, with a record in a temporary folder. The test
// stops it and then may read the record, line by line.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "nodes/venue/venue_linux.hpp"
#include "tests/integration/venue_simulator/fix_client.hpp"

namespace holdfast::exchange {

/// A folder that goes away with the test.
struct TemporaryFolder {
  TemporaryFolder() {
    char name[] = "/tmp/holdfast-venue-XXXXXX";
    path = mkdtemp(name);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path;
};

/// The lines of a file.
inline std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// One exchange on ports of its own.
class RunningVenue {
 public:
  explicit RunningVenue(VenueOptions options = {}) {
    options.control = true;
    if (options.record_path.empty()) options.record_path = folder.path + "/record.jsonl";
    record_path = options.record_path;
    auto opened = Venue::open(options);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().text);
    venue_ = std::move(opened).value();
    thread_ = std::thread([this] { venue_->run(); });
  }
  ~RunningVenue() { stop(); }

  uint16_t port() const { return venue_->port(); }
  uint16_t control_port() const { return venue_->control_port(); }
  void stop() {
    if (!thread_.joinable()) return;
    venue_->stop();
    thread_.join();
  }
  /// The record so far; it is written before the reports leave.
  std::vector<std::string> record() const { return lines_of(record_path); }
  std::size_t recorded(const std::string& type) const {
    std::size_t n = 0;
    for (const std::string& line : record())
      n += line.find("\"type\":\"" + type + "\"") != std::string::npos;
    return n;
  }

  TemporaryFolder folder;
  std::string record_path;

 private:
  std::unique_ptr<Venue> venue_;
  std::thread thread_;
};

}  // namespace holdfast::exchange
