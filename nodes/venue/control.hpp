// The control port's language: a line in, one JSON line out. Switches faults, halts symbols, ends
// the day and shows what was counted; `help` lists it all. Pure: the port itself is venue_linux's.
#pragma once

#include <string>
#include <string_view>

#include "nodes/venue/exchange.hpp"

namespace holdfast::exchange {

/// Carries out one command line and appends its answer, one line of JSON with at least "ok", to
/// `out`. What is not understood changes nothing and says what would be.
void run_command(std::string_view line, Exchange& exchange, Faults& faults, Now now,
                 std::string& out);

}  // namespace holdfast::exchange
