// The memory of an NVIDIA GPU as its driver's library NVML counts it, opened at run time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace grocerd::system {

struct GpuMemory {
  std::string missing;  // why there are no figures; empty where there are
  uint64_t total_bytes = 0, used_bytes = 0;
  // Of one process; -1 where the driver does not say or does not know it (a container has process
  // numbers of its own).
  int64_t process_bytes = -1;
};

// Of the first GPU. Never throws: what is not there is said in `missing`.
GpuMemory nvidia_memory(const std::vector<std::string>& candidates, uint32_t process);

}  // namespace grocerd::system
