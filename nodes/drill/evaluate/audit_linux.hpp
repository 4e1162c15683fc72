// Reads what the members of an evaluation's cluster have written into their audit logs, as anybody
// could afterwards: with `holdfast audit verify`, and record by record.
#pragma once

#include <string>
#include <vector>

#include "nodes/drill/cluster_linux.hpp"
#include "nodes/drill/evaluate/trace.hpp"

namespace holdfast::drill::evaluate {

struct MemberAudit {
  std::string member;
  bool verified = false;
  std::string problem;  // why it is not; also what is odd of one that is. "": nothing
  std::vector<audit::Record> records;
};
/// The log in the node's state folder. The node may still run.
MemberAudit read_audit(const Cluster& cluster, const Node& node);

/// Of all members' logs: the traces of the longest one that is verified; what does not fit, and
/// where two tell different things, into `problems`.
Traces trace_of(const std::vector<MemberAudit>& members, std::vector<std::string>& problems);

}  // namespace holdfast::drill::evaluate
