// Answers an exchange with an open file: all of it, the ranges that were asked for, or what the conditions of the request
// make of it. Member of a responder; one loop's thread.
//
//   send: preconditions --> 304, 412      ranges --> 206, 416      else the whole --> FileReader
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

#include "proxy/files/file_reader.h"
#include "proxy/files/opened_file.h"
#include "proxy/http/conditional/byte_ranges.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse {

struct FileOffer {
  OpenedFile file;
  // Status, Content-Type, and whatever else goes with the file. ETag and Last-Modified are added where they are missing.
  ResponseHead head;
  // As Content-Encoding says it, for the ETag.
  std::string_view coding = {};
};

class FileResponse {
 public:
  // `finish` has the last word on each head. `lane` outlives it.
  FileResponse(Exchange& exchange, const FileLane& lane, std::move_only_function<void(ResponseHead&)> finish);

  // Conditions and ranges are heeded where the offer has status 200 and the request is a GET or HEAD. Called once.
  void send(FileOffer offer);
  // Answers with this status and a line of text. `head` may have fields already.
  void say(ResponseHead head);

 private:
  void send_whole(FileOffer offer);
  void send_part(FileOffer offer, const ByteRange& range);
  void send_parts(FileOffer offer, const RangeChoice& choice);
  void begin(FileOffer offer, std::uint64_t length, std::deque<FilePiece> pieces);

  Exchange& exchange_;
  std::move_only_function<void(ResponseHead&)> finish_;
  FileReader reader_;
};

}  // namespace gatehouse
