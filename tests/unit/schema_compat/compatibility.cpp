#include "tests/unit/schema_compat/compatibility.hpp"

#include <capnp/schema-loader.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cstring>
#include <map>
#include <stdexcept>

#include "tests/source_path.hpp"

namespace holdfast::tests {

namespace {

using capnp::schema::Node;

/// The standard output of a command, as words. Throws when it fails.
kj::Array<capnp::word> output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot start: " + command);
  std::string bytes;
  char block[65536];
  for (std::size_t n = 0; (n = fread(block, 1, sizeof block, pipe)) > 0;) bytes.append(block, n);
  const int status = pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || bytes.empty() ||
      bytes.size() % sizeof(capnp::word) != 0)
    throw std::runtime_error("no compiled schema from: " + command);
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  return words;
}

std::map<uint64_t, Node::Reader> by_id(const CompiledSchema& schema) {
  std::map<uint64_t, Node::Reader> nodes;
  for (auto node : schema.request().getNodes()) nodes.emplace(node.getId(), node);
  return nodes;
}

/// The named parts of a node in the order of their numbers, with what a part is called.
std::pair<const char*, std::vector<std::string>> parts_of(Node::Reader node) {
  std::vector<std::string> names;
  const auto collect = [&](auto list) {
    for (auto item : list) names.push_back(item.getName().cStr());
  };
  switch (node.which()) {
    case Node::STRUCT:
      collect(node.getStruct().getFields());
      return {"field", names};
    case Node::ENUM:
      collect(node.getEnum().getEnumerants());
      return {"enumerant", names};
    case Node::INTERFACE:
      collect(node.getInterface().getMethods());
      return {"method", names};
    default:
      return {"part", names};
  }
}

/// The loader's complaint with the places it was looking at (field, method), outermost first.
std::string words_of(const kj::Exception& wrong) {
  std::string words = wrong.getDescription().cStr();
  KJ_IF_MAYBE (context, wrong.getContext()) {
    for (const kj::Exception::Context* at = context; at != nullptr;) {
      words = std::string(at->description.cStr()) + ": " + words;
      KJ_IF_MAYBE (next, at->next) {
        at = next->get();
      } else {
        at = nullptr;
      }
    }
  }
  return words;
}

std::string name_of(Node::Reader node) { return node.getDisplayName().cStr(); }

}  // namespace

CompiledSchema::CompiledSchema(kj::Array<capnp::word> words) : words_(kj::mv(words)) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 1u << 24;
  reader_ = std::make_unique<capnp::FlatArrayMessageReader>(words_, options);
  request_ = reader_->getRoot<capnp::schema::CodeGeneratorRequest>();
}

CompiledSchema CompiledSchema::compile(const std::string& path) {
  return CompiledSchema(output_of("capnp compile -o- -I'" + source_path("") + "' --src-prefix='" +
                                  path.substr(0, path.rfind('/')) + "' '" + path + "'"));
}

CompiledSchema CompiledSchema::load(const std::string& path) {
  return CompiledSchema(output_of(
      "capnp convert packed:binary /usr/include/capnp/schema.capnp CodeGeneratorRequest <'" + path +
      "'"));
}

std::vector<std::string> incompatibilities(const CompiledSchema& before,
                                           const CompiledSchema& now) {
  std::vector<std::string> found;
  capnp::SchemaLoader loader;
  for (auto node : before.request().getNodes()) loader.load(node);
  const auto current = by_id(now);
  for (auto old : before.request().getNodes()) {
    const auto it = current.find(old.getId());
    if (it == current.end()) {
      found.push_back(name_of(old) + " is gone (or has another id)");
      continue;
    }
    const auto node = it->second;
    try {
      loader.load(node);
    } catch (const kj::Exception& wrong) {
      found.push_back(name_of(old) + ": " + words_of(wrong));
      continue;
    }
    const auto [kind, parts] = parts_of(old);
    const auto count = parts_of(node).second.size();
    for (auto i = count; i < parts.size(); ++i)
      found.push_back(name_of(old) + ": the " + kind + " '" + parts[i] +
                      "' or one before it is gone");
  }
  return found;
}

std::vector<std::string> growth(const CompiledSchema& before, const CompiledSchema& now) {
  std::vector<std::string> found;
  const auto recorded = by_id(before);
  for (auto node : now.request().getNodes()) {
    const auto it = recorded.find(node.getId());
    if (it == recorded.end()) {
      found.push_back(name_of(node) + " is new");
      continue;
    }
    const auto [kind, parts] = parts_of(node);
    const auto count = parts_of(it->second).second.size();
    for (auto i = count; i < parts.size(); ++i)
      found.push_back(name_of(node) + ": the " + kind + " '" + parts[i] + "' is new");
  }
  return found;
}

}  // namespace holdfast::tests
