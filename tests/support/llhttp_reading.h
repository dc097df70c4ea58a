// One message as plain llhttp reads it, with no lenient flag and none of our checks: the second opinion on what our
// parser accepts and our writer writes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::testing {

struct LlhttpMessage {
  std::string method;  // requests
  std::string target;
  int status = 0;      // answers
  std::string fields;  // "name: value\n" each, trailers as well
  std::string body;
  std::size_t size = 0;  // bytes of the input that it took
};

enum class MessageKind { kRequest, kResponse };

// Nothing if llhttp refuses it, or if it is not complete at the end of `bytes`. `error` says why.
std::optional<LlhttpMessage> llhttp_read(MessageKind kind, std::string_view bytes, std::string* error = nullptr);

}  // namespace gatehouse::testing
