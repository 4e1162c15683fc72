// Where the repository is, for tests that read its files (configuration, recorded baselines).
// Compiled in one place so that no test binary depends on the folder it is started from.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::tests {

/// The absolute path of a file of the repository: source_path("messages/schema").
std::string source_path(std::string_view relative);

}  // namespace holdfast::tests
