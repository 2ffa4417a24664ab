// renameat2 by its number: glibc has the function from 2.28 on only.
#include "exchange.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace grocerd::system {

bool exchange_paths(const std::string& one, const std::string& other) {
  constexpr unsigned int exchange = 1U << 1;  // RENAME_EXCHANGE of linux/fs.h
  if (syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), exchange) == 0)
    return true;
  if (errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP) return false;
  throw std::runtime_error(one + " and " + other +
                           " cannot be exchanged: " + std::strerror(errno));
}

}  // namespace grocerd::system
