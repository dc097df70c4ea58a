// The head of one message after the other, read by llhttp: start line and fields. A member of the parser, which hands
// it only bytes that H1Lines has found well-formed. llhttp knows a fixed set of methods while HTTP has no such thing,
// so the parser reads the method itself and llhttp is shown one that it knows.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/http/field_list.h"

namespace gatehouse {

class H1Head {
 public:
  enum class Kind { kRequest, kResponse };
  enum class Outcome { kMore, kComplete, kBadVersion, kBad };

  explicit H1Head(Kind kind);
  ~H1Head();
  H1Head(const H1Head&) = delete;
  H1Head& operator=(const H1Head&) = delete;

  void begin();  // forgets the last message
  void begin_request(bool target_is_authority);
  Outcome feed(std::string_view bytes);  // kComplete: with the last of them

  std::string& target() { return target_; }
  FieldList& fields() { return fields_; }
  int minor_version() const;  // of HTTP/1
  int status() const;
  bool agrees(bool chunked, bool has_length) const;  // llhttp's own idea of the framing is this

 private:
  struct Llhttp;
  // What llhttp hands over in pieces: a view while it is one piece of this input, a copy otherwise.
  struct Span {
    std::string_view view;
    std::string copy;
    void add(std::string_view piece);
    void keep();
    void clear();
    std::string_view text() const { return copy.empty() ? view : std::string_view(copy); }
  };
  void end_field();

  std::unique_ptr<Llhttp> llhttp_;
  std::string target_;
  Span name_;
  Span value_;
  FieldList fields_;
  bool complete_ = false;
};

}  // namespace gatehouse
