// What a request asks of the response that it gets: conditions (RFC 9110 section 13) and a range (section 14), as copies,
// since those of the request become ours where we ask the endpoint ourselves. A value.
#pragma once

#include "proxy/http/field_list.h"

namespace gatehouse::cache {

struct Conditions {
  // Those that are judged by what is stored: If-None-Match, If-Modified-Since, Range, If-Range.
  FieldList fields;
  // If-Match or If-Unmodified-Since, which are for the endpoint to judge.
  bool for_endpoint = false;

  static Conditions of(const FieldList& request);
  bool none() const { return fields.empty() && !for_endpoint; }
};

// Whether it is one of those that are judged by what is stored.
bool is_judged_here(const Field& field);

}  // namespace gatehouse::cache
