// The limits of heads and trailers, at the limit and one beyond: the same number on every protocol.
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::size_t kOverhead = 32;  // of one field
const std::string kAuthority = "shop.test";
// What every head has: the authority, be it in a field or in a pseudo field.
const std::size_t kLeast = std::string_view("host").size() + kAuthority.size() + kOverhead;

void limit(Flow& f) {
  f.options.policy.head = {.max_header_bytes = 500,
                           .max_header_count = 5,
                           .max_target_bytes = 40,
                           .max_trailer_bytes = 200,
                           .max_trailer_count = 3};
}

// One field that brings a section of `others` bytes to `bytes`.
std::pair<std::string, std::string> filler(std::size_t bytes, std::size_t others) {
  const std::string name = "x-fill";
  return {name, std::string(bytes - others - name.size() - kOverhead, 'x')};
}

Fields numbered(std::size_t count) {
  Fields fields;
  for (std::size_t i = 0; i < count; ++i) fields.emplace_back("x-" + std::to_string(i), "1");
  return fields;
}

void passes(Flow& f, Stream s) {
  App& app = f.accept_request();
  f.respond(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", s);
  f.expect_response(s, 200, "");
}

void passes_with_body(Flow& f, Stream s) {
  App& app = f.accept();
  f.await_request(app);
  f.respond(app, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", s);
  f.expect_response(s, 200, "");
}

void is_refused(Flow& f, Stream s, Fault fault) {
  f.until([&] { return f.over(s); });
  EXPECT_EQ(f.response(s).status, rule(fault).status);
  EXPECT_TRUE(f.nobody_connects());
  EXPECT_EQ(f.only_record().fault, fault);
}

Stream with_trailers(Flow& f, const Fields& trailers) {
  limit(f);
  const Stream s = f.open_post(BodyLength::unknown());
  f.client().send(s, "body");
  f.client().finish(s, trailers);
  return s;
}

void refuses_trailers(Flow& f, const Fields& trailers) {
  const Stream s = with_trailers(f, trailers);
  App* app = f.visitor();
  f.expect_fault(s, Fault::kRequestBodyInvalid);
  if (app == nullptr) app = f.visitor();
  if (app != nullptr) {
    EXPECT_TRUE(f.await_cut(*app));
  }
  f.expect_pool(0);
}

const Table kTable = {
    {"HeadOfAsManyBytesAsAllowedPasses",
     [](Flow& f) {
       limit(f);
       passes(f, f.get("/", {filler(500, kLeast)}));
     }},
    {"HeadOfOneByteFewerPasses",
     [](Flow& f) {
       limit(f);
       passes(f, f.get("/", {filler(499, kLeast)}));
     }},
    {"HeadOfOneByteMoreIs431",
     [](Flow& f) {
       limit(f);
       is_refused(f, f.get("/", {filler(501, kLeast)}), Fault::kHeadersTooLarge);
     }},
    {"HeadOfAsManyFieldsAsAllowedPasses",
     [](Flow& f) {
       limit(f);
       passes(f, f.get("/", numbered(4)));
     }},
    {"HeadOfOneFieldMoreIs431",
     [](Flow& f) {
       limit(f);
       is_refused(f, f.get("/", numbered(5)), Fault::kHeadersTooLarge);
     }},
    {"TargetOfAsManyBytesAsAllowedPasses",
     [](Flow& f) {
       limit(f);
       passes(f, f.get("/" + std::string(39, 't')));
     }},
    {"TargetOfOneByteMoreIs414",
     [](Flow& f) {
       limit(f);
       is_refused(f, f.get("/" + std::string(40, 't')), Fault::kTargetTooLong);
     }},
    {"TargetCountsForItselfAndNotWithTheFields",
     [](Flow& f) {
       limit(f);
       passes(f, f.get("/" + std::string(39, 't'), {filler(500, kLeast)}));
     }},
    // Around 64 KiB, which endpoints may send, and where nghttp2 has a limit of its own.
    {"HeadsOfAnswersOfAnySizeArrive",
     [](Flow& f) {
       App* app = nullptr;
       for (const std::size_t size : {60'000UL, 65'100UL, 65'300UL, 65'350UL, 65'380UL, 65'400UL, 65'420UL, 65'440UL}) {
         const Stream s = f.get();
         if (app == nullptr) {
           app = &f.accept_request();
         } else {
           f.await_request(*app);
         }
         f.respond(*app, ok("here", "X-Fill: " + std::string(size, 'x') + "\r\n"), s);
         f.expect_response(s, 200, "here");
         EXPECT_EQ(f.response(s).field("x-fill").size(), size);
         f.forget_records();
       }
     }},
    {"HeadOfAnAnswerBeyondTheLimitIsAFault",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(ok("here", "X-Fill: " + std::string(65'600, 'x') + "\r\n"));
       f.expect_fault(s, Fault::kUpstreamHeadersTooLarge);
     }},
    {"TrailersOfAsManyBytesAsAllowedPass", [](Flow& f) { passes_with_body(f, with_trailers(f, {filler(200, 0)})); }},
    {"TrailersOfOneByteMoreAreNoCleanEnd", [](Flow& f) { refuses_trailers(f, {filler(201, 0)}); }},
    {"TrailersOfAsManyFieldsAsAllowedPass", [](Flow& f) { passes_with_body(f, with_trailers(f, numbered(3))); }},
    {"TrailersOfOneFieldMoreAreNoCleanEnd", [](Flow& f) { refuses_trailers(f, numbered(4)); }},
};

}  // namespace
}  // namespace gatehouse::flow
