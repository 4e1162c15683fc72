// `holdfast audit`: looks at an audit log's files, anywhere and without the node that wrote them:
// whether they are what was signed, what belongs to one incident, the proof for one record.
#pragma once

#include <optional>
#include <string>

#include "nodes/console/policy_linux.hpp"

namespace holdfast::console {

struct AuditCommand {
  std::string directory;   // "": the state directory's
  std::string checkpoint;  // a file of checkpoints that was kept elsewhere
  std::string key;         // a public key file; "": the folder's own
  uint64_t incident = 0, record = 0;
};

void add_audit_commands(CLI::App& app, const AddCommand& add);

/// Not clean: damage, or anything that is not as it was signed; each problem is named.
int run_audit_verify(const Console& console, const AuditCommand& command);
/// The incident's records, one JSON object a line. Not clean: there are none, or the log is
/// damaged.
int run_audit_export(const Console& console, const AuditCommand& command);
/// The inclusion proof of one record in the signed tree. Not clean: no checkpoint covers it, or it
/// does not lead to the signed root.
int run_audit_prove(const Console& console, const AuditCommand& command);

}  // namespace holdfast::console
