// A note that is a page, as the line that a human is told.
#pragma once

#include <string>

#include "supervision/orchestrator/healing/healing.hpp"

namespace holdfast::node {

/// "page: incident 7, remedy 3: remedies do not end it".
std::string page_text(const orchestrator::healing::Note& note);

}  // namespace holdfast::node
