// The heap of the node's process, for a short death and no surprises: a killed process is seen to
// be dead when its memory is freed, which goes by the page, so everything lies in one stretch of
// address space that asks for huge pages; and large pieces of work that leave nothing behind
// allocate apart from what the node keeps. Needs jemalloc: with another allocator (the sanitizers')
// all of it does nothing. How jemalloc is set up beyond that is `malloc_conf`, in main.cpp.
#pragma once

namespace holdfast::node {

/// From here on the heap grows in one stretch on huge pages. Once, first thing in main. False: this
/// process has no jemalloc, or the system grants no such stretch; then the heap is as it was.
bool heap_in_one_stretch();

/// While one lives its thread allocates from a heap apart, which keeps its memory for the next:
/// what comes in a rush and goes again, such as a snapshot with its second copy of a group's state,
/// does not scatter what stays. At most one a thread, made and destroyed on that thread. What is
/// allocated meanwhile may be freed anywhere, and may outlive it.
class ScratchMemory {
 public:
  ScratchMemory();
  ~ScratchMemory();
  ScratchMemory(const ScratchMemory&) = delete;
  ScratchMemory& operator=(const ScratchMemory&) = delete;

  /// False: this process has no jemalloc, or its heap could not be made.
  bool apart() const { return apart_; }

 private:
  bool apart_ = false;
  unsigned before_ = 0;  // the thread's arena
};

}  // namespace holdfast::node
