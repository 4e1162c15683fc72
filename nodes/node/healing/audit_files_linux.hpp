// audit.toml as the audit keeper takes it: where the log of this node is, what it is called, and
// what may stand in it.
#pragma once

#include <string>

#include "nodes/settings/settings.hpp"
#include "supervision/orchestrator/audit/audit_log_linux.hpp"
#include "supervision/orchestrator/audit/payload.hpp"

namespace holdfast::node {

struct AuditFiles {
  audit::AuditSettings log;
  audit::Redaction redaction;
  /// Why nothing may be written; "": it may. Records that are redacted in another way than the
  /// other members' would be other records.
  std::string trouble;
};

/// Reads the secret where one is needed. Accounts of risk.toml are known to the redaction. The
/// log's name is the cluster's, or this node's where it is by itself.
AuditFiles audit_files(const settings::Settings& settings);

}  // namespace holdfast::node
