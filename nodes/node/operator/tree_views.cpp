#include "nodes/node/operator/tree_views.hpp"

namespace holdfast::node {

using operator_api::TreeNodeView;

const TreeNode* find_in_tree(const TreeNode& root, const std::string& path) {
  if (path.empty() || root.path == path) return &root;
  for (const auto& child : root.children)
    if (path == child.path || path.starts_with(child.path + "/")) return find_in_tree(child, path);
  return nullptr;
}

void TreeViews::remember(const TreeNode& node, WallTime now) {
  seen_[node.path] = {node.messages_handled, now};
  for (const auto& child : node.children) remember(child, now);
}

uint64_t TreeViews::rate_of(const TreeNode& node, WallTime now) const {
  const auto before = seen_.find(node.path);
  if (before == seen_.end() || before->second.first > node.messages_handled) return 0;
  const int64_t ms = (now - before->second.second).ms();
  if (ms <= 0) return 0;
  return (node.messages_handled - before->second.first) * 1000 / static_cast<uint64_t>(ms);
}

TreeNodeView TreeViews::view(const TreeNode& node, uint32_t depth, WallTime now) const {
  TreeNodeView view;
  view.path = node.path;
  const auto slash = node.path.rfind('/');
  view.name = node.path.substr(slash == std::string::npos ? 0 : slash + 1);
  view.kind = node.detail.empty() ? node.kind : node.kind + " (" + node.detail + ")";
  view.state = node.state;
  view.restarts = node.restarts;
  view.mailbox_depth = node.mailbox_depth;
  view.messages = node.messages_handled;
  view.messages_per_second = rate_of(node, now);
  view.last_exit = node.last_exit;
  if (depth > 0)
    for (const auto& child : node.children)
      view.children.push_back(this->view(child, depth - 1, now));
  return view;
}

}  // namespace holdfast::node
