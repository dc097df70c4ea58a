#include <format>
#include <string>

#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "tests/support/diagnostics_case.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse::config {
namespace {

using testing_support::Context;
using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// Who may ask, by name.
const DiagnosticsCase kAuthKeys[] = {
    {.name = "SchemesNeedTheirFilesAndFilesTheirSchemes",
     .text = R"([[routes]]
path = "/a"
to = "base"
auth = { schemes = ["Negotiate"] }
[[routes]]
path = "/b"
to = "base"
auth = { schemes = ["Negotiate"], keytab = "/k", users = "/u" }
[[routes]]
path = "/c"
to = "base"
auth = { schemes = [], keytab = "/k" }
[[routes]]
path = "/d"
to = "base"
auth = { users = "/u" }
[[routes]]
path = "/e"
to = "base"
auth = { schemes = ["Negotiate"], keytab = "" }
)",
     .expected = R"(4:8: "Negotiate" needs "keytab"
8:58: "users" is for "Basic", which "schemes" does not list
12:33: "keytab" is for "Negotiate", which "schemes" does not list
16:8: "auth" needs "schemes": ["Negotiate"], ["Basic"] or both
16:18: "users" is for "Basic", which "schemes" does not list
20:44: "Negotiate" needs "keytab", which is empty
)"},
    {.name = "SchemesThatAreNone",
     .text = R"([[routes]]
path = "/a"
to = "base"
auth = { schemes = ["NTLM", "Digest", "negotiate", "Negotiate"], keytab = "/k" }
)",
     .expected =
         R"(4:21: "schemes": "NTLM" is none; it is "Negotiate" or "Basic"; NTLM is passed through to an endpoint by connection_auth, and never ended here
4:29: "schemes": "Digest" is none; it is "Negotiate" or "Basic"
4:52: the scheme "Negotiate" is listed twice
)"},
    {.name = "WhoSignsInHereDoesNotSignInThere",
     .text = R"([[routes]]
path = "/a"
to = "base"
connection_auth = true
auth = { schemes = ["Negotiate"], keytab = "/k" }
)",
     .expected =
         R"(5:8: "auth" beside "connection_auth": who signs in here, or at the endpoint, is one of the two
)"},
    {.name = "PasswordsAndBindingsWantTls",
     .text = R"([[listeners]]
address = ":1"
[[routes]]
path = "/a"
respond = { status = 200 }
auth = { schemes = ["Basic"], users = "/u" }
[[routes]]
path = "/b"
respond = { status = 200 }
auth = { schemes = ["Negotiate"], keytab = "/k", channel_binding = "require" }
[[routes]]
path = "/c"
respond = { status = 200 }
auth = { schemes = ["Negotiate"], keytab = "/k" }
)",
     .expected =
         R"(6:8: Basic sends passwords, and no listener has tls, nor trusted_proxies that could say that a client came by https; add [listeners.tls], or leave "Basic" out of "schemes"
10:8: "channel_binding" binds a sign-in to a TLS connection that ends here, and no listener has tls; where TLS ends at a proxy in front, leave "channel_binding" out
)",
     .context = Context::kNothing},
    {.name = "PasswordsBehindAProxyThatEndsTls",
     .text = R"([[listeners]]
address = ":1"
trusted_proxies = ["10.0.0.0/8"]
[[routes]]
respond = { status = 200 }
auth = { schemes = ["Basic"], users = "/u" }
)",
     .expected = "",
     .context = Context::kNothing},
    {.name = "BindingIsOfTickets",
     .text = R"([[listeners]]
address = ":1"
tls = { certificates = [{ certificate = "c", private_key = "k" }] }
[[routes]]
respond = { status = 200 }
auth = { schemes = ["Basic"], users = "/u", channel_binding = "allow" }
)",
     .expected = R"(6:63: "channel_binding" is for "Negotiate", which "schemes" does not list
)",
     .context = Context::kNothing},
    {.name = "TheNameOfWhoHasSignedInIsOursToSay",
     .text = R"([[routes]]
path = "/a"
to = "base"
auth = { schemes = ["Negotiate"], keytab = "/k" }
request_headers = { set = { x-forwarded-user = "root" } }
)",
     .expected =
         R"(4:8: "request_headers" has X-Forwarded-User, which is who has signed in on a route with "auth"; leave it out
)"},
};

INSTANTIATE_TEST_SUITE_P(AuthKeys, DiagnosticsTest, testing::ValuesIn(kAuthKeys), testing_support::name_of_case);

// As `gatehouse check` has it: the mistakes of a file stand in its own lines.
TEST(AuthFiles, MistakesOfUsersStandInTheirLines) {
  const testing_support::TemporaryFolder folder;
  const std::string users = folder.write("users", "# ours\nalice:secret\n");
  const std::string keytab = folder.write("keytab", "no keytab");
  const Loaded loaded = load(folder.write("gatehouse.toml", std::format(R"([[listeners]]
address = "127.0.0.1:1"
trusted_proxies = ["127.0.0.1"]
[[routes]]
respond = {{ status = 200 }}
auth = {{ schemes = ["Basic", "Negotiate"], users = "users", keytab = "keytab" }}
)")));
  std::string said;
  for (const Diagnostic& diagnostic : loaded.diagnostics) said += diagnostic.to_string() + "\n";
  EXPECT_NE(said.find(users + ":2:1: "), std::string::npos) << said;
  EXPECT_NE(said.find("htpasswd -B"), std::string::npos) << said;
  EXPECT_NE(said.find(keytab + "\" is no keytab"), std::string::npos) << said;
  EXPECT_FALSE(loaded.config);
}

}  // namespace
}  // namespace gatehouse::config
