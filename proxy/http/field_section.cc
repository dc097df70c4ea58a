#include "proxy/http/field_section.h"

namespace gatehouse {

namespace {

constexpr std::size_t kOverhead = 32;
constexpr std::size_t kJoint = 2;  // "; " between two crumbs

}  // namespace

// What they call is in line: they run for each field of each head.
[[gnu::flatten]] FieldSection::Verdict FieldSection::add(FieldName id, std::string_view name, std::string_view value,
                                                         const Limit& limit) {
  const Verdict verdict = count(id, name, value, limit);
  if (verdict == Verdict::kWithin) fields_.add(id, name, value);
  return verdict;
}

[[gnu::flatten]] FieldSection::Verdict FieldSection::count(FieldName id, std::string_view name, std::string_view value,
                                                           const Limit& limit) {
  const Verdict so_far = count_work(name.size() + value.size(), limit);
  if (so_far != Verdict::kWithin) return so_far;
  weigh(id, name.size(), value.size());
  const bool crumbles = crumbs_ > 1 && (crumbs_ > kMostCrumbs || crumb_bytes_ > kMostCrumbBytes);
  return section_size_ <= limit.bytes && count_ <= limit.fields && !crumbles ? Verdict::kWithin : refuse();
}

FieldSection::Verdict FieldSection::count_work(std::size_t bytes, const Limit& limit) {
  decoded_ += bytes + kOverhead;
  if (decoded_ > limit.bytes * kExcess) return Verdict::kExcessive;
  return too_large_ ? Verdict::kBeyond : Verdict::kWithin;
}

FieldSection::Verdict FieldSection::refuse() {
  too_large_ = true;
  return Verdict::kFirstBeyond;
}

void FieldSection::clear() {
  fields_.clear();
  decoded_ = section_size_ = crumb_bytes_ = 0;
  count_ = crumbs_ = 0;
  too_large_ = false;
}

void FieldSection::weigh(FieldName id, std::size_t name_size, std::size_t value_size) {
  if (id == FieldName::kCookie) {
    crumb_bytes_ += value_size;
    if (++crumbs_ > 1) {
      section_size_ += value_size + kJoint;
      return;
    }
  }
  section_size_ += name_size + value_size + kOverhead;
  ++count_;
}

}  // namespace gatehouse
