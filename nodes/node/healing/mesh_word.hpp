// A word of another member's, as a part of the healing loop hears it: the node's mesh hands each
// part the words of its topics. Who sent it is the mesh's word; what is in it is nobody's yet, so
// whoever takes one reads it as bytes from outside.
#pragma once

#include <string>

#include "supervision/runtime/local_message.hpp"

namespace holdfast::node {

struct MeshWord {
  std::string from;  // the member's name
  std::string topic;
  std::string bytes;
};

}  // namespace holdfast::node

HOLDFAST_LOCAL_MESSAGE(holdfast::node::MeshWord)
