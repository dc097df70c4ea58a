// A bounded transformation of one direction of a body and of its end, between whoever writes it and the reader: it holds
// back no more than it must to know what a byte is. Chosen in proxy/forward and unknown to codecs; proxy/http/filters has
// what there is. Owned by the pipe that it stands in; one loop's thread.
//
//   writer --> push --> push --> end          (end is called once, and comes at once where fault() is set by push)
#pragma once

#include <optional>

#include "common/buffer.h"
#include "proxy/http/fault.h"
#include "proxy/http/field_list.h"

namespace gatehouse {

class BodyFilter {
 public:
  virtual ~BodyFilter() = default;
  // Takes the next bytes, and returns what the reader gets of them; often the same, without a copy.
  virtual Buffer push(Buffer bytes) = 0;
  // The body is complete, and came with these trailers. Returns those that the reader gets.
  virtual FieldList end(FieldList trailers) = 0;
  // What is wrong with the body, if anything: after a push() the body ends here, after end() it has.
  virtual std::optional<Fault> fault() const = 0;
};

}  // namespace gatehouse
