// sd_notify against real sockets, with a path and with an abstract name.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "../system/notify.h"
#include "check.h"

TEST("notifies over an abstract socket and says when nobody listens") {
  const std::string name = "@grocerd-test-" + std::to_string(getpid());
  CHECK(!grocerd::system::notify(name, "READY=1"));
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  CHECK(grocerd::system::notify(name, "READY=1"));
  char text[32];
  CHECK(recv(fd, text, sizeof text, 0) == 7 && std::memcmp(text, "READY=1", 7) == 0);
  close(fd);
  CHECK(!grocerd::system::notify("", "x") && !grocerd::system::notify("relative", "x"));
  CHECK(!grocerd::system::notify("/" + std::string(200, 'x'), "x"));
}
