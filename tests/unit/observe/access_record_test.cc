// The forms for programs of an access-log line, with everything known, nothing known, and everything hostile.
#include "proxy/observe/access_record.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/http/client_info.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

const WallTime kTime{std::chrono::sys_days{std::chrono::March / 1 / 2026} + 8h + 123ms};

AccessRecord full_record() {
  return {
      .time = kTime,
      .id = "5f0c",
      .client = "192.0.2.7",
      .listener = ":8443",
      .protocol = Protocol::kH2,
      .tls = "TLSv1.3",
      .tls_client = "CN=alice,O=Acme",
      .user = "bob smith",
      .method = "GET",
      .scheme = "https",
      .host = "shop.example.com",
      .path = "/a b",
      .query = "q=1",
      .status = 502,
      .fault = "connect_refused",
      .error = "ECONNREFUSED",
      .route = "*/",
      .upstream = "shop",
      .endpoint = "127.0.0.1:5000",
      .app_pid = 42,
      .attempts = 2,
      .upstream_reused = true,
      .bytes_in = 10,
      .bytes_out = 20,
      .duration = 1500us,
      .queued = 1ms,
      .connected = 2ms,
      .first_byte = 3ms,
      .referer = "https://example.com/",
      .user_agent = "a \"quoted\" agent",
  };
}

std::string line_of(const AccessRecord& record, AccessLogFormat format) {
  std::string line;
  log_text::LogTime times;
  append_line(line, record, {.format = format}, times);
  return line;
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == ' ' || c == '\n') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  words.pop_back();
  return words;
}

TEST(AccessRecordTest, JsonHasEveryKey) {
  EXPECT_EQ(
      line_of(full_record(), AccessLogFormat::kJson),
      R"({"time":"2026-03-01T08:00:00.123Z","id":"5f0c","client":"192.0.2.7","listener":":8443","protocol":"h2",)"
      R"("tls":"TLSv1.3","tls_client":"CN=alice,O=Acme","user":"bob smith","method":"GET","scheme":"https","host":"shop.example.com",)"
      R"("path":"/a b","query":"q=1",)"
      R"("status":502,"fault":"connect_refused","error":"ECONNREFUSED","route":"*/","upstream":"shop",)"
      R"("endpoint":"127.0.0.1:5000","app_pid":42,"attempts":2,"upstream_reused":true,"cache":null,"bytes_in":10,"bytes_out":20,"duration_ms":1.500,)"
      R"("queue_ms":1.000,"connect_ms":2.000,"first_byte_ms":3.000,"referer":"https://example.com/",)"
      R"("user_agent":"a \"quoted\" agent"})"
      "\n");
}

TEST(AccessRecordTest, JsonSaysNullForWhatIsNotKnown) {
  EXPECT_EQ(
      line_of({.time = kTime}, AccessLogFormat::kJson),
      R"({"time":"2026-03-01T08:00:00.123Z","id":null,"client":null,"listener":null,"protocol":"h1","tls":null,)"
      R"("tls_client":null,"user":null,"method":null,"scheme":null,"host":null,"path":null,"query":null,"status":null,"fault":null,"error":null,)"
      R"("route":null,"upstream":null,"endpoint":null,"app_pid":null,"attempts":0,"upstream_reused":false,"cache":null,"bytes_in":0,)"
      R"("bytes_out":0,"duration_ms":0.000,"queue_ms":null,"connect_ms":null,"first_byte_ms":null,"referer":null,)"
      R"("user_agent":null})"
      "\n");
}

TEST(AccessRecordTest, CombinedIsAsOtherServersWriteIt) {
  EXPECT_EQ(line_of(full_record(), AccessLogFormat::kCombined),
            R"(192.0.2.7 - bob+smith [01/Mar/2026:08:00:00 +0000] "GET /a b?q=1 HTTP/2" 502 20 "https://example.com/" )"
            R"("a \x22quoted\x22 agent")"
            "\n");
  EXPECT_EQ(line_of({.time = kTime}, AccessLogFormat::kCombined),
            "- - - [01/Mar/2026:08:00:00 +0000] \"-\" - - \"-\" \"-\"\n");
}

TEST(AccessRecordTest, W3cHasAWordForEveryFieldItAnnounces) {
  const std::string directives = w3c_directives();
  const std::size_t fields_at = directives.find("#Fields: ");
  ASSERT_NE(fields_at, std::string::npos);
  const std::vector<std::string> fields = words_of(directives.substr(fields_at + 9));
  const auto version = std::ranges::find(fields, "cs-version");
  ASSERT_NE(version, fields.end());

  const std::vector<std::string> full = words_of(line_of(full_record(), AccessLogFormat::kW3c));
  ASSERT_EQ(full.size(), fields.size());
  EXPECT_EQ(full[static_cast<std::size_t>(version - fields.begin())], "HTTP/2");
  const auto word = [&](const std::string& field) {
    const auto at = std::ranges::find(fields, field);
    return at == fields.end() ? "?" : full[static_cast<std::size_t>(at - fields.begin())];
  };
  EXPECT_EQ(word("date") + word("time"), "2026-03-0108:00:00");
  EXPECT_EQ(word("cs-username"), "bob+smith");
  EXPECT_EQ(word("cs-uri-stem"), "/a+b");
  EXPECT_EQ(word("sc-status"), "502");
  EXPECT_EQ(word("x-fault"), "connect_refused");
  EXPECT_EQ(word("x-error"), "ECONNREFUSED");
  EXPECT_EQ(word("x-route"), "*/");
  EXPECT_EQ(word("time-taken"), "1");
  EXPECT_EQ(word("cs(User-Agent)"), R"(a+\x22quoted\x22+agent)");

  const std::vector<std::string> empty = words_of(line_of({.time = kTime}, AccessLogFormat::kW3c));
  EXPECT_EQ(empty.size(), fields.size());
  EXPECT_EQ(empty[4], "-");
}

TEST(AccessRecordTest, HostileFieldsStayInTheirLine) {
  const std::string hostile = std::string("x\"\\\r\n\x1b[31m\x7f\xFF ") + '\0' + std::string(8192, '"');
  AccessRecord record = full_record();
  record.method = record.host = record.path = record.query = record.referer = record.user_agent = hostile;
  record.id = hostile;
  record.client = hostile;
  record.user = hostile;
  for (const auto format : {AccessLogFormat::kJson, AccessLogFormat::kCombined, AccessLogFormat::kW3c}) {
    const std::string line = line_of(record, format);
    EXPECT_EQ(std::ranges::count(line, '\n'), 1);
    EXPECT_EQ(line.back(), '\n');
    const bool clean = std::all_of(line.begin(), line.end() - 1, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte >= 0x20 && byte != 0x7F;
    });
    EXPECT_TRUE(clean);
  }
  const std::string w3c = line_of(record, AccessLogFormat::kW3c);
  EXPECT_EQ(words_of(w3c).size(), words_of(line_of(full_record(), AccessLogFormat::kW3c)).size());
}

TEST(AccessRecord, SaysWhoHasHandedTheRequestOverInJsonAlone) {
  AccessRecord record = full_record();
  record.delegated_by = {"router/127.0.0.1:5000", "gate/unix:/a\"b"};
  EXPECT_THAT(
      line_of(record, AccessLogFormat::kJson),
      testing::HasSubstr(R"("endpoint":"127.0.0.1:5000","delegated_by":["router/127.0.0.1:5000","gate/unix:/a\"b"],)"));
  for (const AccessLogFormat format : {AccessLogFormat::kCombined, AccessLogFormat::kW3c}) {
    EXPECT_EQ(line_of(record, format), line_of(full_record(), format));
  }
}

// Control characters, quotes, what is not ASCII, what is not UTF-8, and numbers as large as they get.
AccessRecord odd_record() {
  return {
      .time = kTime + 876ms,
      .id = "a\tb\"c\\d",
      .client = "unix:",
      .protocol = Protocol::kH10,
      .tls_client = R"(CN=\C5\BD, O="A B")",
      .user = "žluťoučký kůň",
      .method = "G\x7F\r\n",
      .host = "😀.example",
      .path = "/\xC2\x9B\xC2\xA0\x1F ~",
      .query = "a=\xC0\xAF\xED\xA0\x80&b=\xE2\x82",
      .status = std::numeric_limits<std::uint16_t>::max(),
      .route = " ",
      .upstream = "\xFF",
      .endpoint = "[::1]:443",
      .app_pid = std::numeric_limits<std::uint64_t>::max(),
      .attempts = std::numeric_limits<std::uint32_t>::max(),
      .bytes_in = std::numeric_limits<std::uint64_t>::max(),
      .bytes_out = 1'000'000,
      .duration = Duration::max(),
      .queued = -1ms,
      .connected = 999ns,
      .first_byte = 1s - 1ns,
      .referer = std::string_view("\0\"", 2),
      .user_agent = "\x1b[31m",
  };
}

TEST(AccessRecordTest, WhatIsOddInAJsonLineIsEscapedAndNoNumberIsTooLarge) {
  AccessRecord record = odd_record();
  record.delegated_by = {"", "\n"};
  EXPECT_EQ(
      line_of(record, AccessLogFormat::kJson),
      R"({"time":"2026-03-01T08:00:00.999Z","id":"a\u0009b\"c\\d","client":"unix:","listener":null,"protocol":"h1.0",)"
      R"("tls":null,"tls_client":"CN=\\C5\\BD, O=\"A B\"","user":"žluťoučký kůň","method":"G\u007f\u000d\u000a",)"
      R"("scheme":null,"host":"😀.example",)"
      "\"path\":\"/\\u009b\xC2\xA0\\u001f ~\",\"query\":\"a=\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD&b=\uFFFD\uFFFD\","
      R"("status":65535,"fault":null,"error":null,"route":" ",)"
      "\"upstream\":\"\uFFFD\","
      R"("endpoint":"[::1]:443","delegated_by":["","\u000a"],"app_pid":18446744073709551615,"attempts":4294967295,)"
      R"("upstream_reused":false,"cache":null,"bytes_in":18446744073709551615,"bytes_out":1000000,)"
      R"("duration_ms":9223372036854.775,"queue_ms":0.000,"connect_ms":0.000,"first_byte_ms":999.999,)"
      R"("referer":"\u0000\"","user_agent":"\u001b[31m"})"
      "\n");
}

TEST(AccessRecordTest, WhatIsOddInACombinedLineIsEscaped) {
  EXPECT_EQ(line_of(odd_record(), AccessLogFormat::kCombined),
            "unix: - žluťoučký+kůň [01/Mar/2026:08:00:00 +0000] "
            R"("G\x7f\x0d\x0a /\xc2\x9b)"
            "\xC2\xA0"
            R"(\x1f ~?a=\xc0\xaf\xed\xa0\x80&b=\xe2\x82 HTTP/1.0" 65535 1000000 "\x00\x22" "\x1b[31m")"
            "\n");
}

TEST(AccessRecordTest, WhatIsOddInAW3cLineIsEscapedAndNoNumberIsTooLarge) {
  EXPECT_EQ(line_of(odd_record(), AccessLogFormat::kW3c),
            R"(2026-03-01 08:00:00 a\x09b\x22c\x5cd unix: - HTTP/1.0 - CN=\x5cC5\x5cBD,+O=\x22A+B\x22 )"
            R"(žluťoučký+kůň G\x7f\x0d\x0a - 😀.example /\xc2\x9b)"
            "\xC2\xA0"
            R"(\x1f+~ a=\xc0\xaf\xed\xa0\x80&b=\xe2\x82 65535 - - + \xff [::1]:443 18446744073709551615 4294967295 )"
            R"(false - 18446744073709551615 1000000 9223372036854 0.000 0.000 999.999 \x00\x22 \x1b[31m)"
            "\n");
}

TEST(AccessRecordTest, WhatAProxyHeaderSaidIsInTheJsonLineAlone) {
  ProxyHeaderNotes notes;
  notes.authority = "a\"b";
  notes.unique_id = "\xFF\x01";
  AccessRecord record = full_record();
  record.proxied = &notes;
  EXPECT_THAT(line_of(record, AccessLogFormat::kJson),
              testing::EndsWith("agent\",\"proxy\":null,\"proxy_authority\":\"a\\\"b\",\"proxy_alpn\":null,"
                                "\"proxy_unique_id\":\"\uFFFD\\u0001\"}\n"));
  for (const AccessLogFormat format : {AccessLogFormat::kCombined, AccessLogFormat::kW3c}) {
    EXPECT_EQ(line_of(record, format), line_of(full_record(), format));
  }
}

TEST(AccessRecordTest, LinesStandBehindEachOther) {
  std::string text;
  std::string lines;
  log_text::LogTime times;
  for (const auto format : {AccessLogFormat::kJson, AccessLogFormat::kCombined, AccessLogFormat::kW3c}) {
    for (int i = 0; i < 100; ++i) {
      append_line(text, i % 2 == 0 ? full_record() : odd_record(), {.format = format}, times);
      lines += line_of(i % 2 == 0 ? full_record() : odd_record(), format);
    }
  }
  EXPECT_EQ(text, lines);
}

}  // namespace
}  // namespace gatehouse
