#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "tests/support/diagnostics_case.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;
using testing_support::name_of_case;
using testing_support::TemporaryFolder;

const DiagnosticsCase kCases[] = {
    {.name = "AdminNamesAreNamesOfHosts",
     .text = R"([server]
admin_names = ["gatehouse.internal", "*.internal", "gw:9180", ""]
)",
     .expected =
         R"(2:38: "admin_names": "*.internal" is no host name; write "gatehouse.internal", without port or wildcard )"
         R"((IP addresses are answered anyhow)
2:52: "admin_names": "gw:9180" is no host name; write "gatehouse.internal", without port or wildcard (IP addresses )"
         R"(are answered anyhow)
2:63: "admin_names": "" is no host name; write "gatehouse.internal", without port or wildcard (IP addresses are )"
         R"(answered anyhow)
)"},
    {.name = "AServerIdIsHexadecimalOrAnIpv4Address",
     .text = R"([server]
quic_server_id = "web-1"
)",
     .expected = R"(2:18: "quic_server_id" must be 1 to 15 bytes in hexadecimal, such as "0a01", or an IPv4 )"
                 R"(address, or "" for none, not "web-1"
)"},
    {.name = "AServerIdHasWholeBytesAndNotTooMany",
     .text = R"([server]
quic_server_id = "0a1"
[[listeners]]
)",
     .expected = R"(2:18: "quic_server_id" must be 1 to 15 bytes in hexadecimal, such as "0a01", or an IPv4 )"
                 R"(address, or "" for none, not "0a1"
3:1: a listener needs an address, such as ":8443", "127.0.0.1:80" or "unix:/path"
)"},
    {.name = "SixteenBytesAreOneTooMany",
     .text = R"([server]
quic_server_id = "000102030405060708090a0b0c0d0e0f"
)",
     .expected = R"(2:18: "quic_server_id" must be 1 to 15 bytes in hexadecimal, such as "0a01", or an IPv4 )"
                 R"(address, or "" for none, not "000102030405060708090a0b0c0d0e0f"
)"},
    {.name = "AConfigurationNumberIsBelowSevenAndNeedsAServerId",
     .text = R"([server]
quic_config_id = 7
)",
     .expected = "2:18: \"quic_config_id\" must be from 0 to 6, not 7\n"},
    {.name = "AConfigurationNumberAloneDoesNothing",
     .text = R"([server]
quic_config_id = 2
)",
     .expected = "2:18: warning: \"quic_config_id\" has no effect without \"quic_server_id\"\n"},
    {.name = "TicketKeysNeedTickets",
     .text = R"([[listeners]]
address = ":1"
[listeners.tls]
certificates = [{ certificate = "c", private_key = "k" }]
session_tickets = false
ticket_key_files = ["a"]
)",
     .expected = "6:20: \"ticket_key_files\" has no meaning with session_tickets = false\n"},
};
INSTANTIATE_TEST_SUITE_P(Fleet, DiagnosticsTest, testing::ValuesIn(kCases), name_of_case);

class FleetConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto pem = testing_support::make_certificate();
    folder.write("cert.pem", pem.certificate);
    folder.write("key.pem", pem.private_key);
  }
  Loaded load_with(const std::string& server, const std::string& tls) {
    return load(folder.write("gatehouse.toml", "[server]\n" + server +
                                                   "\n[[listeners]]\naddress = \":8443\"\n[listeners.tls]\n"
                                                   "certificates = [{ certificate = \"cert.pem\", private_key = "
                                                   "\"key.pem\" }]\n" +
                                                   tls + "\n[[routes]]\nrespond = { status = 404 }\n"));
  }
  static std::vector<std::string> messages(const Loaded& loaded) {
    std::vector<std::string> out;
    for (const Diagnostic& diagnostic : loaded.diagnostics) {
      const std::string line = diagnostic.to_string();
      out.push_back(line.substr(line.find(".toml:") + 6));
    }
    return out;
  }
  std::string key(char first) {
    std::string bytes;
    for (int i = 0; i < 80; ++i) bytes += static_cast<char>(first + i);
    return bytes;
  }

  TemporaryFolder folder;
};

TEST_F(FleetConfigTest, ServerIdsAreReadFromHexadecimalAndFromAddresses) {
  EXPECT_THAT(load_with("quic_server_id = \"0aFF\"", "").config->server.quic_server_id, ElementsAre(0x0a, 0xff));
  EXPECT_THAT(load_with("quic_server_id = \"10.0.2.1\"", "").config->server.quic_server_id, ElementsAre(10, 0, 2, 1));
  EXPECT_TRUE(load_with("quic_server_id = \"\"", "").config->server.quic_server_id.empty());
}

TEST_F(FleetConfigTest, GoodKeysAreFoundBesideTheFile) {
  folder.write("tickets/new", key(1));
  folder.write("tickets/old", key(90));
  const Loaded loaded = load_with("", R"(ticket_key_files = ["tickets/new", "tickets/old"])");
  EXPECT_THAT(messages(loaded), ElementsAre());
  ASSERT_TRUE(loaded.config.has_value());
  const auto& files = loaded.config->listeners[0].tls->ticket_key_files;
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, folder.path() / "tickets/new");
}

TEST_F(FleetConfigTest, EveryWrongKeyIsSaidWithItsPlace) {
  folder.write("good", key(1));
  folder.write("twin", key(1));
  folder.write("small", "48 bytes, as AES-128 has it.....................");
  const Loaded loaded =
      load_with(R"(secret_file = "small")", R"(ticket_key_files = ["good", "small", "gone", "twin"])");
  EXPECT_FALSE(loaded.config.has_value());
  const std::string twin = folder.path() / "twin";
  const std::string good = folder.path() / "good";
  EXPECT_THAT(messages(loaded),
              ElementsAre(HasSubstr("2:15: "), HasSubstr("small holds 48 bytes, which are no key of 80, "),
                          HasSubstr("gone: No such file or directory"),
                          HasSubstr("\"" + twin + "\" is the same key as \"" + good + "\"")));
}

TEST_F(FleetConfigTest, AKeyThatEveryoneMayReadIsAWarning) {
  const std::string file = folder.write("tickets", key(1));
  std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  EXPECT_THAT(messages(load_with("", R"(ticket_key_files = ["tickets"])")),
              ElementsAre(HasSubstr("warning: every user of this machine can read or write the ticket key")));
}

}  // namespace
}  // namespace gatehouse::config
