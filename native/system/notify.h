// systemd's readiness protocol (sd_notify(3)): one datagram to a Unix socket, which Node itself
// cannot send.
#pragma once

#include <string>

namespace grocerd::system {

// `socket` is $NOTIFY_SOCKET: a path, or '@' and an abstract name. False when it could not be sent.
bool notify(const std::string& socket, const std::string& message) noexcept;

}  // namespace grocerd::system
