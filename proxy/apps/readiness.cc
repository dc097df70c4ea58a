#include "proxy/apps/readiness.h"

#include <algorithm>
#include <cerrno>
#include <format>

#include "common/sockets.h"

namespace gatehouse {

namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Readiness::Readiness(EventLoop& loop, Questions questions, Dependencies dependencies)
    : loop_(loop),
      questions_(std::move(questions)),
      dependencies_(std::move(dependencies)),
      timer_(loop, [this] { next(); }) {
  timer_.arm(kFirst);
}

std::string Readiness::waits_for() const {
  if (!accepted_) return "it does not listen";
  const bool warming = path_ready_ || questions_.ready_path.empty();
  const std::string& path =
      warming && warmup_.asked < questions_.warmup.size() ? questions_.warmup[warmup_.asked] : questions_.ready_path;
  return path + (status_ && !warming ? " answered " + std::to_string(*status_) : " gave no answer");
}

void Readiness::next() {
  watcher_.reset();
  socket_.reset();
  if (!accepted_) return try_to_connect();
  if (!path_ready_ && !questions_.ready_path.empty()) return ask(questions_.ready_path, false);
  if (warmup_.asked < questions_.warmup.size()) return ask(questions_.warmup[warmup_.asked], true);
  dependencies_.decided(Verdict::kReady);
}

void Readiness::again() {
  timer_.arm(delay_);
  delay_ = std::min(2 * delay_, kLongest);
}

void Readiness::try_to_connect() {
  Result<Fd> started = sockets::connect(questions_.address);
  if (!started) return again();  // ENOENT and ECONNREFUSED of a Unix socket come at once
  socket_ = *std::move(started);
  watcher_ = std::make_unique<IoWatcher>(loop_, socket_.get(), [this](IoEvents events) {
    if (events.writable || events.closed) on_connected(sockets::take_error(socket_.get()));
  });
}

void Readiness::on_connected(int code) {
  // The watcher that calls may not be destroyed by its own call: next() does it.
  if (timer_.armed() || accepted_) return;
  if (code != 0) return again();
  if (!sockets::is_listened_at_by(socket_.get(), questions_.listening_user)) {
    return dependencies_.decided(Verdict::kForeignListener);
  }
  if (!dependencies_.owns_listener()) return dependencies_.decided(Verdict::kWrongPort);
  accepted_ = true;
  delay_ = kFirst;
  timer_.arm(Duration::zero());
}

void Readiness::ask(const std::string& path, bool warming) {
  AppProbe probe{.address = questions_.address,
                 .path = path,
                 .host = questions_.host,
                 .fields = questions_.fields,
                 .listening_user = questions_.listening_user};
  if (warming) probe.timeout = questions_.warmup_timeout;
  asking_ =
      dependencies_.probe(std::move(probe), [this, warming](std::optional<int> status) { on_status(status, warming); });
}

void Readiness::on_status(std::optional<int> status, bool warming) {
  status_ = status;
  if (warming) {
    if (warmup_.redirected.empty() && status && is_redirect(*status)) {
      warmup_.redirected = std::format("{} ({})", questions_.warmup[warmup_.asked], *status);
    }
    ++warmup_.asked;
    timer_.arm(Duration::zero());  // next() may destroy us, and with us the probe that calls
    return;
  }
  path_ready_ = status && *status >= 200 && *status < 400;
  if (path_ready_) {
    timer_.arm(Duration::zero());
  } else {
    again();
  }
}

}  // namespace gatehouse
