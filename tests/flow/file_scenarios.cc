// Files of a route's folder, and files that an app names in its place: the same for every protocol. The folder is a real
// one, and so are the threads that open it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "proxy/files/file_site.h"
#include "proxy/files/send_file.h"
#include "proxy/http/date.h"
#include "tests/flow/scenario.h"

namespace gatehouse::flow {
namespace {

constexpr std::size_t kLarge = 1024 * 1024;

class Folder {
 public:
  std::string path() const { return (folder_.path() / "site").string(); }
  void write(const std::string& name, std::string_view text) const { folder_.write("site/" + name, text); }
  std::filesystem::path at(const std::string& name) const { return folder_.path() / "site" / name; }

  // Serves it below /site.
  void serve(Flow& f, FileSite::Options options = {}) const {
    options.folder = path();
    Route route{.name = "site", .path = "/site", .strip_prefix = true, .path_as = PathAs::kCanonical};
    route.action = ServeFiles{std::make_shared<const FileSite>(std::move(options), lane())};
    route.response_headers.set = {{"X-Route", "site"}};
    f.options.others.push_back(std::move(route));
  }
  void let_send(Flow& f) const {
    SendFile::Options options{.folders = {path()}, .places = {{.prefix = "/inside/", .folder = path()}}, .user = ""};
    f.options.send_file = std::make_shared<const SendFile>(std::move(options), lane());
  }
  static FileLane lane() { return FileLane::of(std::make_shared<FilePool>()); }

 private:
  testing_support::TemporaryFolder folder_;
};

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23 + i / 4096 % 3);
  return text;
}

Response asked(Flow& f, const std::string& target, const Fields& fields = {}, const std::string& method = "GET") {
  const Stream s = f.begin({.method = method, .target = target, .fields = fields});
  EXPECT_TRUE(f.until([&] { return f.over(s); })) << target;
  EXPECT_EQ(f.response(s).end, End::kClean) << target;
  EXPECT_EQ(f.response(s).field("x-route"), "site") << target;
  const Record record = f.record(target);
  EXPECT_EQ(record.bytes_out, f.response(s).body.size()) << target;
  EXPECT_FALSE(record.fault) << target;
  return f.response(s);
}

int status(Flow& f, const std::string& target, const Fields& fields = {}) {
  return asked(f, target, fields).status;
}

// The app names a file by this field, and has no body of its own.
Stream name_file(Flow& f, const std::string& field, const Fields& fields = {}) {
  const Stream s = f.get("/", fields);
  App& app = f.accept_request();
  EXPECT_EQ(app.field("X-Sendfile-Type"), "X-Sendfile");
  app.forget();
  app.say("HTTP/1.1 200 OK\r\nContent-Type: image/x-test\r\nSet-Cookie: a=b\r\n" + field +
          "\r\nContent-Length: 0\r\n\r\n");
  f.until([&] { return f.over(s); });
  EXPECT_EQ(f.record("/").bytes_out, f.response(s).body.size());
  return s;
}

const Table kTable = {
    {"AFileIsServedWithItsTypeAndItsValidators",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.html", "<p>hello");
       folder.serve(f);
       const Response response = asked(f, "/site/a.html?x=y");
       EXPECT_EQ(response.status, 200);
       EXPECT_EQ(response.body, "<p>hello");
       EXPECT_EQ(response.field("content-type"), "text/html; charset=utf-8");
       EXPECT_EQ(response.field("content-length"), "8");
       EXPECT_EQ(response.field("accept-ranges"), "bytes");
       EXPECT_EQ(response.field("vary"), "Accept-Encoding");
       EXPECT_EQ(response.field("proxy-status"), "");
       EXPECT_TRUE(response.field("etag").starts_with('"')) << response.field("etag");
       EXPECT_TRUE(parse_http_date(response.field("last-modified"))) << response.field("last-modified");
       const Response head = asked(f, "/site/a.html", {}, "HEAD");
       EXPECT_EQ(head.body, "");
       for (const char* name : {"content-type", "content-length", "etag", "last-modified"}) {
         EXPECT_EQ(head.field(name), response.field(name)) << name;
       }
     }},
    {"ALargeFileArrivesWhole",
     [](Flow& f) {
       const Folder folder;
       const std::string text = pattern(kLarge);
       folder.write("large.bin", text);
       folder.serve(f);
       EXPECT_TRUE(asked(f, "/site/large.bin").body == text);
     }},
    {"AnEmptyFileIsServed",
     [](Flow& f) {
       const Folder folder;
       folder.write("empty.txt", "");
       folder.serve(f);
       const Response response = asked(f, "/site/empty.txt", {{"range", "bytes=-5"}});
       EXPECT_EQ(response.status, 200);
       EXPECT_EQ(response.field("content-length"), "0");
     }},
    {"AChangedFileIsServedAtOnce",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.txt", "before");
       folder.serve(f);
       const Response before = asked(f, "/site/a.txt");
       folder.write("a.txt", "after, and longer");
       const Response after = asked(f, "/site/a.txt", {{"if-none-match", before.field("etag")}});
       EXPECT_EQ(after.status, 200);
       EXPECT_EQ(after.body, "after, and longer");
       EXPECT_NE(after.field("etag"), before.field("etag"));
     }},
    {"RangesOfAFileAreServed",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.txt", "0123456789");
       folder.serve(f);
       const Response part = asked(f, "/site/a.txt", {{"range", "bytes=2-4"}});
       EXPECT_EQ(part.status, 206);
       EXPECT_EQ(part.body, "234");
       EXPECT_EQ(part.field("content-range"), "bytes 2-4/10");
       const Response beyond = asked(f, "/site/a.txt", {{"range", "bytes=10-"}});
       EXPECT_EQ(beyond.status, 416);
       EXPECT_EQ(beyond.field("content-range"), "bytes */10");
       const Response resumed = asked(f, "/site/a.txt", {{"range", "bytes=8-"}, {"if-range", part.field("etag")}});
       EXPECT_EQ(resumed.body, "89");
       const Response other = asked(f, "/site/a.txt", {{"range", "bytes=8-"}, {"if-range", "\"other\""}});
       EXPECT_EQ(other.status, 200);
       EXPECT_EQ(other.body, "0123456789");
     }},
    {"SeveralRangesOfAFileAreServedAsParts",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.txt", "0123456789");
       folder.serve(f);
       const Response response = asked(f, "/site/a.txt", {{"range", "bytes=0-1,-2"}});
       EXPECT_EQ(response.status, 206);
       const std::string type = response.field("content-type");
       ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary=")) << type;
       const std::string boundary = type.substr(type.find('=') + 1);
       const auto part = [&](const char* range, const char* text) {
         return "\r\n--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " + range +
                "/10\r\n\r\n" + text;
       };
       EXPECT_EQ(response.body, part("0-1", "01") + part("8-9", "89") + "\r\n--" + boundary + "--\r\n");
       EXPECT_EQ(response.field("content-length"), std::to_string(response.body.size()));
     }},
    {"WhatAClientHasIsNotSentAgain",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.css", "p{}");
       folder.serve(f);
       const Response first = asked(f, "/site/a.css");
       const Response same = asked(f, "/site/a.css", {{"if-none-match", first.field("etag")}});
       EXPECT_EQ(same.status, 304);
       EXPECT_EQ(same.body, "");
       EXPECT_EQ(same.field("etag"), first.field("etag"));
       EXPECT_EQ(same.field("vary"), "Accept-Encoding");
       EXPECT_EQ(status(f, "/site/a.css", {{"if-modified-since", first.field("last-modified")}}), 304);
       EXPECT_EQ(status(f, "/site/a.css", {{"if-match", "\"other\""}}), 412);
     }},
    {"AnotherMethodThanGetAndHeadIsNotAllowed",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.txt", "x");
       folder.serve(f);
       for (const char* method : {"PUT", "DELETE", "OPTIONS"}) {
         const Response response = asked(f, "/site/a.txt", {}, method);
         EXPECT_EQ(response.status, 405) << method;
         EXPECT_EQ(response.field("allow"), "GET, HEAD") << method;
       }
     }},
    {"AFolderIsShownByItsIndexAndHasASlash",
     [](Flow& f) {
       const Folder folder;
       folder.write("docs/index.html", "docs");
       folder.write("bare/a.txt", "x");
       folder.serve(f);
       EXPECT_EQ(asked(f, "/site/docs/").body, "docs");
       const Response moved = asked(f, "/site/docs?a=b");
       EXPECT_EQ(moved.status, 301);
       EXPECT_EQ(moved.field("location"), "/site/docs/?a=b");
       EXPECT_EQ(asked(f, "/site").field("location"), "");  // it has no index
       EXPECT_EQ(status(f, "/site/bare/"), 403);
       EXPECT_EQ(status(f, "/site/bare"), 403);
       EXPECT_EQ(status(f, "/site/none/"), 404);
       EXPECT_EQ(status(f, "/site/bare/a.txt/"), 404);
     }},
    {"AnApplicationOfOnePageIsServedForEveryPath",
     [](Flow& f) {
       const Folder folder;
       folder.write("index.html", "app");
       folder.write("a.js", "script");
       folder.serve(f, {.folder = "", .attempts = {"{path}", "{path}/", "/index.html"}});
       EXPECT_EQ(asked(f, "/site/a.js").body, "script");
       EXPECT_EQ(asked(f, "/site/orders/7").body, "app");
       EXPECT_EQ(asked(f, "/site/orders/7").field("content-type"), "text/html; charset=utf-8");
       EXPECT_EQ(asked(f, "/site/").body, "app");
       EXPECT_EQ(asked(f, "/site").field("location"), "/site/");
     }},
    {"WhatIsHiddenOrOutsideIsNotThere",
     [](Flow& f) {
       const Folder folder;
       folder.write(".git/config", "secret");
       folder.write("../outside.txt", "secret");
       folder.write(".well-known/x.txt", "known");
       folder.serve(f);
       EXPECT_EQ(asked(f, "/site/.well-known/x.txt").body, "known");
       for (const char* target : {"/site/.git/config", "/site/%2egit/config", "/site/missing.txt"}) {
         EXPECT_EQ(status(f, target), 404) << target;
       }
       for (const char* target : {"/site/../outside.txt", "/site/%2e%2e/outside.txt", "/site/..%2foutside.txt",
                                  "/site/a/..%2f..%2foutside.txt", "/site/%252e%252e%252foutside.txt"}) {
         const Stream s = f.get(target);
         EXPECT_TRUE(f.until([&] { return f.over(s) || f.visitor() != nullptr; })) << target;
         EXPECT_EQ(f.response(s).body.find("secret"), std::string::npos) << target;
       }
       f.forget_records();
     }},
    {"LinksAreFollowedWhereTheRouteSaysSo",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.txt", "linked");
       folder.write("../real/b.txt", "beyond");
       std::filesystem::create_symlink("a.txt", folder.at("near.txt"));
       std::filesystem::create_symlink("../real", folder.at("far"));
       folder.serve(f);
       Folder other;
       std::filesystem::remove_all(other.path());
       std::filesystem::create_directory_symlink(folder.path(), other.path());
       other.serve(f, {.folder = "", .follow_links = true});
       f.options.others.back().path = "/open";
       EXPECT_EQ(status(f, "/site/near.txt"), 404);
       EXPECT_EQ(status(f, "/site/far/b.txt"), 404);
       // The folder of the route may be a link itself.
       EXPECT_EQ(asked(f, "/open/a.txt").body, "linked");
       EXPECT_EQ(asked(f, "/open/near.txt").body, "linked");
       EXPECT_EQ(asked(f, "/open/far/b.txt").body, "beyond");
     }},
    {"ACompressedFileIsServedToWhoTakesIt",
     [](Flow& f) {
       const Folder folder;
       folder.write("a.js", "plain");
       folder.write("a.js.gz", "gzipped");
       folder.write("a.js.br", "brotli");
       folder.write("b.js.gz", "old");
       folder.write("b.js", "newer");
       const timespec before[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 0}, {.tv_sec = 1'000'000'000, .tv_nsec = 0}};
       ASSERT_EQ(::utimensat(AT_FDCWD, folder.at("b.js.gz").c_str(), before, 0), 0);
       folder.serve(f);
       const Response plain = asked(f, "/site/a.js");
       EXPECT_EQ(plain.body, "plain");
       const Response best = asked(f, "/site/a.js", {{"accept-encoding", "gzip, deflate, br"}});
       EXPECT_EQ(best.body, "brotli");
       EXPECT_EQ(best.field("content-encoding"), "br");
       EXPECT_EQ(best.field("content-type"), "text/javascript; charset=utf-8");
       EXPECT_NE(best.field("etag"), plain.field("etag"));
       EXPECT_EQ(asked(f, "/site/a.js", {{"accept-encoding", "gzip, br;q=0.5"}}).field("content-encoding"), "gzip");
       EXPECT_EQ(asked(f, "/site/a.js", {{"accept-encoding", "br;q=0, identity"}}).body, "plain");
       EXPECT_EQ(asked(f, "/site/b.js", {{"accept-encoding", "gzip"}}).body, "newer");
     }},
    {"AFileThatShrinksWhileItIsSentIsABrokenAnswer",
     [](Flow& f) {
       const Folder folder;
       folder.write("large.bin", pattern(kLarge));
       folder.serve(f);
       const Stream s = f.get("/site/large.bin");
       EXPECT_TRUE(f.until([&] { return f.response(s).status == 200; }));
       f.client().stop_reading(s);
       f.settle();
       ASSERT_EQ(::truncate(folder.at("large.bin").c_str(), 4096), 0);
       f.client().read_on(s);
       EXPECT_TRUE(f.until([&] { return f.over(s); }));
       EXPECT_EQ(f.response(s).end, End::kBroken);
       EXPECT_LT(f.response(s).body.size(), kLarge);
       EXPECT_EQ(f.record("/site/large.bin").fault, Fault::kFileUnreadable);
     }},
    {"AFolderThatIsNotThereIsAFault",
     [](Flow& f) {
       const Folder folder;
       folder.serve(f);
       std::filesystem::remove_all(folder.path());
       const Stream s = f.get("/site/a.txt");
       f.expect_fault(s, Fault::kFileUnreadable);
     }},
    {"AnAppHasAFileSentInItsPlace",
     [](Flow& f) {
       const Folder folder;
       const std::string text = pattern(kLarge);
       folder.write("report.bin", text);
       folder.let_send(f);
       const Stream s = name_file(f, "X-Sendfile: " + folder.path() + "/report.bin");
       EXPECT_EQ(f.response(s).status, 200);
       EXPECT_TRUE(f.response(s).body == text);
       EXPECT_EQ(f.response(s).field("content-type"), "image/x-test");
       EXPECT_EQ(f.response(s).field("set-cookie"), "a=b");
       EXPECT_EQ(f.response(s).field("x-sendfile"), "");
       EXPECT_NE(f.response(s).field("etag"), "");
       f.settle();
       f.expect_pool(1);
     }},
    {"AnAppHasAPartOfAFileSentInItsPlace",
     [](Flow& f) {
       const Folder folder;
       folder.write("a b.txt", "0123456789");
       folder.let_send(f);
       const Stream s = name_file(f, "X-Accel-Redirect: /inside/a%20b.txt?x", {{"range", "bytes=3-5"}});
       EXPECT_EQ(f.response(s).status, 206);
       EXPECT_EQ(f.response(s).body, "345");
       EXPECT_EQ(f.response(s).field("x-accel-redirect"), "");
     }},
    {"AnAppHasNoFileSentFromElsewhere",
     [](Flow& f) {
       const Folder folder;
       folder.write("../outside.txt", "secret");
       folder.write("folder/x", "");
       std::filesystem::create_symlink("../outside.txt", folder.at("link.txt"));
       folder.let_send(f);
       const std::vector<std::string> all = {"X-Sendfile: /etc/passwd",
                                             "X-Sendfile: " + folder.path() + "/../outside.txt",
                                             "X-Sendfile: " + folder.path() + "//etc/passwd",
                                             "X-Sendfile: " + folder.path() + "/link.txt",
                                             "X-Sendfile: " + folder.path() + "/folder",
                                             "X-Sendfile: " + folder.path(),
                                             "X-Accel-Redirect: /inside/%2e%2e/outside.txt",
                                             "X-Accel-Redirect: @named",
                                             "X-Accel-Redirect: /inside/missing.txt"};
       for (const std::string& said : all) {
         const Stream s = f.get("/");
         App& app = f.accept_request();
         f.respond(app, "HTTP/1.1 200 OK\r\n" + said + "\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody", s);
         EXPECT_EQ(f.response(s).status, 502) << said;
         EXPECT_EQ(f.record("/").fault, Fault::kSendFileRefused) << said;
       }
     }},
    {"AnAppThatMayNotNameFilesIsAnsweredForByItsBody",
     [](Flow& f) {
       const Stream s = f.get("/");
       App& app = f.accept_request();
       EXPECT_EQ(app.field("X-Sendfile-Type"), "");
       f.respond(app,
                 "HTTP/1.1 200 OK\r\nX-Sendfile: /etc/passwd\r\nX-Accel-Redirect: /x\r\nContent-Length: 4\r\n\r\nbody",
                 s);
       f.expect_response(s, 200, "body");
       EXPECT_EQ(f.response(s).field("x-sendfile"), "");
       EXPECT_EQ(f.response(s).field("x-accel-redirect"), "");
     }},
};

}  // namespace
}  // namespace gatehouse::flow
