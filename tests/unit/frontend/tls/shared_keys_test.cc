#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/key_file.h"
#include "proxy/frontend/tls/ticket_keys.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing_support::TemporaryFolder;

// Eighty bytes, no two of which are the same, the first of them `first`.
std::string ticket_key(char first) {
  std::string key;
  for (int i = 0; i < 80; ++i) key += static_cast<char>(first + i);
  return key;
}

std::string hex(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string read(const key_file::Key& key) {
  return {key.bytes().begin(), key.bytes().end()};
}

TEST(KeyFile, IsTheBytesOrTheirHexadecimalOrBase64) {
  const TemporaryFolder folder;
  const std::string bytes = "0123456789abcdef0123456789abcd\x01\xff";
  const std::string digits = hex(bytes);
  for (const std::string& text : {bytes, digits, digits + "\n", digits.substr(0, 32) + "\r\n" + digits.substr(32),
                                  std::string("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkAf8=\n")}) {
    const auto key = key_file::load(folder.write("key", text), 32);
    ASSERT_TRUE(key.has_value()) << text << key.error().message;
    EXPECT_EQ(read(*key), bytes) << text;
  }
}

TEST(KeyFile, AnythingElseIsRefusedWithTheCure) {
  const TemporaryFolder folder;
  const std::string good = ticket_key('!').substr(0, 32);
  for (const std::string& text :
       {std::string(), good + "\n", good.substr(1), hex(good).substr(2), hex(good) + "0", "g" + hex(good).substr(1),
        std::string("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkAf==\n"), std::string(100'000, 'a')}) {
    const auto key = key_file::load(folder.write("key", text), 32);
    ASSERT_FALSE(key.has_value()) << text;
    EXPECT_THAT(key.error().message, HasSubstr("/key holds "));
    EXPECT_THAT(key.error().message, HasSubstr("`openssl rand -out FILE 32` makes one"));
  }
  EXPECT_THAT(key_file::load(folder.write("key", std::string(32, '\0')), 32).error().message,
              HasSubstr("is no secret"));
  EXPECT_THAT(key_file::load(folder.path() / "none", 32).error().message, HasSubstr("none: No such file"));
  EXPECT_THAT(key_file::load(folder.path(), 32).error().message, HasSubstr("Is a directory"));
}

TEST(SharedTicketKeys, TheFirstFileEncryptsAndAllAreAccepted) {
  const TemporaryFolder folder;
  const std::string one = folder.write("one", ticket_key(0));
  const std::string two = folder.write("two", hex(ticket_key(100)));
  const auto before = TicketKeys::load({one, two}).value();
  const auto after = TicketKeys::load({two, one}).value();
  EXPECT_EQ(before->current().name, after->find(before->current().name)->key.name);
  EXPECT_TRUE(before->find(before->current().name)->current);
  EXPECT_FALSE(after->find(before->current().name)->current);  // the client gets a new ticket
  EXPECT_FALSE(TicketKeys::load({two}).value()->find(before->current().name).has_value());
}

TEST(SharedTicketKeys, AKeyIsItsNameThenItsHmacKeyThenItsCipherKey) {
  const TemporaryFolder folder;
  const TicketKeys::Key key = TicketKeys::load({folder.write("key", ticket_key(0))}).value()->current();
  EXPECT_EQ(key.name[0], 0);
  EXPECT_EQ(key.mac[0], 16);
  EXPECT_EQ(key.cipher[0], 48);
  EXPECT_EQ(key.cipher[31], 79);
}

TEST(SharedTicketKeys, OneFileThatIsWrongFailsThemAll) {
  const TemporaryFolder folder;
  const auto keys = TicketKeys::load({folder.write("good", ticket_key(0)), folder.write("short", "48 bytes")});
  ASSERT_FALSE(keys.has_value());
  EXPECT_THAT(keys.error().message, HasSubstr("/short holds 8 bytes"));
}

}  // namespace
}  // namespace gatehouse
