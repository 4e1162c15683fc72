// The process around a node: its clock, its log on stdout, random numbers of the system's.
#pragma once

#include <string>

#include "messages/time.hpp"

namespace holdfast::node {

/// The system's wall clock. Any thread.
WallTime wall_now();
/// Of the system's generator, for jitter. Any thread.
uint64_t random_number();
/// One line of the node's log: time, what, details. Any thread.
void say(const std::string& line);

}  // namespace holdfast::node
