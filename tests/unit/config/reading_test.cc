#include <gtest/gtest.h>

#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::Context;
using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// What a reader says about values, keys and types; the columns count characters from 1.
const DiagnosticsCase kReading[] = {
    {.name = "AnUnknownKeyIsReportedWithTheNearestOne",
     .text = R"([server]
workrs = 2
)",
     .expected = R"(2:1: unknown key "workrs" in [server]; did you mean "workers"?
)"},
    {.name = "AnUnknownTableIsReported",
     .text = R"([sever]
workers = 2
[banana]
)",
     .expected = R"(1:2: unknown key "sever" at the top; did you mean "server"?
3:2: unknown key "banana" at the top
)"},
    {.name = "AKeyOfALaterVersionIsUnknown",
     .text = R"([timeouts]
early = "1h"
)",
     .expected = R"(2:1: unknown key "early" in [timeouts]
)"},
    {.name = "UnknownKeysInsideInlineTablesAreReported",
     .text = R"([[routes]]
path = "/x"
respond = { status = 404, bdy = "" }
)",
     .expected = R"(3:27: unknown key "bdy" in [routes.respond]; did you mean "body"?
)"},
    {.name = "UnknownKeysNameTheirUpstream",
     .text = R"([[routes]]
path = "/x"
to = "a.b"
[upstreams."a.b".pool]
maxidle = 3
[upstreams."a.b"]
endpoints = ["127.0.0.1:1"]
hash_one = "path"
)",
     .expected = R"(5:1: unknown key "maxidle" in [upstreams."a.b".pool]; did you mean "max_idle"?
8:1: unknown key "hash_one" in [upstreams."a.b"]; did you mean "hash_on"?
)"},
    {.name = "UnknownKeysOfEndpointsAreReported",
     .text = R"([upstreams.base2]
endpoints = [{ address = "127.0.0.1:1", wieght = 2 }]
[[routes]]
path = "/x"
to = "base2"
)",
     .expected = R"(2:41: unknown key "wieght" in [[upstreams.base2.endpoints]]; did you mean "weight"?
)"},
    {.name = "WrongTypesAreNamedBoth",
     .text = R"([server]
workers = "4"
admin = 9180
drain_timeout = 30
[log]
level = 3
access = "off"
[limits]
max_streams = 1.5
max_header_bytes = true
)",
     .expected = R"(2:11: "workers" must be an integer, not a string
3:9: "admin" must be a string, not an integer
4:17: "drain_timeout" must be a duration such as "10s", not an integer
6:9: "level" must be a string, not an integer
7:10: "access" must be a table, not a string
9:15: "max_streams" must be an integer, not a float
10:20: "max_header_bytes" must be a size: bytes, or a string such as "64KiB", not a boolean
)"},
    {.name = "WrongTypesOfArraysAndTables",
     .text = R"([listeners]
address = ":1"
)",
     .expected = R"( no routes; add [[routes]] with to = "NAME" and [upstreams.NAME] or [apps.NAME]
1:1: "listeners" must be an array of tables (write [[listeners]] or [{ ... }]), not a table
)",
     .context = Context::kNothing},
    {.name = "WrongTypesInsideArrays",
     .text = R"([[routes]]
path = "/x"
to = "base"
hosts = "a.example"
strip_prefix = "yes"
request_headers = { set = ["a"], add = { X-A = 1 }, remove = "X-B" }
[[routes]]
path = "/y"
to = "base"
hosts = ["a.example", 5, ["b"]]
)",
     .expected = R"(4:9: "hosts" must be an array of strings, not a string
5:16: "strip_prefix" must be true or false, not a string
6:27: "set" must be a table, not an array
6:48: "X-A" must be a string, not an integer
6:62: "remove" must be an array of strings, not a string
10:23: "hosts" must be a string, not an integer
10:26: "hosts" must be a string, not an array
)"},
    {.name = "NumbersOutOfRange",
     .text = R"([server]
workers = -1
[limits]
max_streams = 0
max_header_count = 99999
max_connections = -5
max_header_bytes = 10
max_target_bytes = "2MiB"
max_request_body = 0
)",
     .expected = R"(2:11: "workers" must be from 0 to 1024, not -1
4:15: "max_streams" must be from 1 to 1000000, not 0
5:20: "max_header_count" must be from 1 to 10000, not 99999
6:19: "max_connections" must be at least 0, not -5
7:20: "max_header_bytes" must be at least 1KiB, not 10
8:20: "max_target_bytes" must be at most 1MiB, not 2097152
9:20: "max_request_body" must not be 0; write "off" for no limit
)"},
    {.name = "SizesThatAreNone",
     .text = R"([limits]
max_header_bytes = "32kb"
max_request_body = "of"
max_target_bytes = -1
)",
     .expected =
         R"(2:20: "max_header_bytes": "32kb" is no size; write bytes as a whole number, or one with KB, MB, GB, KiB, MiB or GiB, such as "64KiB"
3:20: "max_request_body": "of" is no size; write bytes as a whole number, or one with KB, MB, GB, KiB, MiB or GiB, such as "64KiB"
4:20: "max_target_bytes" must not be negative, but is -1
)"},
    {.name = "RatesThatAreNone",
     .text = R"([limits]
max_handshakes_per_client = "100"
max_connections_per_client = "many"
[[listeners]]
address = ":80"
)",
     .expected =
         R"(2:29: "max_handshakes_per_client": "100" is no rate; write a whole number, a slash and s, m or h, such as "100/s", or "off"
3:30: "max_connections_per_client" must be a whole number, or "off", not a string
)"},
    {.name = "DurationsThatAreNone",
     .text = R"([timeouts]
idle = "120"
header = "0s"
connect = "5 s"
response = "9000h"
handshake = ""
[server]
drain_timeout = "-1s"
)",
     .expected = R"(2:8: "idle": "120" has no unit; write ms, s, m or h behind it, such as "120s"
3:10: "header" must be from 1ms to 8760h, not "0s"
4:11: "connect": "5 s" is no duration; write a whole number and ms, s, m or h, such as "250ms" or "10s"
5:12: "response": "9000h" is too long; the longest duration is 8760h
6:13: "handshake": "" is no duration; write a whole number and ms, s, m or h, such as "250ms" or "10s"
8:17: "drain_timeout": "-1s" is no duration; write a whole number and ms, s, m or h, such as "250ms" or "10s"
)"},
    {.name = "WordsOutsideTheirList",
     .text = R"([log]
level = "warning"
output = "jurnal"
[log.access]
format = "JSON"
output = "journal"
)",
     .expected = R"(2:9: "level" must be "error", "warn", "info" or "debug", not "warning"
3:10: "output" must be "stderr", "stdout" or "journal", or a file such as "access.log" or "./name", not "jurnal"
5:10: "format" must be "auto", "json", "combined", "w3c" or "short", not "JSON"
6:10: "output" must be "stdout", "stderr" or "off", or a file such as "access.log" or "./name", not "journal"
)"},
    {.name = "AdminAndControl",
     .text = R"([server]
admin = "9180"
control = "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
)",
     .expected =
         R"(2:9: "admin": "9180": an address needs a port, as in "127.0.0.1:8080"; write "127.0.0.1:9180", "unix:/path", or "" for none
3:11: "control": the path of a socket has at most 107 bytes, but "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"... has 121
)"},
    {.name = "AVariableThatIsNotSet",
     .text = R"([log]
output = "${GATEHOUSE_TEST_NOT_SET}"
level = "${GATEHOUSE_TEST_NOT_SET:-info"
)",
     .expected =
         R"(2:10: "output": the environment variable GATEHOUSE_TEST_NOT_SET is not set; ${GATEHOUSE_TEST_NOT_SET:-default} would give it a default
3:9: "level": "${" without a closing "}"; write $$ for a literal $
)"},
    {.name = "NothingIsBeyondTheFirstMistake",
     .text = R"([server]
workrs = 1
admin = "x"
[log]
level = "loud"
[timeouts]
idle = 1
[limits]
max_streams = 0
)",
     .expected = R"(2:1: unknown key "workrs" in [server]; did you mean "workers"?
3:9: "admin": "x": an address needs a port, as in "127.0.0.1:8080"; write "127.0.0.1:9180", "unix:/path", or "" for none
5:9: "level" must be "error", "warn", "info" or "debug", not "loud"
7:8: "idle" must be a duration such as "10s", not an integer
9:15: "max_streams" must be from 1 to 1000000, not 0
)"},
    {.name = "KeysWithOddCharactersAreQuoted",
     .text = R"("a\nb" = 1
"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" = 1
)",
     .expected = R"(1:1: unknown key "a\nb" at the top
2:1: unknown key "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"... at the top
)"},
    {.name = "ALimitOfARouteIsCheckedToo",
     .text = R"([[routes]]
path = "/x"
to = "base"
limits = { max_request_body = "lots", max_streams = 3 }
timeouts = { connect = "0s", idle = "1s" }
)",
     .expected =
         R"(4:31: "max_request_body": "lots" is no size; write bytes as a whole number, or one with KB, MB, GB, KiB, MiB or GiB, such as "64KiB"
4:39: unknown key "max_streams" in [routes.limits]; it is a key of [limits]
5:24: "connect" must be from 1ms to 8760h, not "0s"
5:30: unknown key "idle" in [routes.timeouts]; it is a key of [timeouts]
)"},
};

INSTANTIATE_TEST_SUITE_P(Reading, DiagnosticsTest, testing::ValuesIn(kReading), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
