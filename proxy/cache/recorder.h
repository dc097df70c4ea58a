// Copies a body on its way to the client, which gets it unchanged: what may become an entry. Owned by the response pipe,
// of whose writer's half it is; one loop's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proxy/cache/store.h"
#include "proxy/http/exchange/body_filter.h"

namespace gatehouse::cache {

class Recorder final : public BodyFilter {
 public:
  // `gave_up` is called once if there are more bytes than `at_most`, or no memory for them. It outlives the pipe or
  // forget() is called before.
  Recorder(Store& store, std::size_t at_most, std::move_only_function<void()> gave_up)
      : reservation_(store), at_most_(at_most), gave_up_(std::move(gave_up)) {}

  Buffer push(Buffer bytes) override;
  FieldList end(FieldList trailers) override;
  std::optional<Fault> fault() const override { return std::nullopt; }

  // What the whole body was; null: it is not complete, or was given up.
  std::shared_ptr<const std::string> take();
  // Nobody wants to know any more.
  void forget() { gave_up_ = nullptr; }

 private:
  bool keep(std::size_t more);

  Store::Reservation reservation_;
  const std::size_t at_most_;
  std::move_only_function<void()> gave_up_;
  std::string body_;
  bool given_up_ = false;
  bool complete_ = false;
};

}  // namespace gatehouse::cache
