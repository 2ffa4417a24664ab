// NVML's entries by name; declared here, since its header comes with CUDA only.
#include "nvml.h"

#include <mutex>
#include <string>

#include "../core/library.h"

namespace grocerd::system {
namespace {

constexpr int kSuccess = 0, kTooSmall = 7;
constexpr uint64_t kNotAvailable = ~0ULL;

struct Memory {
  unsigned long long total, free, used;
};

// nvmlProcessInfo_v1_t has the first two members, its later versions all.
struct Process {
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance, compute_instance;
};
struct OldProcess {
  unsigned int pid;
  unsigned long long used;
};

template <typename P>
int64_t used_by(void* entry, void* device, uint32_t process) {
  const auto ask = reinterpret_cast<int (*)(void*, unsigned int*, P*)>(entry);
  unsigned int count = 64;
  std::vector<P> all(count);
  int status = ask(device, &count, all.data());
  if (status == kTooSmall) {
    all.resize(count);
    status = ask(device, &count, all.data());
  }
  if (status != kSuccess) return -1;
  for (unsigned int i = 0; i < count && i < all.size(); ++i)
    if (all[i].pid == process)
      return all[i].used == kNotAvailable ? -1 : static_cast<int64_t>(all[i].used);
  return -1;
}

// The newest entry that answers; -1 where none does.
int64_t process_memory(const Library& library, void* device, uint32_t process) {
  for (const char* name :
       {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"})
    if (void* entry = library.symbol(name)) {
      const int64_t bytes = used_by<Process>(entry, device, process);
      if (bytes >= 0) return bytes;
    }
  void* entry = library.symbol("nvmlDeviceGetComputeRunningProcesses");
  return entry ? used_by<OldProcess>(entry, device, process) : -1;
}

struct Loaded {
  Library library;
  std::string missing;
  void* device = nullptr;
};

// Once a process: the driver's library is never closed.
const Loaded& load(const std::vector<std::string>& candidates) {
  static std::once_flag once;
  static Loaded loaded;
  std::call_once(once, [&candidates] {
    loaded.library = open_library(candidates, "nvmlInit_v2");
    if (!loaded.library.handle) {
      loaded.missing = describe_missing("NVML", loaded.library.tried);
      return;
    }
    const auto init = reinterpret_cast<int (*)()>(loaded.library.symbol("nvmlInit_v2"));
    const auto first = reinterpret_cast<int (*)(unsigned int, void**)>(
        loaded.library.symbol("nvmlDeviceGetHandleByIndex_v2"));
    int status = init();
    if (status == kSuccess) status = first ? first(0, &loaded.device) : -1;
    if (status != kSuccess)
      loaded.missing = loaded.library.path + " finds no GPU (NVML error " +
                       std::to_string(status) + ")";
  });
  return loaded;
}

}  // namespace

GpuMemory nvidia_memory(const std::vector<std::string>& candidates, uint32_t process) {
  GpuMemory memory;
  const Loaded& loaded = load(candidates);
  memory.missing = loaded.missing;
  if (!memory.missing.empty()) return memory;
  const auto ask = reinterpret_cast<int (*)(void*, Memory*)>(
      loaded.library.symbol("nvmlDeviceGetMemoryInfo"));
  Memory figures{};
  const int status = ask ? ask(loaded.device, &figures) : -1;
  if (status != kSuccess) {
    memory.missing = loaded.library.path + " does not say the GPU's memory (NVML error " +
                     std::to_string(status) + ")";
    return memory;
  }
  memory.total_bytes = figures.total;
  memory.used_bytes = figures.used;
  memory.process_bytes = process_memory(loaded.library, loaded.device, process);
  return memory;
}

}  // namespace grocerd::system
