// How the server comes to its end: what asks for it, and the steps from serving to ended. The other half of Server.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <format>

#include "common/log.h"
#include "proxy/server/server.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kForcedEnd{500};  // for connections to be closed once time is up
constexpr std::chrono::seconds kHangup{2};            // for what is in flight when nobody waits for our end

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

// What apps may take to end, after all requests have.
Duration longest_stop(const config::Config& config) {
  Duration longest{};
  for (const config::App& app : config.apps) longest = std::max(longest, Duration(app.stop_timeout));
  return longest;
}

}  // namespace

void Server::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      if (origin_.options.ends_on_hangup) return on_hangup();
      reload({});
      return;
    case SIGUSR1:
      log::reopen();
      if (rollout_->snapshot().access_log) rollout_->snapshot().access_log->reopen_soon();
      log::info("logs were opened again");
      return;
    default:
      // After `gatehouse drain` the first one changes nothing: that is how containers are stopped.
      if (++progress_.stop_signals > 1) return force("a second signal");
      if (progress_.phase == Phase::kServing) begin_drain(std::format("signal {}", signal));
  }
}

void Server::on_hangup() {
  if (progress_.phase != Phase::kServing) return;
  begin_drain("the terminal has gone");
  if (progress_.phase == Phase::kLeaving) drain("the terminal has gone");
  progress_.deadline.arm(std::min<Duration>(config_.server.drain_timeout, kHangup));
}

// The app is stopped, or it would be started again while requests have their time to end.
void Server::on_app_ended(const app_event::Ended& ended) {
  if (!ended.shell_status || progress_.phase != Phase::kServing) return;
  progress_.exit_code = *ended.shell_status;
  if (const auto stopped = upstreams_.command(ended.app, "stop"); !stopped) log::error("{}", stopped.error().message);
  begin_drain(std::format("the app {} has ended by itself, with exit code {}", ended.app, progress_.exit_code));
}

void Server::begin_drain(std::string_view why) {
  progress_.phase = Phase::kLeaving;
  source_.cancel();
  progress_.reloads.refuse({.ok = false, .text = "the server is draining\n"});
  told_.status.draining = true;  // load balancers see it first
  rollout_->withdraw_alt_svc();
  // Whoever supervises us has to wait that long.
  supervision_.stopping(config_.server.drain_delay + config_.server.drain_timeout + kForcedEnd + longest_stop(config_));
  if (config_.server.drain_delay == config_.server.drain_delay.zero()) return drain(why);
  log::info("leaving ({}): /readyz says so, and for {} s all goes on as before", why,
            seconds(config_.server.drain_delay));
  progress_.deadline.arm(config_.server.drain_delay);
}

void Server::drain(std::string_view why) {
  progress_.phase = Phase::kDraining;
  log::info("draining ({}): in-flight requests get up to {} s", why, seconds(config_.server.drain_timeout));
  // Apps end last: what is in flight needs them.
  rollout_->workers().drain([this] {
    progress_.deadline.disarm();
    upstreams_.shut_down([this] { loop_.stop(); });
  });
  progress_.deadline.arm(config_.server.drain_timeout);
}

void Server::time_is_over() {
  progress_.phase == Phase::kLeaving ? drain("drain_delay is over") : force("drain_timeout is over");
}

// What still runs is broken off; whoever does not end by then is left behind.
void Server::force(std::string_view why) {
  if (progress_.phase == Phase::kForced) return loop_.stop();
  if (progress_.phase == Phase::kLeaving) drain(why);
  progress_.phase = Phase::kForced;
  log::warn("ending now: {}", why);
  rollout_->workers().close_now();
  progress_.deadline.arm(kForcedEnd);
}

}  // namespace gatehouse
