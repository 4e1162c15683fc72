// Reads audit.toml: what of accounts and keys may stand in the audit log, and how the log is kept.
// Without the file accounts and keys are left out, and the log is in the node's state folder.
#pragma once

#include <string>

#include "messages/time.hpp"
#include "nodes/settings/problems.hpp"
#include "supervision/orchestrator/audit/payload.hpp"

namespace holdfast::settings {

struct AuditSettings {
  std::string directory;  // "": `audit` in the node's state folder
  uint64_t checkpoint_every = 1'000;
  Duration checkpoint_interval = Duration::seconds(1);
  audit::Treatment accounts = audit::Treatment::kDrop;
  audit::Treatment keys = audit::Treatment::kDrop;
  std::string secret_file;  // of mode 0600, the same on all members; needed for kHmac
  friend bool operator==(const AuditSettings&, const AuditSettings&) = default;
};

/// Of `directory`. Every mistake is in `problems`; the value is of use only when there are none.
AuditSettings load_audit(const std::string& directory, Problems& problems);

}  // namespace holdfast::settings
