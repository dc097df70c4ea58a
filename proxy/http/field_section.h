// One section of fields, a head's or the trailers', as a codec of any version collects it, and the one place where it
// is held against its limits. What is beyond them is not kept but goes on being counted: h2 and h3 have to decode it
// for the sake of the table that both sides share, where a reference of one byte can stand for a field of 4 KiB. So
// there is an end to that too, and work is bounded by what is decoded and not by what has arrived. A value of its
// codec; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "proxy/http/field_list.h"

namespace gatehouse {

class FieldSection {
 public:
  struct Limit {
    std::size_t bytes;   // names + values + 32 per field (RFC 9113 section 6.5.2)
    std::size_t fields;  // the crumbs of one Cookie are one
  };
  enum class Verdict : std::uint8_t {
    kWithin,       // the field is kept
    kFirstBeyond,  // with this field the section is beyond its limit: it is refused, and nothing more of it is kept
    kBeyond,       // it was already
    kExcessive,    // kExcess times the limit has been decoded: the connection is better ended than heard out
  };
  static constexpr std::size_t kExcess = 8;
  // Browsers cut a Cookie into a crumb per cookie (RFC 9113 section 8.2.3), 180 for one site. All of them count as the
  // one field that they become, with limits of their own.
  static constexpr std::size_t kMostCrumbs = 500;
  static constexpr std::size_t kMostCrumbBytes = 16 * 1024UL;

  // The next field of the section: counted, and kept if it is within.
  Verdict add(std::string_view name, std::string_view value, const Limit& limit) {
    return add(field_name(name), name, value, limit);
  }
  // The same for a name whose id the caller knows. REQUIRES: it is field_name(name).
  Verdict add(FieldName id, std::string_view name, std::string_view value, const Limit& limit);
  // Counts it like any other; the caller keeps it elsewhere. REQUIRES: as above.
  Verdict count(FieldName id, std::string_view name, std::string_view value, const Limit& limit);
  // Counts only the work that it was to decode: kWithin, kBeyond or kExcessive.
  Verdict count_work(std::size_t bytes, const Limit& limit);
  // From here on the section is beyond its limits, for a reason of the caller's.
  Verdict refuse();

  bool too_large() const { return too_large_; }
  const FieldList& fields() const { return fields_; }
  // The fields, in the order in which they came. The section is empty and can take the next one.
  FieldList take() { return std::move(std::exchange(*this, {}).fields_); }
  void clear();

 private:
  void weigh(FieldName id, std::size_t name_size, std::size_t value_size);

  std::size_t decoded_ = 0;       // size of everything, one by one
  std::size_t section_size_ = 0;  // of the section as it is kept: crumbs joined
  std::size_t crumb_bytes_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t crumbs_ = 0;
  bool too_large_ = false;
  FieldList fields_;
};

}  // namespace gatehouse
