#include "tests/support/llhttp_reading.h"

#include <llhttp.h>

#include "common/text.h"

namespace gatehouse::testing {

namespace {

struct Reading {
  LlhttpMessage message;
  std::string name;
  std::string value;
  bool complete = false;
};

Reading& of(llhttp_t* parser) {
  return *static_cast<Reading*>(parser->data);
}

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_method = [](llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).message.method.append(at, size);
    return 0;
  };
  settings.on_url = [](llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).message.target.append(at, size);
    return 0;
  };
  settings.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).name.append(at, size);
    return 0;
  };
  settings.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).value.append(at, size);
    return 0;
  };
  settings.on_header_value_complete = [](llhttp_t* parser) {
    Reading& reading = of(parser);
    reading.message.fields.append(reading.name).append(": ").append(text::trim(reading.value)).append("\n");
    reading.name.clear();
    reading.value.clear();
    return 0;
  };
  settings.on_body = [](llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).message.body.append(at, size);
    return 0;
  };
  settings.on_message_complete = [](llhttp_t* parser) -> int {
    of(parser).complete = true;
    return HPE_PAUSED;
  };
  return settings;
}

}  // namespace

std::optional<LlhttpMessage> llhttp_read(MessageKind kind, std::string_view bytes, std::string* error) {
  static const llhttp_settings_t kSettings = make_settings();
  Reading reading;
  llhttp_t parser;
  llhttp_init(&parser, kind == MessageKind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE, &kSettings);
  parser.data = &reading;
  const llhttp_errno_t result = llhttp_execute(&parser, bytes.data(), bytes.size());
  reading.message.size = bytes.size();
  if (result == HPE_PAUSED || result == HPE_PAUSED_UPGRADE) {
    reading.message.size = static_cast<std::size_t>(llhttp_get_error_pos(&parser) - bytes.data());
  } else if (result != HPE_OK) {
    if (error != nullptr) *error = llhttp_errno_name(result);
    return std::nullopt;
  }
  if (!reading.complete) {
    if (error != nullptr) *error = "incomplete";
    return std::nullopt;
  }
  reading.message.status = parser.status_code;
  return std::move(reading.message);
}

}  // namespace gatehouse::testing
