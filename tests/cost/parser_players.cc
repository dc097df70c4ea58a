// HTTP/1 messages at the parser alone, with the rules that every accepted head goes through.
#include <cstddef>
#include <string_view>
#include <utility>

#include "proxy/http/field_rules.h"
#include "proxy/http/h1/h1_parser.h"
#include "tests/cost/player.h"

namespace gatehouse::work {
namespace {

class ParserPlayer final : public Player {
 public:
  explicit ParserPlayer(H1Parser::Kind kind) : kind_(kind), parser_(kind, limits_) { next_response(); }

  void play(const Input& input) override {
    for (const Piece& piece : input) {
      if (!feed(piece.bytes)) return;
    }
  }

 private:
  bool feed(std::string_view bytes) {
    for (;;) {
      const H1Parser::Step step = parser_.parse(bytes);
      bytes.remove_prefix(step.consumed);
      switch (step.event) {
        case H1Parser::Event::kNeedMore:
          return true;
        case H1Parser::Event::kFault:
          return false;
        case H1Parser::Event::kHead:
          take_head();
          break;
        case H1Parser::Event::kEnd:
          take_trailers();
          break;
        case H1Parser::Event::kBody:
          break;
      }
    }
  }

  void take_head() {
    if (kind_ == H1Parser::Kind::kResponse) {
      ResponseHead head = parser_.take_response();
      return field_rules::remove_hop_by_hop(head.fields);
    }
    RawRequest raw = parser_.take_request();
    auto head = field_rules::check_request(raw, limits_);
    if (head) field_rules::remove_hop_by_hop(head->fields);
  }
  void take_trailers() {
    if (kind_ == H1Parser::Kind::kResponse) {
      static_cast<void>(field_rules::check_response_trailers(parser_.take_trailers()));
      return next_response();
    }
    static_cast<void>(field_rules::check_request_trailers(parser_.take_trailers(), Protocol::kH1, policy_));
  }
  void next_response() {
    if (kind_ == H1Parser::Kind::kResponse) parser_.expect_response_to("GET");
  }

  HeadLimits limits_;
  ListenerPolicy policy_;
  H1Parser::Kind kind_;
  H1Parser parser_;
};

}  // namespace

std::unique_ptr<Player> make_parser_player(std::string_view name) {
  if (name == "h1_request") return std::make_unique<ParserPlayer>(H1Parser::Kind::kRequest);
  if (name == "h1_response") return std::make_unique<ParserPlayer>(H1Parser::Kind::kResponse);
  return nullptr;
}

}  // namespace gatehouse::work
