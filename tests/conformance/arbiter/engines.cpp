#include "tests/conformance/arbiter/engines.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace holdfast::tests {

using namespace replication;

EmbeddedEngine::EmbeddedEngine() {
  std::string pattern = std::filesystem::temp_directory_path() / "holdfast-arbiter-XXXXXX";
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
}

EmbeddedEngine::~EmbeddedEngine() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

EmbeddedSettings EmbeddedEngine::settings() const {
  EmbeddedSettings settings;
  settings.directory = directory_;
  settings.cluster = kCluster;
  settings.deadline = Duration::seconds(2);  // the machine may be busy with other tests
  return settings;
}

std::unique_ptr<Client> EmbeddedEngine::client(EmbeddedSettings settings) {
  return std::make_unique<Client>(
      [&](Post post) { return open_embedded_arbiter(settings, std::move(post)); });
}

void EmbeddedEngine::write_by_hand(GroupId group, const std::string& text) {
  const std::string path = directory_ + "/group-" + std::to_string(group.value) + ".json";
  {
    std::ofstream file(path + "~", std::ios::binary);  // as editors do it
    file << text;
    CHECK(file.good());
  }
  std::filesystem::rename(path + "~", path);
}

EtcdCluster& EtcdEngine::cluster() {
  static const auto cluster = [] {
    auto started = EtcdCluster::start();
    if (!started.ok()) throw std::runtime_error("etcd does not start: " + started.error().text);
    return std::move(started).value();
  }();
  return *cluster;
}

EtcdEngine::EtcdEngine() {
  static int places = 0;
  prefix_ = "/place-" + std::to_string(++places);
}

EtcdSettings EtcdEngine::settings() const {
  EtcdSettings settings;
  settings.endpoints = cluster().endpoints();
  settings.cluster = kCluster;
  settings.key_prefix = prefix_;
  settings.deadline = Duration::seconds(2);  // the machine may be busy with other tests
  return settings;
}

std::unique_ptr<Client> EtcdEngine::client(EtcdSettings settings) {
  return std::make_unique<Client>(
      [&](Post post) { return open_etcd_arbiter(settings, std::move(post)); });
}

void EtcdEngine::write_by_hand(GroupId group, const std::string& text) {
  const auto written =
      cluster().put(prefix_ + "/" + kCluster + "/groups/" + std::to_string(group.value), text);
  CHECK(written.ok());
}

}  // namespace holdfast::tests
