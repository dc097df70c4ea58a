#include "proxy/http/head_collector.h"

#include <utility>

#include "proxy/http/field_rules.h"

namespace gatehouse {

namespace {

// No method and no scheme that is served is as long; a longer one is kept so far that the rules can see it.
constexpr std::size_t kMostOfAWord = 64;

}  // namespace

HeadCollector::HeadCollector(Protocol protocol, bool secure) {
  raw_.protocol = protocol;
  raw_.secure = secure;
}

HeadCollector::Verdict HeadCollector::add(std::string_view name, std::string_view value, const HeadLimits& limits) {
  if (head_ended_) return section_.add(name, value, limits.of_trailers());
  if (name.starts_with(':')) return add_pseudo(name, value, limits);
  seen_ |= kField;
  return section_.add(name, value, limits.of_head());
}

// HTTP/1 has the method and the target in a line of their own and the authority in a field: they count as there.
HeadCollector::Verdict HeadCollector::add_pseudo(std::string_view name, std::string_view value,
                                                 const HeadLimits& limits) {
  note_pseudo(name);
  if (name == ":authority") {
    const Verdict verdict = section_.count(FieldName::kHost, "host", value, limits.of_head());
    if (verdict != Verdict::kWithin) return verdict;
    raw_.authority = value;
    raw_.has_authority = true;
    return verdict;
  }
  const Verdict verdict = section_.count_work(name.size() + value.size(), limits.of_head());
  if (verdict != Verdict::kWithin) return verdict;
  if (name == ":path") {
    raw_.target = value.substr(0, limits.max_target_bytes + 1);
    if (value.size() > limits.max_target_bytes) return section_.refuse();
  } else if (name == ":method") {
    raw_.method = value.substr(0, kMostOfAWord);
  } else if (name == ":scheme") {
    raw_.scheme = value.substr(0, kMostOfAWord);
  } else if (name == ":protocol") {
    raw_.protocol_asked = value.substr(0, kMostOfAWord);
  }
  return verdict;
}

void HeadCollector::note_pseudo(std::string_view name) {
  std::uint8_t which = kMisplaced;
  if (name == ":authority") which = kAuthority;
  if (name == ":path") which = kPath;
  if (name == ":method") which = kMethod;
  if (name == ":scheme") which = kScheme;
  if (name == ":protocol") which = kProtocol;
  if ((seen_ & (which | kField)) != 0) which = kMisplaced;
  seen_ |= which;
}

void HeadCollector::end_head(bool end_of_message) {
  raw_.too_large = section_.too_large();
  raw_.fields = section_.take();
  raw_.end_of_message = end_of_message;
  head_ended_ = true;
}

std::expected<FieldList, Fault> HeadCollector::trailers(const ListenerPolicy& policy) {
  if (section_.too_large()) return std::unexpected(Fault::kRequestBodyInvalid);
  return field_rules::check_request_trailers(section_.take(), raw_.protocol, policy);
}

}  // namespace gatehouse
