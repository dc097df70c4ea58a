// Hashes as htpasswd and argon2 write them (made by libxcrypt's crypt(3) and `openssl kdf`), and what is refused.
#include "common/crypto/password_hash.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

constexpr const char* kWonderland = "$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW";
constexpr const char* kBuilder = "$2b$05$ABCDEFGHIJKLMNOPQRSTUuKhbQ46.1M17O7MldTQVIhrJvb/XpIme";
constexpr const char* kLookingGlass =
    "$argon2id$v=19$m=7168,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MYhhhzON/xjvsmXyLwPk5MgfzSDuyfY7rtdH2kItHhs";

std::string why_not(const std::string& text) {
  const auto parsed = PasswordHash::parse(text);
  return parsed ? "" : parsed.error().message;
}

TEST(PasswordHash, MatchesThePasswordThatItWasMadeOfAndNoOther) {
  struct Case {
    const char* hash;
    const char* password;
  };
  for (const Case& each :
       {Case{kWonderland, "wonderland"}, Case{kBuilder, "builder"}, Case{kLookingGlass, "looking-glass"}}) {
    const auto hash = PasswordHash::parse(each.hash);
    ASSERT_TRUE(hash) << hash.error().message;
    const std::string password = each.password;
    EXPECT_TRUE(hash->matches(password)) << each.hash;
    EXPECT_FALSE(hash->matches(password + "x")) << each.hash;
    EXPECT_FALSE(hash->matches(password.substr(1))) << each.hash;
    EXPECT_FALSE(hash->matches("")) << each.hash;
    EXPECT_FALSE(hash->matches(password + std::string(1, '\0') + "x")) << each.hash;
  }
}

TEST(PasswordHash, RefusesWhatCanBeGuessedAndSaysWhatWouldBeRight) {
  for (const char* text :
       {"wonderland", "", "$apr1$salt$0123456789012345678901", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "$6$salt$hash",
        "$1$salt$hash", "$2a$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW",
        "$2y$04$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW"}) {
    EXPECT_NE(why_not(text).find("htpasswd -B"), std::string::npos) << text << ": " << why_not(text);
  }
  EXPECT_EQ(why_not("wonderland").find("wonderland"), std::string::npos);
}

TEST(PasswordHash, RefusesWhatIsNotWhole) {
  const std::string bcrypt = kWonderland;
  for (std::size_t size = 4; size < bcrypt.size(); ++size) EXPECT_NE(why_not(bcrypt.substr(0, size)), "") << size;
  EXPECT_NE(why_not(bcrypt + "x"), "");
  EXPECT_NE(why_not("$argon2id$v=18$m=7168,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MYhhhzON/xjvsmXyLwPk5MgfzSDuyfY7rtdH2kItHhs"),
            "");
  EXPECT_NE(why_not("$argon2id$v=19$m=7168,t=1$MDEyMzQ1Njc4OWFiY2RlZg$MYhhhzON/xjvsmXyLwPk5MgfzSDuyfY7rtdH2kItHhs"),
            "");
  EXPECT_NE(why_not("$argon2id$v=19$m=7168,t=0,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MYhhhzON/xjvsmXyLwPk5MgfzSDuyfY7rtdH2kItHhs"),
            "");
  EXPECT_NE(why_not("$argon2id$v=19$m=7168,t=1,p=1$MDEyMzQ1$MYhh"), "");
  EXPECT_NE(why_not("$argon2id$"), "");
}

TEST(PasswordHash, RefusesWhatWouldTakeSecondsAtEachSignIn) {
  EXPECT_NE(why_not("$2y$16$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW").find("-C 12"), std::string::npos);
  EXPECT_NE(
      why_not("$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MYhhhzON/xjvsmXyLwPk5MgfzSDuyfY7rtdH2kItHhs"),
      "");
  EXPECT_NE(
      why_not("$argon2id$v=19$m=7168,t=99,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MYhhhzON/xjvsmXyLwPk5MgfzSDuyfY7rtdH2kItHhs"), "");
}

}  // namespace
}  // namespace gatehouse
