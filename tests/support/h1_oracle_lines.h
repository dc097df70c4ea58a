// The first of the two readers of which H1Oracle is made: finds the end of a head as its bytes come in pieces, and guards
// its shape. Every line ends with CR LF and neither stands anywhere else, no line is folded, and the limits hold while
// the bytes come in, not only once they are all there. Knows no field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/fault.h"

namespace gatehouse::testing {

class H1OracleLines {
 public:
  struct Limits {
    // Of all lines of fields, without their ends, and of a status line: a bound for what has not been split into fields
    // yet. How many fields there may be, and how large, FieldSection says.
    std::size_t max_bytes = 0;
    // For the second word of a request line.
    std::size_t max_target = 0;
  };
  // What the section begins with: a field (trailers), a request line whose method has been read already, or a status
  // line.
  enum class First { kField, kTargetAndVersion, kStatusLine };
  // What to say of a wrong shape, and of a limit that was passed. A target that is too long is always kTargetTooLong.
  struct Faults {
    Fault malformed;
    Fault too_large;
  };
  // What came of some input. `good` bytes may be looked at; those behind belong to the next part of the message, or
  // have the fault.
  struct Scan {
    std::size_t good = 0;
    // The empty line was the last of the good bytes.
    bool done = false;
    std::optional<Fault> fault;
  };

  // Starts on a new section.
  void begin(First first, const Limits& limits, const Faults& faults);
  // Looks at the next bytes. The same bytes have the same outcome at the same place, however the input was cut.
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
  // Bytes of "HTTP/1.1" seen.
  std::uint8_t version_size_ = 0;
  bool after_cr_ = false;
  // Of this line so far, with its CR.
  std::size_t line_size_ = 0;
  std::size_t section_size_ = 0;
};

}  // namespace gatehouse::testing
