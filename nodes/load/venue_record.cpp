#include "nodes/load/venue_record.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

namespace holdfast::load {

namespace {
using Json = nlohmann::json;

VenueFact fact_of(const Json& line) {
  const auto text = [&](const char* key) { return line.value(key, std::string()); };
  const auto quantity = [&](const char* key) {
    const auto parsed = Quantity::parse(text(key).empty() ? "0" : text(key));
    return parsed ? parsed.value() : Quantity{};
  };
  VenueFact fact;
  fact.type = line.at("type").get<std::string>();
  fact.session = text("session");
  fact.clordid = text("clordid");
  fact.account = text("account");
  fact.client_order_id = text("client_order_id");
  fact.exec_id = text("execid");
  fact.quantity = quantity("qty");
  fact.cumulative = quantity("cum");
  return fact;
}
}  // namespace

Result<std::vector<VenueFact>> read_venue_record(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::kNotFound, "can't read the venue's record " + path};
  std::vector<VenueFact> facts;
  std::string line;
  for (uint64_t number = 1; std::getline(file, line); ++number) {
    if (file.eof()) break;  // no newline yet
    try {
      facts.push_back(fact_of(Json::parse(line)));
    } catch (const Json::exception& error) {
      return Error{ErrorCode::kCorrupt, path + ":" + std::to_string(number) + ": " + error.what()};
    }
  }
  return facts;
}

std::string to_json(const Verdict& v, const std::string& flow, uint64_t skipped_hidden,
                    uint64_t orphans, uint64_t halts, uint64_t malformed, uint64_t kills,
                    uint64_t elapsed_ms) {
  nlohmann::ordered_json out;
  out["flow"] = flow;
  out["sent"] = v.sent;
  out["acked"] = v.acked;
  out["rejected"] = v.rejected;
  out["filled"] = v.filled;
  out["cancelled"] = v.cancelled;
  out["expired"] = v.expired;
  out["open"] = v.open;
  out["not_sent"] = v.not_sent;
  out["unknown"] = v.unknown;
  out["lost"] = v.lost;
  out["duplicated"] = v.duplicated;
  out["contradicted"] = v.contradicted;
  out["skipped_hidden"] = skipped_hidden;
  out["orphans"] = orphans;
  out["halts"] = halts;
  out["malformed"] = malformed;
  out["requests_refused"] = v.requests_refused;
  out["rejected_by_reason"] = v.rejected_by_reason;
  out["requests_refused_by_reason"] = v.requests_refused_by_reason;
  out["unfinished"] = v.unfinished;
  out["kills"] = kills;
  out["elapsed_ms"] = elapsed_ms;
  out["clean"] = v.clean();
  out["findings"] = v.findings;
  return out.dump(2) + "\n";
}

}  // namespace holdfast::load
