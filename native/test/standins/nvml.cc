// A stand-in for NVIDIA's libnvidia-ml.so.1: one GPU of 8 GiB, of which $STANDIN_USED bytes are this
// process's and 1 GiB another's. $STANDIN_PROCESSES: v3, v1 (as old drivers list them) or none.
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace {

constexpr unsigned long long kGiB = 1ULL << 30;

unsigned long long ours() {
  const char* used = std::getenv("STANDIN_USED");
  return used ? std::strtoull(used, nullptr, 10) : 0;
}

std::string processes() {
  const char* kind = std::getenv("STANDIN_PROCESSES");
  return kind ? kind : "v3";
}

struct Process {
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance, compute_instance;
};
struct OldProcess {
  unsigned int pid;
  unsigned long long used;
};
struct Memory {
  unsigned long long total, free, used;
};

template <typename P>
int list(unsigned int* count, P* all) {
  constexpr int kTooSmall = 7;
  if (*count < 2) {
    *count = 2;
    return kTooSmall;
  }
  *count = 2;
  all[0].pid = 1;
  all[0].used = kGiB;
  all[1].pid = static_cast<unsigned int>(getpid());
  all[1].used = ours();
  return 0;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int nvmlInit_v2() { return std::getenv("STANDIN_NO_GPU") ? 6 : 0; }

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int, void** device) {
  static int one;
  *device = &one;
  return 0;
}

EXPORT int nvmlDeviceGetMemoryInfo(void*, Memory* memory) {
  *memory = {8 * kGiB, 7 * kGiB - ours(), kGiB + ours()};
  return 0;
}

// 999: an entry that is there and fails, as in a container without the right.
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(void*, unsigned int* count, Process* all) {
  return processes() == "v3" ? list(count, all) : 999;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses(void*, unsigned int* count, OldProcess* all) {
  return processes() == "v1" ? list(count, all) : 999;
}
