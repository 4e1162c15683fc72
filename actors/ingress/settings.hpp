// What an ingress is told: where to listen, who may come in, and its bounds in time and number.
// The node fills it from its configuration; nothing here reads a file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "actors/ingress/client/transport.hpp"
#include "messages/order.hpp"

namespace holdfast::ingress {

using CredentialHash = std::array<uint8_t, 32>;  // SHA-256 of the 32 credential bytes

/// A client: what it proves itself with, and the accounts it may act for.
struct ClientEntry {
  ClientId id;
  CredentialHash credential_sha256{};
  std::vector<Account> accounts;
  std::size_t credits = 0;  // 0: as Settings::credits
};

struct Settings {
  std::string listen = "127.0.0.1:0";   // HOST:PORT (0: any free port) or unix:PATH
  std::optional<client::TlsFiles> tls;  // demanded outside loopback
  std::vector<ClientEntry> clients;
  uint32_t shards = 1;
  std::string server_version = "0";
  Durability durability = Durability::kMemory;  // what open() promises
  std::size_t credits = limits::kSessionCreditsDefault;
  std::size_t sessions_max = limits::kSessionsMax;
  std::size_t unauthenticated_max = limits::kUnauthenticatedMax;
  std::size_t shard_in_flight_max = limits::kPipelineOrdersMax;  // over all sessions
  std::size_t unsent_bytes_max = limits::kRpcUnsentBytesMax;     // towards one client
  std::size_t report_backlog_max = limits::kReportBacklogMax;    // towards one subscriber
  Duration request_deadline = Duration::seconds(2);  // to the shard's decision, else it refuses
  Duration answer_deadline = Duration::seconds(3);   // to the shard's answer, else "ask again"
  Duration login_within = Duration::seconds(5);      // from connecting to an open session
  Duration silence_limit = Duration::seconds(30);    // then the connection is taken for dead
};

/// What is wrong with the settings in words, or success.
Result<> validate(const Settings& settings);

}  // namespace holdfast::ingress
