// Whether a port accepts connections, asked without waiting longer than the caller wants to.
#pragma once

#include <cstdint>
#include <string>

#include "messages/time.hpp"

namespace holdfast {

/// Any thread; blocks for `within` at most, beside the look-up of a name.
bool port_answers(const std::string& host, uint16_t port, Duration within);

}  // namespace holdfast
