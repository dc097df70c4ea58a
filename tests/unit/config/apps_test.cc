#include <gtest/gtest.h>

#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// Apps that cannot be, alone or beside others.
const DiagnosticsCase kApps[] = {
    {.name = "AnAppNeedsACommand",
     .text = R"([[routes]]
path = "/a"
to = "a"
[[routes]]
path = "/b"
to = "b"
[[routes]]
path = "/c"
to = "c"
[apps.a]
[apps.b]
command = []
[apps.c]
command = "python3 app.py"
)",
     .expected = R"(10:1: the app "a" needs a command, such as command = ["python3", "app.py"]
12:11: the app "b" needs a command, such as command = ["python3", "app.py"]
14:11: "command" must be an array of strings, not a string
)"},
    {.name = "CommandsThatCannotBeGiven",
     .text = R"([[routes]]
path = "/a"
to = "a"
[[routes]]
path = "/b"
to = "b"
[apps.a]
command = ["", "x"]
[apps.b]
command = ["run", "", "a\u0000b", 5]
)",
     .expected = R"(8:12: "command": "" is no program to start
10:23: "command": "a\u0000b" is no argument that a program can get
10:35: "command" must be a string, not an integer
)"},
    {.name = "WordsOfAppsOutsideTheirList",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
start = "lazy"
transport = "tcp"
profile = "dotnet"
stop_signal = "TERM"
output = "file:"
error_page = "verbose"
)",
     .expected = R"(6:9: "start" must be "on_demand" or "eager", not "lazy"
7:13: "transport" must be "port", "socket" or "inherit", not "tcp"
8:11: "profile" must be "generic" or "aspnetcore", not "dotnet"
9:15: "stop_signal" must be "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH" or "SIGKILL", not "TERM"
10:10: "output" must be "log", "file:PATH", "inherit" or "off", not "file:"
11:14: "error_page" must be "generic" or "detailed", not "verbose"
)"},
    {.name = "NumbersOfAppsOutsideTheirRange",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
instances = 101
start_timeout = "0s"
stop_timeout = 10
rapid_fail = { count = 1001, window = "0s" }
recycle = { every = "1 day", requests = -1, memory = "1GG", on_change = ["", 3] }
[[routes]]
path = "/b"
to = "b"
[apps.b]
command = ["x"]
instances = 0
)",
     .expected = R"(6:13: "instances" must be from 1 to 100, not 101
7:17: "start_timeout" must be from 1ms to 8760h, not "0s"
8:16: "stop_timeout" must be a duration such as "10s", not an integer
9:24: "count" must be from 0 to 1000, not 1001
9:39: "window" must be from 1ms to 8760h, not "0s"
10:21: "every": "1 day" is no duration; write a whole number and ms, s, m or h, such as "250ms" or "10s"
10:41: "requests" must be at least 0, not -1
10:54: "memory": "1GG" is no size; write bytes as a whole number, or one with KB, MB, GB, KiB, MiB or GiB, such as "64KiB"
10:74: "on_change" must list files or folders, not ""
10:78: "on_change" must be a string, not an integer
16:13: "instances" must be from 1 to 100, not 0
)"},
    {.name = "HooksThatCannotBeRun",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
[apps.a.hooks]
started = "notify"
failed = ["", "x"]
recycled = ["x", "a\u0000b", 3]
timeout = "0s"
stopped = ["x"]
)",
     .expected = R"(7:11: "started" must be an array of strings, not a string
8:11: "failed": "" is no program to start
9:18: "recycled": "a\u0000b" is no argument that a program can get
9:30: "recycled" must be a string, not an integer
10:11: "timeout" must be from 1ms to 8760h, not "0s"
11:1: unknown key "stopped" in [apps.a.hooks]
)"},
    {.name = "TimesOfTheDayThatAreNone",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
recycle = { at = ["00:00", "23:59", "3:00", "24:00", "12:60", "-1:00", "03.00", "23:59", 3] }
)",
     .expected =
         R"(6:37: "at": "3:00" is no time of the day; write hours and minutes from "00:00" to "23:59"
6:45: "at": "24:00" is no time of the day; write hours and minutes from "00:00" to "23:59"
6:54: "at": "12:60" is no time of the day; write hours and minutes from "00:00" to "23:59"
6:63: "at": "-1:00" is no time of the day; write hours and minutes from "00:00" to "23:59"
6:72: "at": "03.00" is no time of the day; write hours and minutes from "00:00" to "23:59"
6:81: "at": "23:59" is there twice
6:90: "at" must be a string, not an integer
)"},
    {.name = "PathsThatAnAppCannotBeAskedFor",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
ready_path = "healthz"
warmup = ["/", "http://a/", "/a b", "//a", "/#top"]
)",
     .expected = R"(6:14: "ready_path": "healthz" is no path to ask for; write one such as "/healthz"
7:16: "warmup": "http://a/" is no path to ask for; write one such as "/healthz"
7:29: "warmup": "/a b" is no path to ask for; write one such as "/healthz"
7:37: "warmup": "//a" is no path to ask for; write one such as "/healthz"
7:44: "warmup": "/#top" is no path to ask for; write one such as "/healthz"
)"},
    {.name = "EnvironmentsThatCannotBe",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
environment = { "A=B" = "1", "" = "2", C = "a\u0000b", D = 4, E = "" }
environment_from = ["*", "", "A=B", "A*B", "*A", "A", "A_*"]
user = "a\u0000b"
)",
     .expected = R"(6:17: "A=B" cannot be an environment variable: a name has no "=", a value no NUL
6:30: "" cannot be an environment variable: a name has no "=", a value no NUL
6:40: "C" cannot be an environment variable: a name has no "=", a value no NUL
6:60: "D" must be a string, not an integer
7:21: "environment_from" must list names or prefixes such as "DB_*", not "*"
7:26: "environment_from" must list names or prefixes such as "DB_*", not ""
7:30: "environment_from" must list names or prefixes such as "DB_*", not "A=B"
7:37: "environment_from" must list names or prefixes such as "DB_*", not "A*B"
7:44: "environment_from" must list names or prefixes such as "DB_*", not "*A"
8:8: "a\u0000b" is no name of a user
)"},
    {.name = "UnknownKeysOfApps",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
instance = 2
endpoints = ["127.0.0.1:1"]
rapid_fail = { counts = 3 }
[apps.a.recycle]
onchange = ["x"]
)",
     .expected = R"(6:1: unknown key "instance" in [apps.a]; did you mean "instances"?
7:1: unknown key "endpoints" in [apps.a]; the endpoints of an app are its processes; for others write [upstreams.NAME]
8:16: unknown key "counts" in [apps.a.rapid_fail]; did you mean "count"?
10:1: unknown key "onchange" in [apps.a.recycle]; did you mean "on_change"?
)"},
    {.name = "AnAppNobodyUses",
     .text = R"([apps.idle]
command = ["x"]
)",
     .expected = R"(1:1: warning: nobody uses the app "idle"
)"},
    {.name = "NamesOfApps",
     .text = R"([[routes]]
path = "/x"
to = "a/b"
[apps."a/b"]
command = ["x"]
[[routes]]
path = "/y"
to = "webb"
[apps.web]
command = ["x"]
)",
     .expected = R"(4:1: "a/b" is no name for an app; use at most 64 letters, digits, "-", "_" and "."
8:6: there is no upstream or app "webb"; did you mean "web"?
)"},
    {.name = "ANameIsOneThing",
     .text = R"([apps.base]
command = ["x"]
)",
     .expected = R"(1:1: the app "base" has the name of the upstream in line 9; a route could not tell them apart
)"},
    {.name = "AnEagerAppThatStopsWhenIdle",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
start = "eager"
idle_stop = "1h"
)",
     .expected = R"(7:13: warning: "idle_stop" beside start = "eager": once stopped, the next request starts it
)"},
    {.name = "AnAspNetCoreAppOnAnInheritedSocket",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x"]
transport = "inherit"
profile = "aspnetcore"
)",
     .expected =
         R"(4:1: the app "a": the host of ASP.NET Core takes no socket that it inherits; write transport = "port" or "socket", or leave "profile" out where the app calls kestrel.UseSystemd()
)"},
    {.name = "PlaceholdersOfAnotherTransport",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x", "{port}"]
transport = "socket"
[[routes]]
path = "/b"
to = "b"
[apps.b]
command = ["x", "{port}", "--at={socket}"]
)",
     .expected = R"(5:11: warning: {port} stands for nothing where "transport" is not "port"
11:11: warning: {socket} stands for nothing where "transport" is not "socket"
)"},
    {.name = "AppsThatAreFine",
     .text = R"([[routes]]
path = "/a"
to = "a"
[apps.a]
command = ["x", "", "--y"]
environment_file = ""
user = ""
instances = 100
stop_timeout = "0s"
stop_signal = "SIGKILL"
rapid_fail.count = 0
recycle = { every = "24h", requests = 5, memory = "512MiB", on_change = ["bin", "/etc/x"] }
offline_file = ""
output = "file:out.log"
balance = "round_robin"
[apps.a.health]
path = "/healthz?deep=1"
[apps.a.outlier]
max_ejected = 100
)",
     .expected = R"()"},
};

INSTANTIATE_TEST_SUITE_P(Apps, DiagnosticsTest, testing::ValuesIn(kApps), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
