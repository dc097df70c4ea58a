// The second of the two readers of which H1Oracle is made: llhttp without any lenient flag. It is handed only bytes that
// H1OracleLines has found well-formed. llhttp knows a fixed set of methods while HTTP has no such thing, so the oracle
// reads the method itself and llhttp is shown one that it knows. Nor does it know bytes from 0x80 on in a target, which
// some clients send: it is not shown them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/http/field_section.h"

namespace gatehouse::testing {

class H1OracleLlhttp {
 public:
  enum class Kind { kRequest, kResponse };
  // kBadVersion: llhttp knows no such version of HTTP. kBad: no valid head, or bytes behind its end. kTooLarge: the
  // fields are beyond their limit.
  enum class Outcome { kMore, kComplete, kBadVersion, kBad, kTooLarge };

  H1OracleLlhttp(Kind kind, const FieldSection::Limit& limit);
  ~H1OracleLlhttp();
  H1OracleLlhttp(const H1OracleLlhttp&) = delete;
  H1OracleLlhttp& operator=(const H1OracleLlhttp&) = delete;

  // Forgets the last message.
  void begin();
  // For requests, after begin(): shows llhttp a method in place of the one that the parser has read. CONNECT has
  // another form of target than all others (RFC 9112 section 3.2.3).
  void begin_request(bool target_is_authority);
  // Takes the next bytes, which need not live on. kComplete: the last of them ended the head.
  Outcome feed(std::string_view bytes);

  // What has been read so far; the oracle moves both away.
  std::string& target() { return target_; }
  const FieldList& fields() const { return section_.fields(); }
  FieldList take_fields() { return section_.take(); }
  // Of HTTP/1; -1 for any other major version.
  int minor_version() const;
  int status() const;
  // The reason phrase of a response, if it is another than the registered one and can be passed on: valid (RFC 9112
  // section 4) and at most 256 bytes long. Else empty.
  std::string_view reason() const { return reason_.text(); }
  // Whether llhttp's own idea of the framing is this one. REQUIRES: the head is complete.
  bool agrees(bool chunked, bool has_length) const;

 private:
  struct Llhttp;
  // What llhttp hands over in pieces: a view while it is one piece of this input, a copy otherwise. keep() is called
  // before the input goes.
  struct Span {
    std::string_view view;
    std::string copy;
    void add(std::string_view piece);
    void keep();
    void clear();
    std::string_view text() const { return copy.empty() ? view : std::string_view(copy); }
  };
  void end_field();
  void end_reason();
  // Shows llhttp the next bytes of a target, up to the space behind it, and takes them off `bytes`.
  bool feed_target(std::string_view& bytes);

  std::unique_ptr<Llhttp> llhttp_;
  std::string target_;
  Span reason_;
  Span name_;
  Span value_;
  const FieldSection::Limit limit_;
  FieldSection section_;
  bool complete_ = false;
  bool in_target_ = false;
};

}  // namespace gatehouse::testing
