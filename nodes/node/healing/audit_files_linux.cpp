#include "nodes/node/healing/audit_files_linux.hpp"

#include <utility>

namespace holdfast::node {

namespace {
constexpr std::size_t kSecretBytesMin = 32;

/// Signers' names know neither spaces nor '+'.
std::string signer(std::string name) {
  for (char& c : name)
    if (c == ' ' || c == '+') c = '_';
  return name;
}
}  // namespace

AuditFiles audit_files(const settings::Settings& settings) {
  AuditFiles files;
  const auto& from = settings.audit;
  files.log.directory =
      from.directory.empty() ? settings.node.state_directory + "/audit" : from.directory;
  files.log.origin =
      "holdfast/audit/" + signer(settings.cluster ? settings.cluster->name : settings.node.name);
  files.log.name = signer(settings.node.name);
  files.log.checkpoint_every = from.checkpoint_every;
  files.log.checkpoint_interval = from.checkpoint_interval;
  files.redaction.accounts = from.accounts;
  files.redaction.keys = from.keys;
  for (const auto& account : settings.risk.limits.accounts)
    files.redaction.known_accounts.emplace(account.account.str());
  if (from.accounts != audit::Treatment::kHmac && from.keys != audit::Treatment::kHmac)
    return files;
  auto secret = audit::read_secret(from.secret_file, kSecretBytesMin);
  if (!secret) {
    files.trouble = "audit.toml: the secret can't be used: " + secret.error().text +
                    "; nothing is written before the node starts with it";
    return files;
  }
  files.redaction.hmac = [secret = std::move(secret).value()](std::string_view text) {
    return audit::hmac_sha256(secret, text);
  };
  return files;
}

}  // namespace holdfast::node
