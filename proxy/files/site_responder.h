// Answers an exchange from the folder of its route, which is a fault only where it cannot be read. Owned by the exchange,
// which pins the route; one loop's thread.
//
//   start: method --> 405      find: cached --> on_found      else --pool--> on_found --> FileResponse, 301, 403, 404
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/loop_question.h"
#include "common/timer.h"
#include "proxy/files/file_pool.h"
#include "proxy/files/file_response.h"
#include "proxy/files/file_site.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

class SiteResponder final : public Responder {
 public:
  // What the route says of it.
  struct Order {
    std::shared_ptr<const FileSite> site;
    // What is left of the path of the request, resolved.
    std::string path;
    const ExchangeLimits& limits;
    // Has the last word on each head.
    std::move_only_function<void(ResponseHead&)> finish;
    // For the log.
    std::string_view route;
  };

  SiteResponder(Exchange& exchange, Order order);

  void start() override;

 private:
  void on_found(SiteFile found);
  void send(SiteFile found);
  void redirect();

  Exchange& exchange_;
  Order order_;
  FileResponse response_;
  LoopQuestion<SiteFile> question_;
  Timer patience_;
};

}  // namespace gatehouse
