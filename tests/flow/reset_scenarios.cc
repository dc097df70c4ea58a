// X-Reset-Code: an app that wants its answer reset, and with which code.
#include <format>

#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

// The code that the client of this dialect is told; h1 knows of none.
std::uint64_t code_of(const Flow& f, std::uint64_t h2, std::uint64_t h3) {
  if (f.is(Protocol::kH2)) return h2;
  return f.is(Protocol::kH3) ? h3 : 0;
}

std::string head_with(std::string_view code, std::string_view body) {
  return ok(body, std::format("X-Reset-Code: {}\r\n", code));
}

std::string chunked_with(std::string_view body, std::string_view trailers) {
  return std::format("{}{}0\r\n{}\r\n", kChunkedOk, chunk(body), trailers);
}

struct Codes {
  std::string_view said;
  std::uint64_t h2;
  std::uint64_t h3;
};

void expect_reset_instead(Flow& f, const Codes& codes) {
  const Stream s = f.get();
  App& app = f.accept_request();
  app.say(head_with(codes.said, "never seen"));
  EXPECT_TRUE(f.until([&] { return f.over(s); }));
  EXPECT_EQ(f.response(s).status, 0);
  EXPECT_EQ(f.response(s).body, "");
  EXPECT_EQ(f.response(s).end, End::kBroken);
  EXPECT_EQ(f.response(s).code, code_of(f, codes.h2, codes.h3));
  EXPECT_EQ(f.client().usable(s), !f.is(Protocol::kH1));
  const Record record = f.only_record();
  EXPECT_EQ(record.fault, Fault::kResetByEndpoint);
  EXPECT_EQ(record.status, 502);
  f.expect_pool(0);
}

const Table kTable = {
    {"ResetCodeInTheHeadResetsInsteadOfAnswering", [](Flow& f) { expect_reset_instead(f, {"11", 11, 0x107}); }},
    {"ResetCodeMaySayThatNothingWasDone", [](Flow& f) { expect_reset_instead(f, {"7", 7, 0x10b}); }},
    {"ResetCodeMaySayThatHttp1IsNeeded", [](Flow& f) { expect_reset_instead(f, {"13", 13, 0x110}); }},
    {"ResetCodeOfZeroIsNoAnswerEither", [](Flow& f) { expect_reset_instead(f, {"0", 0, 0x100}); }},
    {"ResetCodeEndsAnUpload",
     [](Flow& f) {
       const Stream s = f.open_post(BodyLength::unknown());
       f.client().send(s, pattern(5000));
       App& app = f.accept_request();
       app.say(head_with("8", ""));
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).status, 0);
       EXPECT_EQ(f.response(s).code, code_of(f, 8, 0x10c));
       EXPECT_TRUE(f.await_cut(app));
       EXPECT_EQ(f.only_record().fault, Fault::kResetByEndpoint);
     }},
    {"ResetCodeInTheTrailersResetsBehindTheBody",
     [](Flow& f) {
       const Stream s = f.get("/", {{"te", "trailers"}});
       App& app = f.accept_request();
       app.say(std::string(kChunkedOk) + chunk("some of it"));
       EXPECT_TRUE(f.until([&] { return f.response(s).body == "some of it"; }));
       app.say(chunk("!") + "0\r\nX-Reset-Code: 2\r\nX-Sum: 1\r\n\r\n");
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).status, 200);
       EXPECT_EQ(f.response(s).body, "some of it!");
       EXPECT_EQ(f.response(s).end, End::kBroken);
       EXPECT_EQ(f.response(s).code, code_of(f, 2, 0x102));
       EXPECT_TRUE(f.response(s).trailers.empty());
       EXPECT_EQ(f.only_record().fault, Fault::kResetByEndpoint);
       f.expect_pool(1);
     }},
    {"ResetCodeInTheTrailersNeedsNoClientThatTakesTrailers",
     [](Flow& f) {
       const Stream s = f.get();
       App& app = f.accept_request();
       app.say(std::string(kChunkedOk) + chunk("x"));
       EXPECT_TRUE(f.until([&] { return f.response(s).body == "x"; }));
       app.say("0\r\nx-reset-code: 8\r\n\r\n");
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).end, End::kBroken);
       EXPECT_EQ(f.response(s).code, code_of(f, 8, 0x10c));
       EXPECT_EQ(f.only_record().fault, Fault::kResetByEndpoint);
     }},
    {"ResetWaitsForAClientThatIsSlowToTakeTheBody",
     [](Flow& f) {
       const Stream s = f.get();
       f.client().stop_reading(s);
       App& app = f.accept_request();
       const std::string body = pattern(1'000'000);
       const std::string all = chunked_with(body, "X-Reset-Code: 8\r\n");
       std::size_t said = 0;
       for (int i = 0; i < 100; ++i) {
         said += app.say_what_fits(std::string_view(all).substr(said));
         f.turn();
       }
       EXPECT_EQ(f.running(), 1);
       f.client().read_on(s);
       EXPECT_TRUE(f.until([&] {
         said += app.say_what_fits(std::string_view(all).substr(said));
         return f.over(s);
       }));
       EXPECT_EQ(f.response(s).body, body);
       EXPECT_EQ(f.response(s).end, End::kBroken);
       EXPECT_EQ(f.response(s).code, code_of(f, 8, 0x10c));
       EXPECT_EQ(f.only_record().fault, Fault::kResetByEndpoint);
     }},
    {"TrailersCannotSayThatNothingWasDone",
     [](Flow& f) {
       const Stream s = f.get("/", {{"te", "trailers"}});
       App& app = f.accept_request();
       f.respond(app, chunked_with("all", "X-Reset-Code: 7\r\nX-Sum: 1\r\n"), s);
       f.expect_response(s, 200, "all");
       EXPECT_EQ(f.response(s).trailers, (Fields{{"x-sum", "1"}}));
     }},
    {"ResetCodeThatIsNoneIsIgnoredAndNotPassedOn",
     [](Flow& f) {
       for (const std::string_view said : {"14", "no", "1, 2", ""}) {
         const Stream s = f.get();
         App& app = f.accept_request();
         f.respond(app, head_with(said, "answer"), s);
         f.expect_response(s, 200, "answer");
         EXPECT_EQ(f.response(s).field("x-reset-code"), "");
         app.close();
         f.settle();
       }
     }},
};

}  // namespace
}  // namespace gatehouse::flow
