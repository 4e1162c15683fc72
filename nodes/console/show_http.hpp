// The operator API's answers as text for people. Each function takes the JSON of one endpoint and
// is forgiving: a field that is missing shows as nothing, so that an older CLI can look at a newer
// node.
#pragma once

#include <nlohmann/json.hpp>

#include "messages/time.hpp"
#include "nodes/console/table.hpp"

namespace holdfast::console {

using Json = nlohmann::ordered_json;

std::string show_health(const Json& json, const Screen& screen);
std::string show_tree(const Json& json, const Screen& screen);
std::string show_orders(const Json& json, const Screen& screen);
std::string show_order(const Json& json, const Screen& screen);
std::string show_risk(const Json& json, const Screen& screen);
std::string show_fan_out(const Json& json, const std::string& done, const Screen& screen);
std::string show_reload(const Json& json, const Screen& screen);
std::string show_venues(const Json& json, const Screen& screen);
/// One venue with everything that is known of it.
std::string show_venue(const Json& json, const Screen& screen);
/// What was, or is, of unknown outcome at one venue.
std::string show_reconciliation(const Json& json, const Screen& screen);
std::string show_journal(const Json& json, const Screen& screen);
/// How a hand-over began: what is in flight, and by when it is called off.
std::string show_hand_over(const Json& json);
std::string show_groups(const Json& json, const Screen& screen);
std::string show_orchestrator(const Json& json, const Screen& screen);
std::string show_telemetry(const Json& json, const Screen& screen);
std::string show_backup(const Json& json, const Screen& screen);

/// A guard's answer, which is flat.
std::string show_guard(const Json& json, const Screen& screen);

// ---- pieces that they share

/// The text of a field; "" when it is missing or null; numbers as digits.
std::string text_of(const Json& json, const char* field);
/// "18:41:33.123" of an ISO time; "" for null. The date too when `date`.
std::string clock_of(const Json& json, const char* field, bool date = false);
/// Decimal text for reading: thousands apart, at most two decimals ("1,832,234.62"). The JSON has
/// every digit.
std::string money_of(const Json& json, const char* field);
/// "12.5 GiB".
std::string size_text(uint64_t bytes);
/// "as of orders/0 #77, orders/1 #80".
std::string as_of_line(const Json& json, const Screen& screen);

}  // namespace holdfast::console
