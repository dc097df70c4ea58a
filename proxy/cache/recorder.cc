#include "proxy/cache/recorder.h"

#include <utility>

namespace gatehouse::cache {

Buffer Recorder::push(Buffer bytes) {
  if (!given_up_ && keep(bytes.size())) bytes.for_each([this](std::string_view run) { body_ += run; });
  return bytes;
}

bool Recorder::keep(std::size_t more) {
  if (body_.size() + more <= at_most_ && reservation_.grow(more)) return true;
  given_up_ = true;
  body_ = {};
  if (gave_up_) std::exchange(gave_up_, nullptr)();
  return false;
}

FieldList Recorder::end(FieldList trailers) {
  complete_ = !given_up_;
  return trailers;
}

std::shared_ptr<const std::string> Recorder::take() {
  if (!std::exchange(complete_, false)) return nullptr;
  body_.shrink_to_fit();
  return std::make_shared<const std::string>(std::move(body_));
}

}  // namespace gatehouse::cache
