// setrlimit with its errors said.
#include "limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace grocerd::system {

void limit_data(double bytes) {
  if (!(bytes > 0) || bytes > 9e15)
    throw std::invalid_argument("Expected a positive number of bytes");
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) == 0) {
    limit.rlim_cur = std::min<rlim_t>(static_cast<rlim_t>(bytes), limit.rlim_max);
    if (setrlimit(RLIMIT_DATA, &limit) == 0) return;
  }
  throw std::runtime_error(std::string("RLIMIT_DATA cannot be set: ") + std::strerror(errno));
}

}  // namespace grocerd::system
