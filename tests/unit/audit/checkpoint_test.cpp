// Signed roots as text, and their signatures.
#include "supervision/orchestrator/audit/checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "supervision/orchestrator/audit/crypto_linux.hpp"

namespace holdfast::audit {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class CheckpointFiles : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-checkpoint-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string key_file() const { return folder_ + "/audit.key"; }
  SigningKey key(const std::string& name = "colo-a") {
    auto key = SigningKey::open(key_file(), name);
    EXPECT_TRUE(key) << key.error().text;
    return std::move(key).value();
  }
  std::string folder_;
};

Checkpoint checkpoint() { return {"holdfast/audit/test", 42, sha256("root"), {1'795'185'000}}; }

TEST_F(CheckpointFiles, ReturnAsTheyWereAndAreSigned) {
  const auto signing = key();
  const auto note = signing.sign(checkpoint());
  const auto text = text_of(note);
  EXPECT_THAT(text, testing::StartsWith("holdfast/audit/test\n42\n"));
  EXPECT_THAT(text, HasSubstr("\n\n\xe2\x80\x94 colo-a "));
  const auto again = parse_checkpoint(text);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again.value(), note);
  EXPECT_TRUE(check_signature(again.value(), signing.verifier()));
}

TEST_F(CheckpointFiles, AnyOtherTextIsRefusedOrNotSigned) {
  const auto signing = key();
  const auto text = text_of(signing.sign(checkpoint()));
  for (std::size_t at = 0; at < text.size(); ++at)
    for (const int bit : {0, 1, 5}) {
      auto spoilt = text;
      spoilt[at] = static_cast<char>(spoilt[at] ^ (1 << bit));
      const auto note = parse_checkpoint(spoilt);
      EXPECT_TRUE(!note || !check_signature(note.value(), signing.verifier())) << at << ' ' << bit;
    }
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse_checkpoint(text.substr(0, size))) << size;
  EXPECT_FALSE(parse_checkpoint(text + "more\n"));
}

TEST_F(CheckpointFiles, AnotherKeyOrNameDidNotSign) {
  const auto mine = key();
  const auto note = mine.sign(checkpoint());
  fs::remove(key_file());
  const auto other = key();
  EXPECT_NE(other.verifier().key, mine.verifier().key);
  EXPECT_THAT(check_signature(note, other.verifier()).error().text, HasSubstr("another key"));
  EXPECT_THAT(check_signature(note, {"colo-b", mine.verifier().key}).error().text,
              HasSubstr("signed by \"colo-a\", not by \"colo-b\""));
}

TEST_F(CheckpointFiles, AFileHoldsManyAndNamesTheDamagedOne) {
  const auto signing = key();
  std::string text;
  for (uint64_t size = 1; size <= 3; ++size) {
    auto each = checkpoint();
    each.size = size;
    text += text_of(signing.sign(each)) + "\n";
  }
  const auto notes = parse_checkpoints(text);
  ASSERT_TRUE(notes) << notes.error().text;
  ASSERT_EQ(notes.value().size(), 3u);
  EXPECT_EQ(notes.value()[2].checkpoint.size, 3u);
  EXPECT_EQ(parse_checkpoints("").value().size(), 0u);
  EXPECT_THAT(parse_checkpoints(text.substr(0, text.size() - 20)).error().text,
              HasSubstr("number 3 of its checkpoints"));
}

TEST_F(CheckpointFiles, KeysAreTheirOwnersAlone) {
  const auto first = key().verifier();
  struct stat status {};
  ASSERT_EQ(::stat(key_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(key().verifier().key, first.key);  // read again, not made again
  ::chmod(key_file().c_str(), 0640);
  const auto open = SigningKey::open(key_file(), "colo-a");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ErrorCode::kDenied);
}

TEST_F(CheckpointFiles, AKeyFileOfSomethingElseIsRefused) {
  std::ofstream(key_file()) << "no key";
  ::chmod(key_file().c_str(), 0600);
  EXPECT_EQ(SigningKey::open(key_file(), "colo-a").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(SigningKey::open(key_file(), "colo a").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(SigningKey::open(folder_ + "/none/key", "a").error().code, ErrorCode::kIo);
}

TEST_F(CheckpointFiles, PublicKeysAreOneLineOfText) {
  const auto verifier = key().verifier();
  const auto text = text_of(sha256, verifier);
  EXPECT_EQ(parse_verifier(sha256, text + "\n").value(), verifier);
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto spoilt = text;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 1);
    EXPECT_FALSE(parse_verifier(sha256, spoilt)) << at;
  }
}

TEST(Base64, IsThatOfTheStandard) {
  const std::pair<const char*, const char*> known[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text).value(), bytes);
  }
  for (const auto* bad : {"Z", "Zg", "Zg=", "Zh==", "Zm9v=", "Zm9v====", "Z!==", "=Zg="})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Hmac, IsThatOfTheStandard) {
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace holdfast::audit
