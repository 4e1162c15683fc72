// audit.toml.
#include <filesystem>

#include "nodes/settings/audit_settings.hpp"
#include "nodes/settings/table_toml.hpp"

namespace holdfast::settings {
namespace {

std::string file_in(const std::string& directory, const std::string& name) {
  if (name.empty()) return name;
  return (std::filesystem::path(directory) / name).lexically_normal().string();
}

audit::Treatment treatment(TableReader& table, std::string_view key) {
  return static_cast<audit::Treatment>(table.choice(key, 0, {"drop", "hmac", "clear"}));
}

void read_log(TableReader& table, AuditSettings& settings) {
  settings.directory = table.text("directory", settings.directory);
  settings.checkpoint_every = static_cast<uint64_t>(table.integer(
      "checkpoint_every", static_cast<int64_t>(settings.checkpoint_every), 1, 1'000'000));
  settings.checkpoint_interval =
      table.duration("checkpoint_interval", settings.checkpoint_interval,
                     Duration::milliseconds(100), Duration::seconds(3'600));
  table.finish();
}

void read_redaction(TableReader& table, const std::string& directory, AuditSettings& settings) {
  settings.accounts = treatment(table, "accounts");
  settings.keys = treatment(table, "keys");
  settings.secret_file = file_in(directory, table.text("secret_file", ""));
  const bool hashed =
      settings.accounts == audit::Treatment::kHmac || settings.keys == audit::Treatment::kHmac;
  if (hashed && settings.secret_file.empty())
    table.complain("secret_file",
                   "secret_file: \"hmac\" needs a file with a secret, of mode 0600 and the same on "
                   "all members");
  table.finish();
}

}  // namespace

AuditSettings load_audit(const std::string& directory, Problems& problems) {
  AuditSettings settings;
  const auto file = file_in(directory, "audit.toml");
  std::error_code error;
  // A link that leads nowhere is not "none".
  if (std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found)
    return settings;
  if (const auto document = open_document(file, problems)) {
    TableReader root(*document, document->root, "audit.toml", problems);
    if (auto table = root.table("log")) read_log(*table, settings);
    if (auto table = root.table("redaction")) read_redaction(*table, directory, settings);
    root.finish();
  }
  return settings;
}

}  // namespace holdfast::settings
