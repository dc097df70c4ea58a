#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "config/reading/load.h"
#include "config/validate.h"
#include "tests/support/diagnostics_case.h"

namespace gatehouse::config {
namespace {

using testing_support::DiagnosticsCase;
using testing_support::DiagnosticsTest;

// Reservations that cannot be, alone or beside each other. The listener is 127.0.0.1:8000, without TLS.
const DiagnosticsCase kReservations[] = {
    {.name = "AReservationHasAPrefixAndOneOwner",
     .text = R"([[reservations]]
user = "orders"
[[reservations]]
prefix = "http://a.example:8000/x/"
[[reservations]]
prefix = "http://a.example:8000/y/"
user = "orders"
group = "staff"
[[reservations]]
prefix = "http://a.example:8000/z/"
user = ""
)",
     .expected = R"(1:1: a reservation needs a prefix, such as prefix = "https://shop.example.com/orders/"
3:1: a reservation needs a "user" or a "group"
8:9: a reservation is for a "user" or for a "group", not for both
11:8: the owner of a reservation has a name
)"},
    {.name = "PrefixesThatAreNone",
     .text = R"([[reservations]]
prefix = "a.example/x/"
user = "orders"
[[reservations]]
prefix = "http://a.example:8000/x/../y/"
user = "orders"
)",
     .expected = R"(2:10: "prefix": "a.example/x/" is none: it must begin with https:// or http://
5:10: "prefix": "http://a.example:8000/x/../y/" is none: its path is not the form that requests are matched in; write "/y"
)"},
    {.name = "AWholePortIsAskedFor",
     .text = R"([[reservations]]
prefix = "http://+:8000/"
user = "orders"
[[reservations]]
prefix = "http://*:8000/"
user = "orders"
whole_port = true
[[reservations]]
prefix = "http://+:8000/x/"
user = "orders"
)",
     .expected =
         R"(2:10: "prefix": "http://+:8000/" is all that comes to port 8000, whatever its host; write a path, or whole_port = true if that is meant
)"},
    {.name = "APrefixIsReservedOnce",
     .text = R"([[reservations]]
prefix = "http://a.example:8000/x/"
user = "orders"
[[reservations]]
prefix = "HTTP://A.example:8000/x"
group = "staff"
[[reservations]]
prefix = "http://a.example:8000/x/y/"
group = "staff"
)",
     .expected =
         R"(4:1: "http://a.example:8000/x/" is reserved already in line 1; write a "group" there for several users
)"},
    {.name = "SomeListenerTakesIt",
     .text = R"([[reservations]]
prefix = "https://a.example:8000/x/"
user = "orders"
[[reservations]]
prefix = "http://a.example/x/"
user = "orders"
[[reservations]]
prefix = "http://127.0.0.1:8000/x/"
user = "orders"
[[reservations]]
prefix = "http://127.0.0.2:8000/x/"
user = "orders"
)",
     .expected = R"(1:1: warning: no listener is for "https://a.example:8000/x/": none with tls on port 8000
4:1: warning: no listener is for "http://a.example/x/": none without tls on port 80
10:1: no listener is for "http://127.0.0.2:8000/x/": none without tls on port 8000 has that address as its own
)"},
};

INSTANTIATE_TEST_SUITE_P(Reservations, DiagnosticsTest, testing::ValuesIn(kReservations),
                         testing_support::name_of_case);

TEST(Reservations, NeedNoRouteBesideThem) {
  const auto loaded = parse(R"([[listeners]]
address = "127.0.0.1:8000"
[[reservations]]
prefix = "http://a.example:8000/x/"
user = "root"
)",
                            "test.toml");
  ASSERT_TRUE(loaded.config);
  ASSERT_EQ(loaded.config->reservations.size(), 1U);
  EXPECT_EQ(loaded.config->reservations[0].prefix->to_string(), "http://a.example:8000/x/");
}

TEST(Reservations, OwnersAreLookedUp) {
  Config config;
  config.reservations = {{.location = {.file = "test.toml", .line = 1, .column = 1}, .user = "root"},
                         {.group = "root", .owner = 7},
                         {.user = "nobody-has-this-name", .owner_location = {.file = "t", .line = 3, .column = 8}},
                         {.group = "nor-this", .owner_location = {.file = "t", .line = 4, .column = 9}}};
  const auto diagnostics = look_up_owners(config);
  EXPECT_EQ(config.reservations[0].owner, 0U);
  EXPECT_EQ(config.reservations[1].owner, 0U);
  ASSERT_EQ(diagnostics.size(), 2U);
  EXPECT_EQ(diagnostics[0].to_string(), "t:3:8: there is no user \"nobody-has-this-name\"");
  EXPECT_EQ(diagnostics[1].to_string(), "t:4:9: there is no group \"nor-this\"");
}

}  // namespace
}  // namespace gatehouse::config
