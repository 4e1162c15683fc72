// `holdfast policy`: runs a policy's own tests, and answers what it would say to one proposal and
// why. Reads files only; no node is asked, so it works before anything is deployed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "nodes/console/commands_http.hpp"

namespace CLI {
class App;
}

namespace holdfast::console {

/// Adds one command below `parent`; what runs it gets the console.
using AddCommand =
    std::function<CLI::App*(CLI::App* parent, const std::string& word, const std::string& about,
                            std::function<int(Console&)> run)>;

/// Adds `policy` and what is below it.
void add_policy_commands(CLI::App& app, const AddCommand& add);

/// Every case of the folder's policy_tests.toml. Not clean: mistakes in the files, no cases, or a
/// case that ends otherwise than it says.
int run_policy_test(const Console& console, const std::string& directory);

/// One proposal; `settings` are "key=value". kUsage for a key or value that is none.
int run_policy_explain(const Console& console, const std::string& directory,
                       const std::vector<std::string>& settings);

}  // namespace holdfast::console
