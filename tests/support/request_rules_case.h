// A request of a client through a listener, and what the request rules make of its fields. A fixture, for the tests of
// request_rules.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proxy/forward/request_rules.h"
#include "proxy/http/request_id.h"

namespace gatehouse::testing_support {

class RequestRulesCase : public ::testing::Test {
 protected:
  RequestRulesCase() {
    auto policy = std::make_shared<ListenerPolicy>();
    policy->public_port = 8443;
    policy->trusted_proxies.push_back(AddressRange::parse("10.0.0.0/8").value());
    client.listener = policy;
    from("192.0.2.7:1234");
    head.method = "GET";
    head.secure = true;
    head.authority = "shop.example.com";
    head.target = "/a";
  }
  void from(const char* address) { client.address = Address::parse(address).value(); }
  void rewrite() {
    strip_asserted_fields(head.fields, client);
    request_id = settled_request_id(head.fields);
    apply_request_rules(head, client, route, request_id);
  }
  std::string field(std::string_view name) {
    std::string all;
    for (const Field one : head.fields) {
      if (field_name(name) == FieldName::kOther ? one.name == name : one.id == field_name(name)) {
        if (!all.empty()) all += " | ";
        all += one.value;
      }
    }
    return all;
  }

  RequestHead head;
  ClientInfo client;
  Route route;
  std::string request_id;
};

}  // namespace gatehouse::testing_support
