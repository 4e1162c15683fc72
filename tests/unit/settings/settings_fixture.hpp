// A folder of configuration that is right, of which a test spoils one file.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "nodes/settings/settings.hpp"

namespace holdfast::settings {

namespace fs = std::filesystem;

inline constexpr const char* kNode = R"([node]
name = "n"
state_directory = "/tmp/state"
)";
inline constexpr const char* kVenues = R"([[venue]]
name = "XSIM"
number = 0
host = "127.0.0.1"
port = 9880
sender_comp_id = "US"
target_comp_id = "XSIM"
dictionary = "dictionary.xml"
)";
inline constexpr const char* kInstruments = R"([[instrument]]
symbol = "AAPL"
tick = 0.01
lot = 1
price_max = 1000
quantity_max = 1000
venues = ["XSIM"]
)";
inline constexpr const char* kRisk = R"([firm]
order_quantity_max = 100
order_notional_max = 100_000.5
price_collar = "500 bps"
last_trade_age_max = "1h"
previous_close_age_max = "5d"
buying_power = 1_000_000
position_max = 500
duplicate_window = "500ms"
messages_max = 100
message_window = "1s"
[[desk]]
name = "makers"
position_max = 400
[[account]]
name = "M1"
desk = "makers"
)";
inline constexpr const char* kClients = R"([[client]]
id = "demo"
credential_sha256 = "e0a4431cc6fb2abadc759b8c9ffae847b87c070ee051668f65065c4be190637e"
accounts = ["M1"]
)";

class SettingsFiles : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-settings-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    write("node.toml", kNode);
    write("venues.toml", kVenues);
    write("instruments.toml", kInstruments);
    write("risk.toml", kRisk);
    write("clients.toml", kClients);
    write("dictionary.xml", "<fix/>");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) {
    std::ofstream(folder_ + "/" + file, std::ios::trunc) << text;
  }
  // Replaces `from`, which must be there, in one of the right files.
  void spoil(const std::string& file, std::string right, const std::string& from,
             const std::string& to) {
    const auto at = right.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write(file, right.replace(at, from.size(), to));
  }
  // All problems, the folder's own name cut off.
  std::string problems(const Overrides& overrides = {}) {
    Problems found;
    settings_ = load_settings(folder_, overrides, found);
    auto text = found.str();
    for (auto at = text.find(folder_ + "/"); at != std::string::npos; at = text.find(folder_ + "/"))
      text.erase(at, folder_.size() + 1);
    return text;
  }

  std::string folder_;
  Settings settings_;
};

}  // namespace holdfast::settings
