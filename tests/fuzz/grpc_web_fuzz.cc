// Bodies of gRPC-Web: the outcome does not depend on how they are cut, what passes is what came, message by message, and
// nothing but a good end has another status than the one that says that the answer is broken.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "proxy/http/field_rules.h"
#include "proxy/http/filters/grpc_web_response.h"

namespace gatehouse {
namespace {

void require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << what << "\n";
  std::abort();
}

struct Outcome {
  std::string body;
  std::string trailers;
  bool broken = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// As a pipe does it. Pieces are of one to `most` bytes, by the bytes themselves.
Outcome filtered(std::string_view input, std::size_t most) {
  GrpcWebResponse filter;
  Outcome out;
  std::size_t size = most;
  while (!input.empty() && !filter.fault()) {
    size = 1 + (size * 31 + static_cast<unsigned char>(input.front())) % most;
    out.body += filter.push(Buffer(input.substr(0, size))).to_string();
    input.remove_prefix(std::min(size, input.size()));
  }
  const FieldList trailers = filter.end({});
  out.broken = filter.fault().has_value();
  require(trailers.count(FieldName::kGrpcStatus) == 1, "not one status");
  require(!out.broken || (trailers.size() == 2 && trailers.find(FieldName::kGrpcStatus) == "13"),
          "broken, and not told");
  for (const Field field : trailers) {
    require(field_rules::is_token(field.name) && field_rules::is_field_value(field.value), "a field that is none");
    out.trailers.append(field.name).append(": ").append(field.value).append("\n");
  }
  require(trailers.section_size() <= 8192 && trailers.size() <= 32, "more trailers than there may be");
  return out;
}

// Whether `body` is messages to its last byte.
bool is_whole(std::string_view body) {
  while (body.size() >= 5) {
    std::size_t size = 0;
    for (const char digit : body.substr(1, 4)) size = size << 8U | static_cast<unsigned char>(digit);
    if (body.front() != '\0' && body.front() != '\1') return false;
    if (body.size() - 5 < size) return false;
    body.remove_prefix(5 + size);
  }
  return body.empty();
}

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Outcome whole = filtered(input, size + 1);
  require(input.starts_with(whole.body), "what passes is not what came");
  require(whole.broken || is_whole(whole.body), "half a message before a good end");
  for (const std::size_t most : {1U, 5U, 100U}) require(filtered(input, most) == whole, "it depends on the pieces");
  return 0;
}
