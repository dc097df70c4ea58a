#include <gtest/gtest.h>

#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::Context;
using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// What is no TOML, or says nothing.
const DiagnosticsCase kSyntax[] = {
    {.name = "SyntaxErrorsHaveTheirPlace",
     .text = R"([server]
workers =
)",
     .expected = R"(2:10: Error while parsing key-value pair: expected value, saw '\n'
)",
     .context = Context::kNothing},
    {.name = "ADuplicateKey",
     .text = R"([server]
workers = 1
workers = 2
)",
     .expected = R"(3:11: Error while parsing key-value pair: cannot redefine existing integer 'workers'
)",
     .context = Context::kNothing},
    {.name = "AStringWithoutItsEnd",
     .text = R"([server]
admin = "127
)",
     .expected =
         R"(2:13: Error while parsing string: unescaped control characters other than TAB (U+0009) are explicitly prohibited
)",
     .context = Context::kNothing},
    {.name = "AnInvalidEscape",
     .text = R"([server]
admin = "\q"
)",
     .expected = R"(2:11: Error while parsing string: unknown escape sequence '\q'
)",
     .context = Context::kNothing},
    {.name = "AMessageOfTheParserWithALineEnd",
     .text = "a = t\n{",
     .expected = R"(1:6: Error while parsing boolean: expected 'true', saw 't '
)",
     .context = Context::kNothing},
    {.name = "ATableTwice",
     .text = R"([server]
[server]
)",
     .expected = R"(2:1: Error while parsing table header: cannot redefine existing table 'server'
)",
     .context = Context::kNothing},
    {.name = "NotToml",
     .text = R"(server {
  workers 4;
}
)",
     .expected = R"(1:8: Error while parsing key-value pair: expected '=', saw '{'
)",
     .context = Context::kNothing},
    {.name = "AKeyWithTooManyDots",
     .text = R"([server]
admin = "a.b.c.d.e.f.g.h.i.j"  # a.b.c.d.e.f.g.h.i.j
control = """
1.2.3.4.5.6.7.8.9.10"""
a."b".'c'.d.e.f.g . h.i.j = 1
)",
     .expected = R"(5:24: no key has so many dots
)",
     .context = Context::kNothing},
    {.name = "AnEmptyFile",
     .text = R"()",
     .expected = R"( no listeners; add [[listeners]] with address = ":8443"
 no routes; add [[routes]] with to = "NAME" and [upstreams.NAME] or [apps.NAME]
)",
     .context = Context::kNothing},
    {.name = "ListsThatAreEmpty",
     .text = R"(listeners = []
routes = []
)",
     .expected = R"(1:13: no listeners; add [[listeners]] with address = ":8443"
2:10: no routes; add [[routes]] with to = "NAME" and [upstreams.NAME] or [apps.NAME]
)",
     .context = Context::kNothing},
};

INSTANTIATE_TEST_SUITE_P(Syntax, DiagnosticsTest, testing::ValuesIn(kSyntax), testing_support::name_of_case);

}  // namespace
}  // namespace gatehouse::config
