#include "proxy/http/section_meter.h"

#include <utility>

namespace gatehouse {

namespace {

constexpr std::size_t kOverhead = 32;
constexpr std::size_t kJoint = 2;  // "; " between two crumbs

}  // namespace

SectionMeter::Verdict SectionMeter::add(std::string_view name, std::string_view value, const Limit& limit) {
  decoded_ += name.size() + value.size() + kOverhead;
  if (decoded_ > limit.bytes * kExcess) return Verdict::kExcessive;
  if (too_large_) return Verdict::kBeyond;
  weigh(name, value);
  const bool crumbles = crumbs_ > 1 && (crumbs_ > kMostCrumbs || crumb_bytes_ > kMostCrumbBytes);
  if (section_size_ <= limit.bytes && fields_ <= limit.fields && !crumbles) return Verdict::kWithin;
  too_large_ = true;
  return Verdict::kFirstBeyond;
}

void SectionMeter::weigh(std::string_view name, std::string_view value) {
  if (name == "cookie") {
    crumb_bytes_ += value.size();
    if (++crumbs_ > 1) {
      section_size_ += value.size() + kJoint;
      return;
    }
  }
  section_size_ += name.size() + value.size() + kOverhead;
  if (!name.starts_with(':')) ++fields_;
}

}  // namespace gatehouse
