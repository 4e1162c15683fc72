// The lines of the exchange's own record, the independent witness that drills check against: one
// JSON object for each fact, documented in README.md. Also the spelling of OrderIDs and ExecIDs.
// Pure; writing them to a file before the report leaves is venue_linux's.
#pragma once

#include <string>
#include <string_view>

#include "messages/time.hpp"
#include "nodes/venue/reports.hpp"

namespace holdfast::exchange {

/// How numbers become OrderIDs and ExecIDs: unique over restarts by the run's start time.
class IdSpelling {
 public:
  /// `start`: when this run of the exchange began.
  explicit IdSpelling(WallTime start);
  void append_order_id(std::string& out, OrderNumber number) const;  // "NONE" for 0
  void append_execution_id(std::string& out, uint64_t number) const;

 private:
  std::string run_;  // milliseconds since 1970 in base 36
};

/// Appends the record's line for `report`, sent to `session`, to `out`; a status makes none.
void append_record(std::string& out, WallTime now, std::string_view session, const Report& report,
                   const IdSpelling& ids);
/// The same for a refused cancel or replace.
void append_record(std::string& out, WallTime now, std::string_view session, const Refusal& refusal,
                   const IdSpelling& ids);

}  // namespace holdfast::exchange
