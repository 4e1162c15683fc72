// The schemas of messages/schema against their recorded baselines, and the proof that the
// comparison bites: changes planted in a small schema are refused or let through as they should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/source_path.hpp"
#include "tests/unit/schema_compat/compatibility.hpp"

namespace holdfast::tests {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kRecord[] =
    "\nIf this is meant, record it: tests/unit/schema_compat/record (see its --help)";

std::vector<fs::path> files_in(std::string_view folder, std::string_view extension) {
  std::vector<fs::path> found;
  if (!fs::exists(source_path(folder))) return found;
  for (const auto& entry : fs::directory_iterator(source_path(folder)))
    if (entry.path().extension() == extension) found.push_back(entry.path());
  return found;
}

std::vector<fs::path> schemas() { return files_in("messages/schema", ".capnp"); }

std::string baseline_of(const fs::path& schema) {
  return source_path("tests/unit/schema_compat/baseline/") + schema.stem().string() + ".bin";
}

TEST(Schemas, HaveABaselineEachAndNoBaselineIsOrphaned) {
  for (const auto& baseline : files_in("tests/unit/schema_compat/baseline", ".bin"))
    EXPECT_TRUE(fs::exists(source_path("messages/schema/") + baseline.stem().string() + ".capnp"))
        << baseline << " has lost its schema: what was written under it can't be read any more";
  for (const auto& schema : schemas())
    EXPECT_TRUE(fs::exists(baseline_of(schema))) << schema << " has no baseline" << kRecord;
}

TEST(Schemas, ReadWhatWasWrittenUnderTheBaseline) {
  for (const auto& schema : schemas()) {
    if (!fs::exists(baseline_of(schema))) continue;  // the test above says so
    const auto found = incompatibilities(CompiledSchema::load(baseline_of(schema)),
                                         CompiledSchema::compile(schema));
    EXPECT_THAT(found, IsEmpty()) << schema << kRecord;
  }
}

TEST(Schemas, AreRecordedInFull) {
  for (const auto& schema : schemas()) {
    if (!fs::exists(baseline_of(schema))) continue;
    const auto found =
        growth(CompiledSchema::load(baseline_of(schema)), CompiledSchema::compile(schema));
    EXPECT_THAT(found, IsEmpty()) << schema << " has grown; what is not recorded is not protected"
                                  << kRecord;
  }
}

// ---- the proof: one schema, changed in one place at a time
constexpr std::string_view kBase = R"(@0xa1b2c3d4e5f60718;
struct Order {
  id @0 :UInt64;
  symbol @1 :Text;
  price @2 :Int64;
  kind :union {
    market @3 :Void;
    limit @4 :Int64;
  }
  side @5 :Side;
  legs @6 :List(Leg);
}
struct Leg { ratio @0 :Int32; }
enum Side { buy @0; sell @1; }
interface Entry {
  submit @0 (order :Order) -> (accepted :Bool);
  cancel @1 (id :UInt64) -> ();
}
)";

class PlantedChange : public testing::Test {
 protected:
  PlantedChange()
      : folder_(fs::temp_directory_path() / ("holdfast-schema-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~PlantedChange() override { fs::remove_all(folder_); }

  CompiledSchema compiled(const std::string& text) {
    const auto path = folder_ / "planted.capnp";
    std::ofstream(path) << text;
    return CompiledSchema::compile(path);
  }
  static std::string changed(std::string_view what, std::string_view into) {
    std::string text(kBase);
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), into);
  }
  std::vector<std::string> refused(std::string_view what, std::string_view into) {
    return incompatibilities(compiled(std::string(kBase)), compiled(changed(what, into)));
  }

 private:
  fs::path folder_;
};

TEST_F(PlantedChange, NoneIsCompatible) {
  EXPECT_THAT(incompatibilities(compiled(std::string(kBase)), compiled(std::string(kBase))),
              IsEmpty());
  EXPECT_THAT(growth(compiled(std::string(kBase)), compiled(std::string(kBase))), IsEmpty());
}

TEST_F(PlantedChange, AnAddedFieldPassesAndCountsAsGrowth) {
  const auto grown = changed("legs @6 :List(Leg);", "legs @6 :List(Leg); account @7 :Text;");
  EXPECT_THAT(incompatibilities(compiled(std::string(kBase)), compiled(grown)), IsEmpty());
  EXPECT_THAT(growth(compiled(std::string(kBase)), compiled(grown)),
              testing::ElementsAre(HasSubstr("the field 'account' is new")));
}

TEST_F(PlantedChange, AddedEnumerantsMethodsUnionMembersAndTypesPass) {
  EXPECT_THAT(refused("sell @1;", "sell @1; sellShort @2;"), IsEmpty());
  EXPECT_THAT(
      refused("cancel @1 (id :UInt64) -> ();", "cancel @1 (id :UInt64) -> (); status @2 () -> ();"),
      IsEmpty());
  EXPECT_THAT(refused("submit @0 (order :Order)", "submit @0 (order :Order, deadline :Int64)"),
              IsEmpty());
  EXPECT_THAT(refused("limit @4 :Int64;", "limit @4 :Int64; stop @7 :Int64;"), IsEmpty());
  EXPECT_THAT(refused("struct Leg {", "struct Extra {} struct Leg {"), IsEmpty());
}

TEST_F(PlantedChange, ARenamedFieldPassesBecauseTheWireHasNoNames) {
  EXPECT_THAT(refused("price @2", "limitPrice @2"), IsEmpty());
}

TEST_F(PlantedChange, AChangedTypeIsRefused) {
  EXPECT_THAT(refused("price @2 :Int64", "price @2 :Text"), testing::Not(IsEmpty()));
  EXPECT_THAT(refused("price @2 :Int64", "price @2 :Int32"), testing::Not(IsEmpty()));
  EXPECT_THAT(refused("ratio @0 :Int32", "ratio @0 :Int64"), testing::Not(IsEmpty()));
  EXPECT_THAT(refused("legs @6 :List(Leg)", "legs @6 :List(Int64)"), testing::Not(IsEmpty()));
}

TEST_F(PlantedChange, ReusedNumbersAreRefused) {
  EXPECT_THAT(refused("id @0 :UInt64;\n  symbol @1 :Text;", "symbol @0 :Text;\n  id @1 :UInt64;"),
              testing::Not(IsEmpty()));
}

TEST_F(PlantedChange, AFieldMovedIntoAUnionIsRefused) {
  EXPECT_THAT(refused("limit @4 :Int64;\n  }\n  side @5 :Side;",
                      "limit @4 :Int64;\n    side @5 :Side;\n  }"),
              testing::Not(IsEmpty()));
}

TEST_F(PlantedChange, WhatIsGoneIsRefused) {
  EXPECT_THAT(refused("legs @6 :List(Leg);", ""), testing::Contains(HasSubstr("'legs'")));
  EXPECT_THAT(refused("enum Side { buy @0; sell @1; }", "enum Side { buy @0; }"),
              testing::Contains(HasSubstr("'sell'")));
  EXPECT_THAT(refused("cancel @1 (id :UInt64) -> ();", ""),
              testing::Contains(HasSubstr("'cancel'")));
  EXPECT_THAT(refused("enum Side { buy @0; sell @1; }",
                      "enum Flank { buy @0; sell @1; } using Side = Flank;"),
              testing::Contains(HasSubstr("Side is gone")));
}

TEST_F(PlantedChange, AnotherParameterStructIsRefused) {
  EXPECT_THAT(refused("cancel @1 (id :UInt64)", "cancel @1 Leg"), testing::Not(IsEmpty()));
}

TEST_F(PlantedChange, ASchemaThatDoesNotCompileIsAnError) {
  EXPECT_THROW(compiled("struct {"), std::runtime_error);
  EXPECT_THROW(CompiledSchema::load("/nonexistent"), std::runtime_error);
}

}  // namespace
}  // namespace holdfast::tests
