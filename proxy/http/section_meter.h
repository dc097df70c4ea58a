// Measures one section of fields, a head or trailers, while h2 or h3 decode it: whether it is within its limit, and
// when so much has been decoded that the connection is better ended than heard out. A reference of one byte can stand
// for a field of 4 KiB, so that work is bounded by what is decoded and not by what has arrived. A value of its stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

class SectionMeter {
 public:
  struct Limit {
    std::size_t bytes;   // names + values + 32 per field (RFC 9113 section 6.5.2)
    std::size_t fields;  // pseudo fields not among them
  };
  enum class Verdict : std::uint8_t {
    kWithin,       // keep the field
    kFirstBeyond,  // with this field the section is beyond its limit: it is refused, and nothing more of it is kept
    kBeyond,       // it was already
    kExcessive,    // kExcess times the limit has been decoded: no more of this
  };
  static constexpr std::size_t kExcess = 8;
  // Browsers cut a Cookie into a crumb per cookie (RFC 9113 section 8.2.3), 180 for one site. All of them count as the
  // one field that they become, with limits of their own.
  static constexpr std::size_t kMostCrumbs = 500;
  static constexpr std::size_t kMostCrumbBytes = 16 * 1024UL;

  // The next field of the section, with its name in lower case.
  Verdict add(std::string_view name, std::string_view value, const Limit& limit);
  bool too_large() const { return too_large_; }

 private:
  void weigh(std::string_view name, std::string_view value);

  std::size_t decoded_ = 0;       // size of everything, one by one
  std::size_t section_size_ = 0;  // of the section as it is kept: crumbs joined
  std::size_t crumb_bytes_ = 0;
  std::uint32_t fields_ = 0;
  std::uint32_t crumbs_ = 0;
  bool too_large_ = false;
};

}  // namespace gatehouse
