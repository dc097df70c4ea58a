// Endpoints that are told by a PROXY header who the client is: whose requests come on such a connection, the same for
// every protocol.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

std::string header_of(App& app) {
  return app.line() + "\r\n";
}

const Table kTable = {
    {"EndpointIsToldWhoTheClientIsAndHearsNobodyElseThere",
     [](Flow& f) {
       f.options.upstream.proxy_protocol = SendProxyProtocol::kV1;
       const Stream first = f.get("/1");
       App& app = f.accept_request();
       const std::string header = header_of(app);
       EXPECT_TRUE(header.starts_with("PROXY TCP4 " + std::string(Front::kClientAddress) + " 127.0.0.1 ")) << header;
       EXPECT_TRUE(app.has_line("GET /1 HTTP/1.1"));
       f.respond(app, ok("one"), first);
       f.expect_response(first, 200, "one");
       f.expect_pool(0);
       // The same client once more, on the same connection and without a header.
       const Stream second = f.get("/2");
       f.await_head(app);
       EXPECT_EQ(app.line(), "GET /2 HTTP/1.1");
       // While it is busy: of h1 another connection of a client, of the others the same one.
       const Stream third = f.get("/3");
       App& other = f.accept_request();
       EXPECT_EQ(header_of(other) == header, multiplexes(f.protocol())) << header_of(other);
       EXPECT_TRUE(other.has_line("GET /3 HTTP/1.1"));
       f.respond(other, ok("three"), third);
       f.expect_response(third, 200, "three");
       f.respond(app, ok("two"), second);
       f.expect_response(second, 200, "two");
       EXPECT_FALSE(app.cut() || other.cut());
       f.client().leave();
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_TRUE(f.await_cut(other));
       f.expect_pool(0);
       f.finish(Flow::Probe::kNo);  // its apps know nothing of headers
     }},
    {"EndpointIsToldWhomATrustedProxyNamesAndOnceForEach",
     [](Flow& f) {
       f.options.upstream.proxy_protocol = SendProxyProtocol::kV1;
       f.options.policy.trusted_proxies = {AddressRange::parse("192.0.2.0/24").value()};
       const Stream first = f.get("/1", {{"x-forwarded-for", "203.0.113.1"}});
       App& one = f.accept_request();
       EXPECT_TRUE(header_of(one).starts_with("PROXY TCP4 203.0.113.1 ")) << header_of(one);
       f.respond(one, ok("one"), first);
       f.expect_response(first, 200, "one");
       const Stream second = f.get("/2", {{"x-forwarded-for", "203.0.113.2"}});
       App& two = f.accept_request();
       EXPECT_TRUE(header_of(two).starts_with("PROXY TCP4 203.0.113.2 ")) << header_of(two);
       f.respond(two, ok("two"), second);
       f.expect_response(second, 200, "two");
       const Stream third = f.get("/3", {{"x-forwarded-for", "203.0.113.1"}});
       f.await_head(one);
       EXPECT_EQ(one.line(), "GET /3 HTTP/1.1");
       f.respond(one, ok("three"), third);
       f.expect_response(third, 200, "three");
       f.finish(Flow::Probe::kNo);
     }},
    {"ConnectionThatIsTriedAgainIsIntroducedAgain",
     [](Flow& f) {
       f.options.upstream.proxy_protocol = SendProxyProtocol::kV1;
       const Stream first = f.get("/1");
       App& stale = f.accept_request();
       f.respond(stale, ok("one"), first);
       f.expect_response(first, 200, "one");
       const Stream second = f.get("/2");
       f.await_head(stale);
       stale.close();
       App& fresh = f.accept_request();
       EXPECT_TRUE(header_of(fresh).starts_with("PROXY TCP4 ")) << header_of(fresh);
       EXPECT_TRUE(fresh.has_line("GET /2 HTTP/1.1"));
       f.respond(fresh, ok("two"), second);
       EXPECT_EQ(f.response(second).body, "two");
       EXPECT_EQ(f.record("/2").attempts, 2U);
       f.finish(Flow::Probe::kNo);
     }},
    {"ConnectionOfAClientWhoseIdentityIsNotKeptEndsThoughItIsIntroduced",
     [](Flow& f) {
       f.options.upstream.proxy_protocol = SendProxyProtocol::kV1;
       const Stream s = f.get("/", {{"authorization", "Negotiate YIIabc=="}});
       App& app = f.accept_request();
       f.respond(app, ok("you"), s);
       f.expect_response(s, 200, "you");
       EXPECT_TRUE(f.await_cut(app));
       f.finish(Flow::Probe::kNo);
     }},
};

}  // namespace
}  // namespace gatehouse::flow
