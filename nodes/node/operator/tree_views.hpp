// The actor tree as operators see it: a supervisor's answer, with rates over the time since it was
// last looked at. Asks nobody.
#pragma once

#include <map>
#include <string>

#include "nodes/node/api/views.hpp"
#include "supervision/tree/tree_node.hpp"

namespace holdfast::node {

/// The node of the tree at `path`, "" being its root; null when there is none.
const TreeNode* find_in_tree(const TreeNode& root, const std::string& path);

class TreeViews {
 public:
  /// What has been handled by `now`, for the rates of the next look.
  void remember(const TreeNode& node, WallTime now);
  /// `node` with `depth` levels below it.
  operator_api::TreeNodeView view(const TreeNode& node, uint32_t depth, WallTime now) const;

 private:
  uint64_t rate_of(const TreeNode& node, WallTime now) const;
  std::map<std::string, std::pair<uint64_t, WallTime>> seen_;  // messages handled, and when
};

}  // namespace holdfast::node
