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
  // `bytes`: names, values and 32 per field (RFC 9113 section 6.5.2). `fields`: pseudo-fields are not among them.
  struct Limit {
    std::size_t bytes;
    std::size_t fields;
  };
  enum class Verdict : std::uint8_t {
    // The field is to be kept.
    kWithin,
    // With this field the section is beyond its limit: it is refused, and nothing more of it is kept.
    kFirstBeyond,
    // It was beyond its limit already; go on decoding, for the sake of the table that both sides keep.
    kBeyond,
    // kExcess times the limit in bytes has been decoded: the connection is to be ended.
    kExcessive,
  };
  static constexpr std::size_t kExcess = 8;
  // Browsers cut a Cookie into a crumb per cookie (RFC 9113 section 8.2.3), 180 for one site. All of them count as the
  // one field that they become, with limits of their own.
  static constexpr std::size_t kMostCrumbs = 500;
  static constexpr std::size_t kMostCrumbBytes = 16 * 1024UL;

  // Counts the next field of the section and judges what has come so far. `name` is in lower case.
  Verdict add(std::string_view name, std::string_view value, const Limit& limit);
  // Whether kFirstBeyond was returned.
  bool too_large() const { return too_large_; }

 private:
  // Adds the field to what the section is as it will be kept.
  void weigh(std::string_view name, std::string_view value);

  // Size of everything that came, field by field.
  std::size_t decoded_ = 0;
  // Size of the section as it is kept: crumbs are joined.
  std::size_t section_size_ = 0;
  std::size_t crumb_bytes_ = 0;
  std::uint32_t fields_ = 0;
  std::uint32_t crumbs_ = 0;
  bool too_large_ = false;
};

}  // namespace gatehouse
