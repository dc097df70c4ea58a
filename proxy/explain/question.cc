#include "proxy/explain/question.h"

#include <algorithm>
#include <format>
#include <string_view>

#include "common/text.h"
#include "proxy/http/char_classes.h"
#include "proxy/http/h1/h1_parser.h"
#include "proxy/http/target.h"

namespace gatehouse {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

Result<> read_authority(std::string_view authority, Question& question) {
  const std::optional<std::string> normal = target::normalised_authority(authority);
  if (!normal || normal->empty()) return failure(std::format("\"{}\" is no host or host:port", authority));
  const RequestHead head{.authority = *normal};
  question.host = head.host();
  question.authority = *normal;
  question.port = question.secure ? kHttpsPort : kHttpPort;
  const std::size_t colon = normal->rfind(':');
  if (colon == std::string::npos || normal->ends_with(']') || colon + 1 == normal->size()) return {};
  question.port = static_cast<std::uint16_t>(text::parse_decimal(normal->substr(colon + 1)).value_or(0));
  return {};
}

Result<> read_url(std::string_view url, Question& question) {
  if (char_classes::has_control(url)) return failure("the URL has control characters");
  question.url = url;
  const std::size_t mark = url.find("://");
  const std::string scheme = mark == std::string_view::npos ? "" : text::lower(url.substr(0, mark));
  if (scheme != "http" && scheme != "https") {
    return failure(std::format("\"{}\" is no URL; write it as https://{}", url, url));
  }
  question.secure = scheme == "https";
  std::string_view rest = url.substr(mark + 3);
  rest = rest.substr(0, rest.find('#'));  // stays with the client
  const std::size_t end = rest.find_first_of("/?");
  const std::string_view path = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  question.target = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
  return read_authority(rest.substr(0, end), question);
}

Result<> read_header(std::string_view line, Question& question) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || char_classes::has_control(line) ||
      !char_classes::is_token(line.substr(0, colon))) {
    return failure(std::format("--header \"{}\": write \"Name: value\"", line));
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = text::trim(line.substr(colon + 1));
  if (text::iequals(name, "host")) {
    question.authority = value;
  } else {
    question.headers.emplace_back(name, value);
  }
  return {};
}

Result<> read_client(const std::string& text, Question& question) {
  if (text.empty()) return {};
  const bool bare_v6 = text.find(':') != text.rfind(':') && !text.starts_with('[');
  const auto address = Address::parse(text == "unix" ? "unix:client" : bare_v6 ? "[" + text + "]:0" : text + ":0");
  if (!address) return failure(std::format("--client {}: write an IP address, without a port", text));
  question.client = *address;
  return {};
}

Result<> read_protocol(const std::string& text, Question& question) {
  if (text.empty()) return {};
  for (const Protocol protocol : {Protocol::kH1, Protocol::kH2, Protocol::kH3}) {
    if (text == label(protocol)) question.protocol = protocol;
  }
  if (!question.protocol) return failure(std::format("--protocol {}: h1, h2 or h3", text));
  return {};
}

std::expected<RawRequest, Fault> parsed_h1(const Question& question, const HeadLimits& limits) {
  std::string bytes =
      std::format("{} {} HTTP/1.1\r\nHost: {}\r\n", question.method, question.target, question.authority);
  for (const auto& [name, value] : question.headers) bytes += std::format("{}: {}\r\n", name, value);
  bytes += "\r\n";
  H1Parser parser(H1Parser::Kind::kRequest, limits);
  std::string_view rest = bytes;
  while (true) {
    const H1Parser::Step step = parser.parse(rest);
    rest.remove_prefix(step.consumed);
    if (step.event == H1Parser::Event::kHead) return parser.take_request();
    if (step.event == H1Parser::Event::kFault) return std::unexpected(parser.fault());
    if (step.event == H1Parser::Event::kNeedMore && rest.empty()) return std::unexpected(Fault::kMalformedRequest);
  }
}

}  // namespace

Result<Question> parse_question(const QuestionText& text) {
  Question question{.method = text.method, .listener = text.listener};
  if (!char_classes::is_token(text.method)) return failure(std::format("--method \"{}\" is no method", text.method));
  if (const auto read = read_url(text.url, question); !read) return std::unexpected(read.error());
  for (const std::string& line : text.headers) {
    if (const auto read = read_header(line, question); !read) return std::unexpected(read.error());
  }
  if (const auto read = read_client(text.client, question); !read) return std::unexpected(read.error());
  if (const auto read = read_protocol(text.protocol, question); !read) return std::unexpected(read.error());
  return question;
}

std::expected<RawRequest, Fault> raw_request(const Question& question, Protocol protocol, const HeadLimits& limits) {
  if (protocol == Protocol::kH1) {
    auto raw = parsed_h1(question, limits);
    if (raw) raw->secure = question.secure;
    return raw;
  }
  RawRequest raw{.protocol = protocol,
                 .secure = question.secure,
                 .method = question.method,
                 .target = question.target,
                 .scheme = question.secure ? "https" : "http",
                 .authority = question.authority,
                 .has_authority = true};
  for (const auto& [name, value] : question.headers) raw.fields.add(text::lower(name), value);
  raw.end_of_message = raw.fields.count(FieldName::kContentLength) == 0;
  return raw;
}

}  // namespace gatehouse
