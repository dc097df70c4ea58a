// What a response says of the next requests: early hints that were learned, Link, and Priority on its way through.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::string_view kTeaching =
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\nCache-Control: public\r\nLink: </a.css>; "
    "rel=preload; as=style\r\n\r\npage";

Request navigation(const Fields& more = {}) {
  Request request{.fields = {{"accept", "text/html"}}};
  request.fields.insert(request.fields.end(), more.begin(), more.end());
  return request;
}

// Asks, and the app gives the response.
Stream play(Flow& f, const Request& request, std::string_view response, std::string_view body = "page") {
  const Stream s = f.begin(request);
  f.respond(f.accept_request(), response, s);
  f.expect_response(s, 200, body);
  return s;
}

const Table kTable = {
    {"HintsThatWereLearnedComeBeforeTheAppHasAnswered",
     [](Flow& f) {
       f.options.route.early_hints = true;
       EXPECT_TRUE(f.response(play(f, navigation(), kTeaching)).interim.empty());
       const Stream s = f.begin(navigation({{"cookie", "a=b"}}));
       App& app = f.accept_request();
       f.settle();
       f.respond(app, ok("late"), s);
       const std::vector<int> hints(multiplexes(f.protocol()) ? 1 : 0, 103);
       EXPECT_EQ(f.response(s).interim, hints);
       f.expect_response(s, 200, "late");
     }},
    {"PersonalAnswersTeachNoHints",
     [](Flow& f) {
       f.options.route.early_hints = true;
       play(f, navigation({{"cookie", "a=b"}}), kTeaching);
       play(f, navigation({{"authorization", "Basic eA=="}}), kTeaching);
       play(f, navigation(),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nLink: </a.css>; rel=preload\r\n\r\n", "");
       EXPECT_TRUE(f.response(play(f, navigation(), ok("late"), "late")).interim.empty());
     }},
    {"RoutesWithoutHintsNeitherLearnNorTell",
     [](Flow& f) {
       play(f, navigation(), kTeaching);
       EXPECT_TRUE(f.response(play(f, navigation(), ok("late"), "late")).interim.empty());
     }},
    {"LinksToPreloadAreForTheClientToFollow",
     [](Flow& f) {
       f.options.route.push = true;
       const Stream s = play(f, navigation(), kTeaching);
       EXPECT_EQ(f.response(s).field("link"), "</a.css>; rel=preload; as=style");
     }},
    {"PriorityPassesInBothDirections",
     [](Flow& f) {
       const Stream s = f.begin({.fields = {{"priority", "u=1, i"}}});
       App& app = f.accept_request();
       EXPECT_EQ(app.field("Priority"), "u=1, i");
       f.respond(app, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nPriority: u=5\r\n\r\nok", s);
       EXPECT_EQ(f.response(s).field("priority"), "u=5");
       f.expect_response(s, 200, "ok");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
