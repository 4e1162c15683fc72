#include "nodes/drill/evaluate/audit_linux.hpp"

#include "supervision/orchestrator/audit/audit_log_linux.hpp"

namespace holdfast::drill::evaluate {

MemberAudit read_audit(const Cluster& cluster, const Node& node) {
  MemberAudit all;
  all.member = node.name;
  const std::string folder = node.folder + "/audit";
  const auto answer = cluster.ask_for_all(node, {"audit", "verify", folder});
  all.verified = answer.code == 0;
  if (answer.code != 0) {
    all.problem = "its audit log is not clean (exit " + std::to_string(answer.code) + ")";
    if (answer.json.is_object() && answer.json.contains("problems"))
      for (const auto& problem : answer.json["problems"])
        if (problem.is_string()) all.problem += ": " + problem.get<std::string>();
  }
  auto log = audit::LogReader::open(folder);
  if (!log) {
    all.problem = "it has no audit log: " + log.error().text;
    return all;
  }
  while (const auto bytes = log.value().next()) {
    auto record = audit::decode(*bytes);
    if (!record) {
      all.verified = false;
      all.problem = "a record of its audit log can't be read: " + record.error().text;
      break;
    }
    all.records.push_back(std::move(record).value());
  }
  if (all.problem.empty() && all.records.empty()) {
    all.verified = false;
    all.problem = "its audit log is empty";
  }
  return all;
}

Traces trace_of(const std::vector<MemberAudit>& members, std::vector<std::string>& problems) {
  const MemberAudit* longest = nullptr;
  for (const MemberAudit& one : members) {
    if (!one.problem.empty()) problems.push_back(one.member + ": " + one.problem);
    if (one.verified && (!longest || one.records.size() > longest->records.size())) longest = &one;
  }
  if (!longest) return {};
  for (const MemberAudit& one : members) {
    if (&one == longest || !one.verified) continue;
    const auto differs = difference(longest->records, one.records);
    if (!differs.empty())
      problems.push_back(differs + " between " + longest->member + " and " + one.member);
  }
  return trace(longest->records);
}

}  // namespace holdfast::drill::evaluate
