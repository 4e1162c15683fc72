// Configuration files: any bytes are settings or problems, each with its file and words. One input
// stands in for every file at once.

// runs: 1500
// links: holdfast_settings_toml

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include "messages/check.hpp"
#include "nodes/settings/settings.hpp"

using namespace holdfast;

namespace {

/// A folder of this process, gone when it ends.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("holdfast-settings-fuzz-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  void fill(const uint8_t* data, std::size_t size) const {
    for (const char* name : {"node.toml", "venues.toml", "instruments.toml", "risk.toml",
                             "clients.toml", "cluster.toml", "advisor.toml", "precedents.toml",
                             "policy.toml", "policy_tests.toml", "audit.toml"}) {
      std::FILE* file = std::fopen((path_ / name).c_str(), "wb");
      FATAL_UNLESS(file != nullptr);
      FATAL_UNLESS(std::fwrite(data, 1, size, file) == size);
      FATAL_UNLESS(std::fclose(file) == 0);
    }
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const Folder folder;
  folder.fill(data, size);
  settings::Problems problems;
  (void)settings::load_settings(folder.path(), {}, problems);
  (void)settings::load_risk(folder.path(), {}, problems);
  return 0;
}
