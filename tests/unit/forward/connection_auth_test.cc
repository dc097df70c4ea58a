// Which heads give a connection an identity.
#include "proxy/forward/connection_auth.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

RequestHead request_with(std::string_view name, std::string_view value) {
  RequestHead head;
  head.fields.add("Accept", "*/*");
  head.fields.add(name, value);
  return head;
}

ResponseHead response_with(std::string_view name, std::string_view value) {
  ResponseHead head;
  head.fields.add("Server", "test");
  head.fields.add(name, value);
  return head;
}

TEST(ConnectionAuthTest, CredentialsOfSchemesThatAuthenticateConnections) {
  for (const char* value :
       {"Negotiate YII=", "NEGOTIATE\tYII=", "negotiate", "NTLM TlRM", "Kerberos x", " Nego2 x", "CredSSP x"}) {
    EXPECT_TRUE(connection_auth::binds(request_with("Authorization", value))) << value;
    EXPECT_TRUE(connection_auth::binds(request_with("Proxy-Authorization", value))) << value;
    EXPECT_FALSE(connection_auth::binds(request_with("X-Authorization", value))) << value;
  }
  for (const char* value :
       {"", "Basic bnRsbQ==", "Bearer NTLM", "Digest username=\"ntlm\"", "NTLMv9 x", "Negotiated x"})
    EXPECT_FALSE(connection_auth::binds(request_with("Authorization", value))) << value;
  EXPECT_FALSE(connection_auth::binds(RequestHead()));
}

TEST(ConnectionAuthTest, AnyFieldOfSeveralCounts) {
  RequestHead request = request_with("Authorization", "Basic eDp5");
  request.fields.add("authorization", "NTLM TlRM");
  EXPECT_TRUE(connection_auth::binds(request));
  ResponseHead response = response_with("WWW-Authenticate", "Basic realm=\"x\"");
  response.fields.add("www-authenticate", "Negotiate");
  EXPECT_TRUE(connection_auth::binds(response));
}

TEST(ConnectionAuthTest, ChallengesAreAList) {
  for (const char* value : {"Negotiate", "NTLM TlRM", "Basic realm=\"x\", NTLM", "Basic realm=\"a\\\", b\",negotiate",
                            "Digest realm=\"x\", nonce=\"y\" , Negotiate oYG2=="}) {
    EXPECT_TRUE(connection_auth::binds(response_with("WWW-Authenticate", value))) << value;
    EXPECT_TRUE(connection_auth::binds(response_with("Proxy-Authenticate", value))) << value;
  }
  for (const char* value : {"", ",,", "Basic realm=\"NTLM\"", "Basic realm=\"x, NTLM\"", "Digest ntlm=1, negotiate=2"})
    EXPECT_FALSE(connection_auth::binds(response_with("WWW-Authenticate", value))) << value;
}

TEST(ConnectionAuthTest, AnIdentityThatPersistsIsSaid) {
  EXPECT_TRUE(connection_auth::binds(response_with("Persistent-Auth", "true")));
  EXPECT_FALSE(connection_auth::binds(response_with("Persistent-Auth", "false")));
}

}  // namespace
}  // namespace gatehouse
