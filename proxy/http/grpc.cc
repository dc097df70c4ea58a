#include "proxy/http/grpc.h"

#include <chrono>
#include <format>

#include "common/text.h"

namespace gatehouse {

namespace grpc {

namespace {

constexpr std::string_view kType = "application/grpc";
constexpr std::size_t kMostDigits = 8;
constexpr std::chrono::hours kLongest{24 * 365};

// By which a value of kMostDigits digits is multiplied.
std::optional<Duration> unit_of(char unit) {
  using namespace std::chrono_literals;
  switch (unit) {
    case 'H':
      return 1h;
    case 'M':
      return 1min;
    case 'S':
      return 1s;
    case 'm':
      return 1ms;
    case 'u':
      return 1us;
    case 'n':
      return 1ns;
    default:
      return std::nullopt;
  }
}

// What a client of gRPC makes of a status of HTTP where grpc-status is missing.
Status status_of_http(std::uint16_t status) {
  switch (status) {
    case 400:
      return Status::kInternal;
    case 401:
      return Status::kUnauthenticated;
    case 403:
      return Status::kPermissionDenied;
    case 404:
      return Status::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Status::kUnavailable;
    default:
      return Status::kUnknown;
  }
}

}  // namespace

std::optional<std::string_view> subtype(std::string_view content_type) {
  if (content_type.size() < kType.size() || !text::iequals(content_type.substr(0, kType.size()), kType)) return {};
  const std::string_view rest = content_type.substr(kType.size());
  const bool ends = rest.empty() || std::string_view("+; \t").contains(rest.front());
  return ends ? std::optional(rest) : std::nullopt;
}

std::optional<Duration> parse_timeout(std::string_view value) {
  if (value.size() < 2 || value.size() > kMostDigits + 1) return {};
  const std::optional<Duration> unit = unit_of(value.back());
  const std::string_view digits = value.substr(0, value.size() - 1);
  const std::optional<std::uint64_t> number = text::parse_decimal(digits);
  if (!unit || !number) return {};
  const auto count = static_cast<std::int64_t>(*number);
  return count > kLongest / *unit ? Duration(kLongest) : count * *unit;
}

Status status_of(Fault fault) {
  switch (fault) {
    case Fault::kDeadlineExceeded:
      return Status::kDeadlineExceeded;
    // Too much of something, which trying again does not change; a full queue wants a back-off.
    case Fault::kQueueFull:
    case Fault::kBodyTooLarge:
    case Fault::kHeadersTooLarge:
    case Fault::kTargetTooLong:
      return Status::kResourceExhausted;
    case Fault::kMethodNotAllowed:
    case Fault::kCodingNotImplemented:
    case Fault::kUpgradeNotSupported:
      return Status::kUnimplemented;
    // The client gave up, or as good as that.
    case Fault::kRequestBodyTimeout:
    case Fault::kRequestTooSlow:
    case Fault::kClientGone:
      return Status::kCancelled;
    // What was said is not what may be said: asking again brings the same.
    case Fault::kInternalError:
    case Fault::kLoopDetected:
    case Fault::kUpstreamInvalid:
    case Fault::kUpstreamHeadersTooLarge:
    case Fault::kGrpcWebInvalid:
    case Fault::kDelegationRefused:
    case Fault::kDelegationLoop:
    case Fault::kDelegationLate:
      return Status::kInternal;
    case Fault::kTooEarly:
      return Status::kUnavailable;
    default:
      return status_of_http(rule(fault).status);
  }
}

std::string percent_encoded(std::string_view message) {
  std::string out;
  out.reserve(message.size());
  for (const char c : message) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
    } else {
      out += std::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

void make_trailers_only(ErrorPage& page, Fault fault, std::string_view content_type) {
  FieldList& fields = page.head.fields;
  page.head.status = 200;
  page.head.body = BodyLength::none();
  page.body.clear();
  fields.remove("X-Content-Type-Options");
  fields.remove("Content-Security-Policy");
  fields.set(FieldName::kContentType, content_type);
  fields.add(FieldName::kGrpcStatus, std::to_string(static_cast<int>(status_of(fault))));
  fields.add("grpc-message", percent_encoded(rule(fault).explanation));
}

}  // namespace grpc

bool is_grpc(const RequestHead& head) {
  const std::optional<std::string_view> type = head.fields.find(FieldName::kContentType);
  return type && grpc::subtype(*type);
}

}  // namespace gatehouse
