#include "nodes/settings/audit_settings.hpp"

#include "tests/source_path.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

namespace holdfast::settings {
namespace {

using audit::Treatment;
using testing::HasSubstr;

class AuditFile : public SettingsFiles {
 protected:
  AuditSettings read(const std::string& text) {
    write("audit.toml", text);
    problems_ = {};
    return load_audit(folder_, problems_);
  }
  std::string wrong(const std::string& text) {
    (void)read(text);
    return problems_.str();
  }
  Problems problems_;
};

TEST_F(AuditFile, WithoutOneNothingOfAccountsAndKeysIsShown) {
  const auto settings = load_audit(folder_, problems_);
  EXPECT_TRUE(problems_.none()) << problems_.str();
  EXPECT_EQ(settings.accounts, Treatment::kDrop);
  EXPECT_EQ(settings.keys, Treatment::kDrop);
}

TEST_F(AuditFile, TheDefaultsOfTheFileAreThoseOfTheCode) {
  const auto settings = load_audit(tests::source_path("config"), problems_);
  EXPECT_TRUE(problems_.none()) << problems_.str();
  EXPECT_EQ(settings, AuditSettings{});
}

TEST_F(AuditFile, IsReadWhole) {
  const auto settings = read(R"(
[log]
directory = "/srv/audit"
checkpoint_every = 10
checkpoint_interval = "5s"
[redaction]
accounts = "hmac"
keys = "clear"
secret_file = "audit.secret"
)");
  EXPECT_TRUE(problems_.none()) << problems_.str();
  EXPECT_EQ(settings.directory, "/srv/audit");
  EXPECT_EQ(settings.checkpoint_every, 10u);
  EXPECT_EQ(settings.checkpoint_interval, Duration::seconds(5));
  EXPECT_EQ(settings.accounts, Treatment::kHmac);
  EXPECT_EQ(settings.keys, Treatment::kClear);
  EXPECT_EQ(settings.secret_file, folder_ + "/audit.secret");
}

TEST_F(AuditFile, EveryMistakeIsNamed) {
  EXPECT_THAT(wrong("[redaction]\naccounts = \"hash\"\n"), HasSubstr("accounts"));
  EXPECT_THAT(wrong("[redaction]\naccount = \"drop\"\n"), HasSubstr("\"accounts\""));
  EXPECT_THAT(wrong("[redaction]\nkeys = \"hmac\"\n"), HasSubstr("needs a file with a secret"));
  EXPECT_THAT(wrong("[log]\ncheckpoint_every = 0\n"), HasSubstr("checkpoint_every"));
  EXPECT_THAT(wrong("[log]\ncheckpoint_interval = \"1us\"\n"), HasSubstr("checkpoint_interval"));
  EXPECT_THAT(wrong("[logs]\n"), HasSubstr("\"log\""));
}

TEST_F(AuditFile, ItsMistakesAreAmongThoseOfTheFolder) {
  write("audit.toml", "[redaction]\nkeys = \"hmac\"\n");
  problems_ = {};
  (void)load_settings(folder_, {}, problems_);
  EXPECT_THAT(problems_.str(), HasSubstr("audit.toml:1:1: secret_file"));
}

}  // namespace
}  // namespace holdfast::settings
