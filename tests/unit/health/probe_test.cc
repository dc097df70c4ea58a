// One request and its status, against endpoints that answer well, badly, slowly, endlessly or not at all.
#include "proxy/health/probe.h"

#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/health_testing.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class ProbeTest : public HealthTest {
 protected:
  void ask(const ProbeRequest& request) {
    outcome.reset();
    probe = std::make_unique<Probe>(loop, request, [this](Probe::Outcome result) {
      EXPECT_FALSE(outcome.has_value());
      outcome = result;
      loop.retire(std::move(probe));
    });
  }
  void ask() { ask({.address = endpoint.address(), .path = "/healthz"}); }
  // What comes of an endpoint that sends this, and closes if it is to.
  Probe::Outcome outcome_of(std::string_view response, bool close = false) {
    ask();
    ScriptedConnection connection = accept(endpoint);
    request_of(connection);
    connection.send(response);
    if (close) connection.close();
    turn_until([this] { return outcome.has_value(); });
    return *outcome;
  }

  ScriptedEndpoint endpoint;
  std::optional<Probe::Outcome> outcome;
  std::unique_ptr<Probe> probe;
};

TEST_F(ProbeTest, AsksOnceAndClosesTheConnection) {
  ask();
  EXPECT_FALSE(outcome.has_value());
  ScriptedConnection connection = accept(endpoint);
  EXPECT_EQ(request_of(connection),
            "GET /healthz HTTP/1.1\r\nHost: " + endpoint.address().to_string() + "\r\nUser-Agent: Gatehouse\r\n\r\n");
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
  settle();
  EXPECT_FALSE(outcome.has_value());
  connection.send("k");
  turn_until([this] { return outcome.has_value(); });
  EXPECT_EQ(*outcome, 200);
  turn_until([&] { return connection.ended(); });
}

TEST_F(ProbeTest, PostsWithFieldsOfItsOwn) {
  ask({.address = endpoint.address(),
       .method = "POST",
       .path = "/iisintegration",
       .authority = "app.test",
       .fields = {{"MS-ASPNETCORE-EVENT", "shutdown"}, {"MS-ASPNETCORE-TOKEN", "secret"}}});
  ScriptedConnection connection = accept(endpoint);
  EXPECT_EQ(
      request_of(connection),
      "POST /iisintegration HTTP/1.1\r\nHost: app.test\r\nUser-Agent: Gatehouse\r\nMS-ASPNETCORE-EVENT: shutdown\r\n"
      "MS-ASPNETCORE-TOKEN: secret\r\nContent-Length: 0\r\n\r\n");
  connection.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  turn_until([this] { return outcome.has_value(); });
  EXPECT_EQ(*outcome, 202);
}

TEST_F(ProbeTest, AsksOverUnixSockets) {
  const TemporaryFolder folder;
  ScriptedEndpoint socket(Address::parse("unix:" + (folder.path() / "app.sock").string()).value());
  ask({.address = socket.address()});
  ScriptedConnection connection = accept(socket);
  EXPECT_TRUE(request_of(connection).starts_with("GET / HTTP/1.1\r\nHost: localhost\r\n"));
  connection.send("HTTP/1.1 204 No Content\r\n\r\n");
  turn_until([this] { return outcome.has_value(); });
  EXPECT_EQ(*outcome, 204);
}

TEST_F(ProbeTest, AsksNobodyInPlaceOfAnAppsUser) {
  const TemporaryFolder folder;
  ScriptedEndpoint socket(Address::parse("unix:" + (folder.path() / "app.sock").string()).value());
  ask({.address = socket.address(), .listening_user = ::geteuid() + 1});
  turn_until([this] { return outcome.has_value(); });
  EXPECT_EQ(*outcome, std::unexpected(Fault::kForeignListener));
  ScriptedConnection connection = accept(socket);
  turn_until([&] { return connection.ended(); });
  EXPECT_EQ(connection.received(), "");
}

TEST_F(ProbeTest, TellsTheStatusWhateverItIs) {
  EXPECT_EQ(outcome_of("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), 302);
  EXPECT_EQ(outcome_of("HTTP/1.1 503 Service Unavailable\r\n\r\nnot now", true), 503);
  EXPECT_EQ(outcome_of("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 200);
}

TEST_F(ProbeTest, BrokenAnswersAreFaults) {
  EXPECT_EQ(outcome_of("", true), std::unexpected(Fault::kUpstreamClosed));
  EXPECT_EQ(outcome_of("SSH-2.0-OpenSSH_9.2\r\n\r\n"), std::unexpected(Fault::kUpstreamInvalid));
  EXPECT_EQ(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true),
            std::unexpected(Fault::kUpstreamTruncated));
}

TEST_F(ProbeTest, AnEndlessBodyIsReadWithinABoundOnly) {
  ask();
  ScriptedConnection connection = accept(endpoint);
  request_of(connection);
  connection.send("HTTP/1.1 200 OK\r\n\r\n");
  std::size_t sent = 0;
  turn_until([&] {
    if (!outcome) sent += connection.send_what_fits(std::string(4096, 'x'));
    return outcome.has_value();
  });
  EXPECT_EQ(*outcome, 200);
  EXPECT_GE(sent, 64UL * 1024);
  EXPECT_LT(sent, 1024UL * 1024);
  turn_until([&] { return connection.ended(); });
}

TEST_F(ProbeTest, NobodyThereIsAFault) {
  ask({.address = refused_address()});
  EXPECT_FALSE(outcome.has_value());
  turn_until([this] { return outcome.has_value(); });
  EXPECT_EQ(*outcome, std::unexpected(Fault::kConnectRefused));
}

TEST_F(ProbeTest, WhatCannotBeWrittenIsAFaultAndNotSent) {
  ask({.address = endpoint.address(), .path = "/two words"});
  EXPECT_FALSE(outcome.has_value());
  turn_until([this] { return outcome.has_value(); });
  EXPECT_EQ(*outcome, std::unexpected(Fault::kRequestNotWritable));
  EXPECT_FALSE(endpoint.accept().has_value());
}

TEST_F(ProbeTest, TheTimeIsForAllOfIt) {
  ask();
  ScriptedConnection connection = accept(endpoint);
  request_of(connection);
  advance(2900ms);
  EXPECT_FALSE(outcome.has_value());
  advance(100ms);
  EXPECT_EQ(outcome, std::unexpected(Fault::kUpstreamTimeout));
  turn_until([&] { return connection.ended(); });

  ask();
  ScriptedConnection dripping = accept(endpoint);
  request_of(dripping);
  dripping.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 6; ++i) {
    dripping.send("x");
    settle();
    EXPECT_FALSE(outcome.has_value());
    advance(500ms);
  }
  EXPECT_EQ(outcome, std::unexpected(Fault::kUpstreamBodyTimeout));
}

TEST_F(ProbeTest, ALoopThatComesLateGivesTheEndpointItsTimeOnceMore) {
  ask();
  ScriptedConnection connection = accept(endpoint);
  request_of(connection);
  advance(10s);
  EXPECT_FALSE(outcome.has_value());
  advance(10s);
  EXPECT_EQ(outcome, std::unexpected(Fault::kUpstreamTimeout));
}

TEST_F(ProbeTest, DestroyingItGivesUp) {
  ask();
  ScriptedConnection connection = accept(endpoint);
  request_of(connection);
  probe.reset();
  turn_until([&] { return connection.ended(); });
  advance(10s);
  EXPECT_FALSE(outcome.has_value());
}

}  // namespace
}  // namespace gatehouse
