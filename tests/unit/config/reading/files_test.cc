#include <gtest/gtest.h>

#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// Files of routes and of apps that cannot be.
const DiagnosticsCase kFiles[] = {
    {.name = "FilesThatAreNone",
     .text = R"([[routes]]
path = "/a"
files = "/srv/a"
try = ["index.html", "/../x", "{path}/{path}", "{path}.html", "/{path}/"]
index = ["a/b", "..", "index.htm"]
to = "base"
[[routes]]
path = "/b"
files = ""
try = []
[[routes]]
path = "/c"
to = "base"
try = ["{path}"]
follow_links = true
)",
     .expected =
         R"(3:9: "files" beside "to": a route has exactly one of "to", "redirect", "respond" or "files"
4:8: "try": "index.html" is no place to look for a file; write one such as "{path}", "{path}/", "{path}.html" or "/index.html", with "{path}" once at most
4:22: "try": "/../x" is no place to look for a file; write one such as "{path}", "{path}/", "{path}.html" or "/index.html", with "{path}" once at most
4:31: "try": "{path}/{path}" is no place to look for a file; write one such as "{path}", "{path}/", "{path}.html" or "/index.html", with "{path}" once at most
5:10: "index": "a/b" is no name of a file in a folder, such as "index.html"
5:17: "index": ".." is no name of a file in a folder, such as "index.html"
9:9: "files" must be the path of a folder, not ""
10:7: "try" is empty: no file would ever be found
14:7: "try" is for a route with "files"
15:16: "follow_links" is for a route with "files"
)"},
    {.name = "SendFileThatIsNone",
     .text = R"([[routes]]
to = "a"
[upstreams.a]
endpoints = ["10.0.0.1:1"]
send_file = ["", "/", { prefix = "protected/", folder = "/srv" }, { prefix = "/x/" }]
)",
     .expected = R"(5:14: "send_file": "" is no folder below which files may be sent
5:18: "send_file": "/" is no folder below which files may be sent
5:34: "prefix" is what X-Accel-Redirect begins with, from slash to slash, such as "/protected/"; not "protected/"
5:67: a place of "send_file" needs "folder"
)"},
};

INSTANTIATE_TEST_SUITE_P(Files, DiagnosticsTest, testing::ValuesIn(kFiles), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
