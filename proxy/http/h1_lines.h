// Finds the end of a section of lines, a head or trailers, as its bytes come in pieces, and guards its shape: every
// line ends with CR LF and neither stands anywhere else, no line is folded, and the limits hold while the bytes come
// in, not only once they are all there. A member of the parser; knows no field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/fault.h"

namespace gatehouse {

class H1Lines {
 public:
  struct Limits {
    std::size_t max_bytes = 0;  // names + values + 32 per field, as if ": " stood between them
    std::size_t max_fields = 0;
    std::size_t max_target = 0;  // the second word of a request line
  };
  enum class First { kField, kTargetAndVersion, kStatusLine };
  struct Faults {
    Fault malformed;
    Fault too_large;
  };
  struct Scan {
    std::size_t good = 0;  // bytes that may be looked at; those behind belong to the next part, or have the fault
    bool done = false;     // the empty line was the last of the good bytes
    std::optional<Fault> fault;
  };

  // A new section that begins with `first`; a request's method has been read already.
  void begin(First first, const Limits& limits, const Faults& faults);
  Scan scan(std::string_view input);

 private:
  Scan scan_line(std::string_view input);
  std::size_t first_malformed(std::string_view text);
  std::size_t first_wrong_in_version(std::string_view text);
  std::optional<std::size_t> first_excess(std::string_view bytes);
  Fault excess_fault() const;
  void end_line();

  Limits limits_;
  Faults faults_{};
  First line_ = First::kField;
  bool target_ended_ = false;
  std::uint8_t version_size_ = 0;  // bytes of "HTTP/1.1" seen
  bool after_cr_ = false;
  std::size_t line_size_ = 0;  // of this line so far, with its CR
  std::size_t section_size_ = 0;
  std::size_t fields_ = 0;
};

}  // namespace gatehouse
