// The node: one process that hosts order entry, order shards and venue gateways on a hot loop,
// their journal, the actor tree and the operator API. This is the composition root: it makes every
// part from the configuration, in order, and takes them down in reverse. It decides nothing about
// orders.
#pragma once

#include <atomic>
#include <memory>

#include "nodes/settings/settings.hpp"

namespace holdfast::node {

/// How the process ended; main's exit code.
enum class NodeExit : int {
  kStopped = 0,      // asked to, everything flushed
  kGaveUp = 1,       // the root of the actor tree gave up; the guard starts a fresh process
  kBadSettings = 2,  // the configuration can't be used
  kCannotStart = 3,  // a port, the journal or a file can't be had
};

/// Runs a node until SIGTERM or SIGINT, or until its tree gives up. Blocks; call it once, from
/// main, before any other thread exists. Says what it does on stdout, what is wrong on stderr.
NodeExit run_node(const settings::Settings& settings);

}  // namespace holdfast::node
