// node.toml and clients.toml.
#include <algorithm>
#include <filesystem>
#include <set>

#include "nodes/settings/files_toml.hpp"

namespace holdfast::settings {
namespace {

// An address that only this host reaches.
bool loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

void read_endpoint(TableReader& table, Endpoint& endpoint) {
  endpoint.address = table.text("address", endpoint.address, 64);
  endpoint.port = static_cast<uint16_t>(table.integer("port", endpoint.port, 0, 65'535));
}

void read_journal(TableReader table, JournalSettings& journal) {
  journal.directory = table.text("directory", "", 4'096);
  journal.durability = table.choice("durability", 0, {"memory", "fsynced"}) == 0
                           ? Durability::kMemory
                           : Durability::kFsynced;
  journal.snapshot_every_entries = static_cast<uint64_t>(
      table.integer("snapshot_every_entries", static_cast<int64_t>(journal.snapshot_every_entries),
                    100, 100'000'000));
  journal.disk_free_bytes_min = table.bytes("disk_free_min", journal.disk_free_bytes_min, 16 << 20);
  table.finish();
}

void read_cpus(TableReader& table, LoopSettings& loops) {
  constexpr uint32_t kCpusMax = 1'024;
  for (const auto& word : table.names<8>("cpus", 64)) {
    const auto number = parse_port(word.view());
    if (!number || *number >= kCpusMax)
      table.complain(
          "cpus", "cpus: expected CPU numbers as text below 1024, found " + in_quotes(word.view()));
    else
      loops.cpus.push_back(*number);
  }
  if (!loops.cpus.empty() && loops.cpus.size() != loops.hot_loops)
    table.complain("cpus", "cpus: expected one CPU for each of the " +
                               std::to_string(loops.hot_loops) + " hot loops, found " +
                               std::to_string(loops.cpus.size()));
}

void read_loops(TableReader table, LoopSettings& loops) {
  loops.hot_loops = static_cast<uint32_t>(table.integer("hot_loops", loops.hot_loops, 1, 64));
  loops.spin = table.flag("spin", loops.spin);
  loops.pool_threads =
      static_cast<uint32_t>(table.integer("pool_threads", loops.pool_threads, 1, 64));
  read_cpus(table, loops);
  if (loops.spin && loops.cpus.empty())
    table.complain("spin", "spin: a spinning loop needs a core of its own; name it in cpus");
  table.finish();
}

void read_ingress(TableReader table, IngressSettings& ingress) {
  read_endpoint(table, ingress.listen);
  ingress.credits =
      static_cast<std::size_t>(table.integer("credits", static_cast<int64_t>(ingress.credits), 1,
                                             static_cast<int64_t>(limits::kSessionCreditsMax)));
  ingress.sessions_max = static_cast<std::size_t>(
      table.integer("sessions_max", static_cast<int64_t>(ingress.sessions_max), 1,
                    static_cast<int64_t>(limits::kSessionsMax)));
  ingress.request_deadline = table.duration("request_deadline", ingress.request_deadline,
                                            Duration::milliseconds(1), Duration::seconds(60));
  if (auto tls = table.table("tls")) {
    tls->set_what("[ingress.tls]");
    TlsSettings files;
    files.certificate = tls->text("certificate", std::nullopt, 4'096);
    files.key = tls->text("key", std::nullopt, 4'096);
    files.client_ca = tls->text("client_ca", std::nullopt, 4'096);
    tls->finish();
    ingress.tls = files;
  }
  if (!loopback(ingress.listen.address) && !ingress.tls)
    table.complain("address",
                   "address: outside loopback order entry demands client certificates; "
                   "add [ingress.tls] with certificate, key and client_ca, or listen on "
                   "127.0.0.1");
  table.finish();
}

void read_operator_api(TableReader table, OperatorApiSettings& api) {
  read_endpoint(table, api.listen);
  api.token_file = table.text("token_file", "", 4'096);
  api.audit_file = table.text("audit_file", "", 4'096);
  if (!loopback(api.listen.address))
    table.complain("address",
                   "address: the operator API speaks plain HTTP and listens on loopback "
                   "only; put a proxy that terminates TLS in front of it");
  table.finish();
}

void read_orders(TableReader table, OrdersSettings& orders) {
  orders.venue_grace =
      table.duration("venue_grace", orders.venue_grace, Duration{}, Duration::seconds(60));
  table.finish();
}

void read_telemetry(TableReader table, TelemetrySettings& telemetry) {
  telemetry.enabled = table.flag("enabled", telemetry.enabled);
  telemetry.interval = table.duration("interval", telemetry.interval, Duration::milliseconds(20),
                                      Duration::seconds(10));
  telemetry.retention = table.duration("retention", telemetry.retention, Duration::seconds(1),
                                       Duration::seconds(3'600));
  telemetry.otlp_endpoint = table.text("otlp_endpoint", "", 1'024);
  telemetry.otlp_every = table.duration("otlp_every", telemetry.otlp_every,
                                        Duration::milliseconds(100), Duration::seconds(300));
  const auto& url = telemetry.otlp_endpoint;
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    table.complain("otlp_endpoint",
                   "otlp_endpoint: expected http://HOST:PORT/v1/metrics or https, "
                   "found " +
                       in_quotes(url));
  table.finish();
}

void read_shutdown(TableReader table, ShutdownSettings& shutdown) {
  shutdown.open_orders = table.choice("open_orders", 0, {"keep", "cancel"}) == 0
                             ? OpenOrdersAtStop::kKeep
                             : OpenOrdersAtStop::kCancel;
  shutdown.within = table.duration("within", shutdown.within, Duration::milliseconds(100),
                                   Duration::seconds(300));
  table.finish();
}

bool lower_hex(const std::string& text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

void read_node(const Document& document, NodeSettings& node, Problems& problems) {
  TableReader root(document, document.root, "node.toml", problems);
  if (auto table = root.table("node")) {
    node.name = table->name<limits::kNameBytes>("name").str();
    node.state_directory = table->text("state_directory", std::nullopt, 4'096);
    node.shards = static_cast<uint32_t>(
        table->integer("shards", node.shards, 1, static_cast<int64_t>(limits::kShardsMax)));
    table->finish();
  } else if (!root.has("node")) {
    root.note("node", "a table [node] with name and state_directory");
  }
  if (auto table = root.table("journal")) read_journal(*table, node.journal);
  if (auto table = root.table("loops")) read_loops(*table, node.loops);
  if (auto table = root.table("ingress")) read_ingress(*table, node.ingress);
  if (auto table = root.table("orders")) read_orders(*table, node.orders);
  if (auto table = root.table("operator_api")) read_operator_api(*table, node.operator_api);
  if (auto table = root.table("telemetry")) read_telemetry(*table, node.telemetry);
  if (auto table = root.table("healing"))
    node.healing.enabled = table->flag("enabled", node.healing.enabled);
  if (auto table = root.table("shutdown")) read_shutdown(*table, node.shutdown);
  root.finish();
}

void read_clients(const Document& document, std::vector<ClientSettings>& clients,
                  Problems& problems) {
  TableReader root(document, document.root, "clients.toml", problems);
  std::set<ClientId> ids;
  for (auto& table : root.tables("client", true, limits::kSessionsMax)) {
    ClientSettings client;
    client.id = table.name<limits::kClientIdBytes>("id");
    client.credential_sha256 = table.text("credential_sha256", std::nullopt, 256);
    if (table.has("credential_sha256") && !lower_hex(client.credential_sha256, 64))
      table.note("credential_sha256", "64 hex digits in lower case, the SHA-256 of the credential");
    if (!table.has("accounts"))
      table.note("accounts", "a list of the accounts that it may trade for");
    client.accounts = table.names<limits::kAccountBytes>("accounts", limits::kAccountsMax);
    if (!client.id.empty() && !ids.insert(client.id).second)
      table.complain("id", "id: the client " + in_quotes(client.id.view()) + " is there twice");
    table.finish();
    clients.push_back(std::move(client));
  }
  root.finish();
}

}  // namespace holdfast::settings
