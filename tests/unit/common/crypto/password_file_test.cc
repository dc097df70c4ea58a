#include "common/crypto/password_file.h"

#include <format>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

constexpr const char* kWonderland = "$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW";
constexpr const char* kBuilder = "$2b$05$ABCDEFGHIJKLMNOPQRSTUuKhbQ46.1M17O7MldTQVIhrJvb/XpIme";

std::string mistakes_of(const std::string& text) {
  const auto file = PasswordFile::parse(text);
  std::string out;
  if (file) return out;
  for (const PasswordFile::Mistake& mistake : file.error())
    out += std::format("{}: {}\n", mistake.line, mistake.message);
  return out;
}

TEST(PasswordFile, KnowsItsUsersByTheirPasswords) {
  const auto file = PasswordFile::parse(std::format("# users\n\nalice:{}\r\nbob:{}", kWonderland, kBuilder));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 2U);
  EXPECT_TRUE(file->knows("alice", "wonderland"));
  EXPECT_TRUE(file->knows("bob", "builder"));
  EXPECT_FALSE(file->knows("alice", "builder"));
  EXPECT_FALSE(file->knows("Alice", "wonderland"));
  // The first user's password, with which a name that is not there is compared.
  EXPECT_FALSE(file->knows("mallory", "wonderland"));
}

TEST(PasswordFile, SaysWhatIsWrongWithEachLineAndRepeatsNoSecret) {
  const std::string said = mistakes_of(
      std::format("alice:{}\nno colon\n:{}\nbob:secret\nalice:{}\ncarol:$apr1$a$b\n", kWonderland, kBuilder, kBuilder));
  EXPECT_EQ(
      said,
      "2: the line has no colon; it is NAME:HASH, as `htpasswd -B` has it\n"
      "3: the name before the colon is empty, too long, or has control characters or blanks at its ends\n"
      "4: the hash is a plain password, or DES crypt, which can be read or guessed; write it anew with `htpasswd -B`\n"
      "5: the name is that of line 1; a user has one line\n"
      "6: the hash is MD5, which can be guessed; write it anew with `htpasswd -B`\n");
}

TEST(PasswordFile, WithoutAUserItIsAMistake) {
  EXPECT_EQ(mistakes_of("# nobody\n"), "0: there is no user in it; add one with `htpasswd -B FILE NAME`\n");
  const testing_support::TemporaryFolder folder;
  const auto missing = PasswordFile::load((folder.path() / "missing").string());
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().front().message.find("No such file"), std::string::npos);
  EXPECT_TRUE(PasswordFile::load(folder.write("users", std::string("alice:") + kWonderland)));
}

}  // namespace
}  // namespace gatehouse
