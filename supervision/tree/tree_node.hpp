// What inspection of the tree asks and answers: plain structs, for the console and for the operator
// API. A tree is assembled level by level, each with a deadline, so that one hung child shows as
// such and hides nobody else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/time.hpp"

namespace holdfast {

/// One row of the tree.
struct TreeNode {
  std::string path;   // "node/orders/shard-0"
  std::string kind;   // "supervisor", "worker", or what a worker calls its leaves, e.g. "order"
  std::string state;  // a child state, "not answering", or what a leaf calls its state
  uint64_t restarts = 0;
  uint64_t mailbox_depth = 0;     // messages waiting
  uint64_t messages_handled = 0;  // since its last start
  std::string last_exit;          // empty: never ended
  std::string detail;             // for people
  uint64_t leaves = 0;            // rows that LeafQuery would show under it
  std::vector<TreeNode> children;
};

/// Asks a supervisor for its subtree; the answer is a TreeNode. Takes `deadline` at most.
struct TreeQuery {
  Duration deadline = Duration::milliseconds(200);
};

/// Asks the worker at `path` for its leaves (e.g. the orders of a shard); sent to any supervisor
/// above it. The answer is a LeafPage, or an error where the worker has none.
struct LeafQuery {
  std::string path;
  uint64_t offset = 0;
  uint64_t limit = 100;  // at most limits::kLeafPageMax are answered
};

/// Some of a worker's leaves.
struct LeafPage {
  uint64_t total = 0;
  std::vector<TreeNode> rows;
};

/// What an operator may do to a child.
enum class TreeAction { kRestart, kStop, kRelease, kQuarantine, kKill };

/// An operator's command for the child at `path`; sent to any supervisor above it. The answer is a
/// TreeReply.
struct TreeCommand {
  TreeAction action = TreeAction::kRestart;
  std::string path;
  std::string who;     // the operator, for the log
  std::string reason;  // in words, for the log
};

/// Whether the command was taken; if not, why, and what to do. It is carried out afterwards.
struct TreeReply {
  bool ok = false;
  std::string text;
};

/// Stable names: "restart", "stop", "release", "quarantine", "kill".
constexpr const char* to_string(TreeAction action) {
  switch (action) {
    case TreeAction::kRestart:
      return "restart";
    case TreeAction::kStop:
      return "stop";
    case TreeAction::kRelease:
      return "release";
    case TreeAction::kQuarantine:
      return "quarantine";
    case TreeAction::kKill:
      return "kill";
  }
  return "?";
}

}  // namespace holdfast
