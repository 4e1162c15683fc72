// The schemas against their recorded baseline: what others have written or built on must still be
// readable. capnp::SchemaLoader knows the rules; it throws when two versions of a type disagree.
#include <capnp/message.h>
#include <capnp/schema-loader.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "tests/source_path.hpp"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

/// A compiler request as the schema compiler writes it.
class Compiled {
 public:
  explicit Compiled(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    words_ = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    memcpy(words_.begin(), bytes.data(), words_.asBytes().size());
    reader_.emplace(words_);
  }
  auto nodes() { return reader_->getRoot<capnp::schema::CodeGeneratorRequest>().getNodes(); }

 private:
  kj::Array<capnp::word> words_;
  std::optional<capnp::FlatArrayMessageReader> reader_;
};

/// The first incompatibility of `now` with `before`, or empty.
template <typename Nodes>
std::string incompatibility(Nodes before, Nodes now) {
  capnp::SchemaLoader loader;
  std::set<uint64_t> present;
  for (const auto node : now) present.insert(node.getId());
  for (const auto node : before) {
    if (!present.contains(node.getId()))
      return node.getDisplayName().cStr() + std::string(" is gone");
    loader.load(node);
  }
  for (const auto node : now) {
    try {
      loader.load(node);
    } catch (const kj::Exception& e) {
      return e.getDescription().cStr();
    }
  }
  return "";
}

TEST(SchemaBaseline, EverySchemaIsCompatibleWithWhatWasRecorded) {
  std::size_t compared = 0;
  for (const auto& entry : fs::directory_iterator(tests::source_path("messages/schema/baseline"))) {
    const fs::path current = fs::path(HOLDFAST_COMPILED_SCHEMAS) / entry.path().filename();
    ASSERT_TRUE(fs::exists(current)) << entry.path().stem() << ".capnp is gone";
    Compiled before(entry.path()), now(current);
    EXPECT_EQ(incompatibility(before.nodes(), now.nodes()), "") << entry.path().stem();
    ++compared;
  }
  EXPECT_GE(compared, 1u);
}

TEST(SchemaBaseline, EverySchemaHasABaseline) {
  for (const auto& entry : fs::directory_iterator(tests::source_path("messages/schema"))) {
    if (entry.path().extension() != ".capnp") continue;
    const auto name = entry.path().stem().string();
    EXPECT_TRUE(fs::exists(tests::source_path("messages/schema/baseline/" + name + ".bin")))
        << "run messages/schema/record_baseline and commit what it writes";
  }
}

TEST(SchemaBaseline, AChangedFieldTypeIsFound) {
  Compiled before(tests::source_path("messages/schema/baseline/order_entry.bin"));
  capnp::MallocMessageBuilder message;
  message.setRoot(capnp::schema::CodeGeneratorRequest::Reader());
  auto request = message.initRoot<capnp::schema::CodeGeneratorRequest>();
  request.setNodes(before.nodes());
  bool changed = false;
  for (auto node : request.getNodes()) {
    if (!node.isStruct()) continue;
    for (auto field : node.getStruct().getFields()) {
      if (!field.isSlot() || !field.getSlot().getType().isInt64()) continue;
      field.getSlot().getType().setFloat64();
      field.getSlot().getDefaultValue().setFloat64(0);
      changed = true;
    }
  }
  ASSERT_TRUE(changed);
  EXPECT_NE(incompatibility(before.nodes(), request.asReader().getNodes()), "");
}

TEST(SchemaBaseline, AVanishedTypeIsFound) {
  Compiled before(tests::source_path("messages/schema/baseline/order_entry.bin"));
  capnp::MallocMessageBuilder message;
  auto request = message.initRoot<capnp::schema::CodeGeneratorRequest>();
  const auto all = before.nodes();
  auto fewer = request.initNodes(all.size() - 1);
  for (uint32_t i = 0; i + 1 < all.size(); ++i) fewer.setWithCaveats(i, all[i + 1]);
  EXPECT_NE(incompatibility(all, request.asReader().getNodes()), "");
}

}  // namespace
}  // namespace holdfast
