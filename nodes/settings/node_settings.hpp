// What one node is told by config/node.toml and config/clients.toml, as plain structs: names,
// folders, ports, threads, durability, who may send orders. Every number has been checked against
// its bounds by the reader; nothing here reads a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/order.hpp"

namespace holdfast::settings {

/// Where something listens. Port 0: any free one; the node writes which into its state directory.
struct Endpoint {
  std::string address = "127.0.0.1";
  uint16_t port = 0;
};

/// TLS at a listening port, PEM files. Clients must present a certificate that `client_ca` signed.
struct TlsSettings {
  std::string certificate, key, client_ca;
};

struct JournalSettings {
  std::string directory;  // "": <state directory>/journal
  Durability durability = Durability::kMemory;
  uint64_t snapshot_every_entries = limits::kSnapshotEveryEntries;
  uint64_t disk_free_bytes_min = limits::kDiskFreeBytesMin;
};

/// Hot loops run ingress, order shards and venue gateways; the pool runs everything else.
struct LoopSettings {
  uint32_t hot_loops = 1;
  bool spin = false;           // poll without sleeping: for cores of their own only
  std::vector<uint32_t> cpus;  // pins hot loop i to cpus[i]; empty: not pinned
  uint32_t pool_threads = 1;
};

struct IngressSettings {
  Endpoint listen;
  std::size_t credits = limits::kSessionCreditsDefault;  // requests in flight a session
  std::size_t sessions_max = limits::kSessionsMax;
  Duration request_deadline = Duration::milliseconds(2'000);  // to a decision, else refused
  std::optional<TlsSettings> tls;
};

struct OperatorApiSettings {
  Endpoint listen;
  std::string token_file;  // "": <state directory>/operator.token
  std::string audit_file;  // "": <state directory>/operator_audit.jsonl
};

/// What happens to open orders when the node is told to stop.
enum class OpenOrdersAtStop : uint8_t { kKeep, kCancel };

struct ShutdownSettings {
  OpenOrdersAtStop open_orders = OpenOrdersAtStop::kKeep;
  Duration within = Duration::seconds(10);
};

struct OrdersSettings {
  /// New orders wait so long for a venue that went down (a failover), then they are refused.
  Duration venue_grace = Duration::seconds(2);
};

struct TelemetrySettings {
  bool enabled = true;
  Duration interval = Duration::milliseconds(100);
  Duration retention = Duration::seconds(60);  // of what `holdfast telemetry` can show
  std::string otlp_endpoint;                   // "": nothing is sent
  Duration otlp_every = Duration::seconds(1);  // between two requests
};

/// What agents find is acted upon: policy and workflows say how far.
struct HealingSettings {
  bool enabled = true;
};

struct NodeSettings {
  std::string name;
  std::string state_directory;  // sockets, operator.json, pid file, token, journal by default
  uint32_t shards = 1;          // order shards; part of the journal's identity: never change it
  JournalSettings journal;
  LoopSettings loops;
  IngressSettings ingress;
  OrdersSettings orders;
  OperatorApiSettings operator_api;
  TelemetrySettings telemetry;
  HealingSettings healing;
  ShutdownSettings shutdown;

  std::string journal_directory() const {
    return journal.directory.empty() ? state_directory + "/journal" : journal.directory;
  }
  std::string token_file() const {
    return operator_api.token_file.empty() ? state_directory + "/operator.token"
                                           : operator_api.token_file;
  }
  std::string audit_file() const {
    return operator_api.audit_file.empty() ? state_directory + "/operator_audit.jsonl"
                                           : operator_api.audit_file;
  }
};

/// A client of order entry: what it proves itself with, and the accounts it may trade for.
struct ClientSettings {
  ClientId id;
  std::string credential_sha256;  // 64 hex digits, lower case: SHA-256 of the 32 credential bytes
  std::vector<Account> accounts;
};

}  // namespace holdfast::settings
