// The forms for programs of an access-log line, with everything known, nothing known, and everything hostile.
#include "proxy/observe/access_record.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gatehouse
