// Talks to systemd (or what speaks its protocol): sd_notify(3) as one datagram to $NOTIFY_SOCKET, and what the
// environment says of the watchdog. Does nothing where nobody asked. Used by Supervision; control thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace gatehouse::service_manager {

// Sends lines NAME=value ("READY=1"). Never waits; what cannot be sent is logged and lost.
void notify(std::string_view message);

// How often WATCHDOG=1 must come at least, or we are ended; nothing: no watchdog for us (WATCHDOG_USEC,
// WATCHDOG_PID).
std::optional<std::chrono::microseconds> watchdog_period();

}  // namespace gatehouse::service_manager
