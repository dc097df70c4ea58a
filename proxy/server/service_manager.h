// Tells systemd (or what speaks its protocol) how the service is: sd_notify(3) as one datagram to $NOTIFY_SOCKET. Does
// nothing where nobody asked. Control thread.
#pragma once

#include <string>

namespace gatehouse::service_manager {

void notify_ready();
void notify_reloading();  // to be followed by notify_ready()
void notify_stopping();

}  // namespace gatehouse::service_manager
