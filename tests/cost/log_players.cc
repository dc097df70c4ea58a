// The access log alone: each piece is the path of a request, all else of which is as usual; its line is formatted.
#include <chrono>
#include <string>
#include <string_view>

#include "proxy/observe/access_record.h"
#include "tests/cost/player.h"

namespace gatehouse::work {
namespace {

using namespace std::chrono_literals;

class LinePlayer final : public Player {
 public:
  explicit LinePlayer(AccessLogFormat format) : style_{.format = format} {}

  void play(const Input& input) override {
    for (const Piece& piece : input) {
      record_.time += 1ms;
      record_.path = piece.bytes;
      text_.clear();
      append_line(text_, record_, style_, times_);
    }
  }

 private:
  const LineStyle style_;
  AccessRecord record_{
      .time = WallTime(1'767'225'600s),
      .id = "5f0c1a8e9b3d4c6fa7e2d1b0c9f8e7a6",
      .client = "192.0.2.7",
      .listener = ":443",
      .protocol = Protocol::kH2,
      .tls = "TLSv1.3",
      .method = "GET",
      .scheme = "https",
      .host = "shop.example.com",
      .status = 200,
      .route = "*/",
      .upstream = "shop",
      .endpoint = "127.0.0.1:5000",
      .attempts = 1,
      .upstream_reused = true,
      .bytes_out = 51'234,
      .duration = 12'345us,
      .first_byte = 11'987us,
      .user_agent = "curl/8.14.1",
  };
  std::string text_;
  log_text::LogTime times_;
};

}  // namespace

std::unique_ptr<Player> make_log_player(std::string_view name) {
  if (name == "json_line") return std::make_unique<LinePlayer>(AccessLogFormat::kJson);
  if (name == "w3c_line") return std::make_unique<LinePlayer>(AccessLogFormat::kW3c);
  return nullptr;
}

}  // namespace gatehouse::work
