// The real ONNX Runtime ($STANDIN_REAL) with one wrong option added to whatever a provider is handed:
// what it says then shows that the provider reads our options, not that it ignores them.
#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Base {
  const void* const* (*get_api)(uint32_t);
  const char* (*version_string)();
};

const Base& real() {
  static const Base* base = [] {
    void* library = dlopen(std::getenv("STANDIN_REAL"), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      std::fprintf(stderr, "%s\n", dlerror());
      std::abort();
    }
    return reinterpret_cast<const Base* (*)()>(dlsym(library, "OrtGetApiBase"))();
  }();
  return *base;
}

// The slots of the C API that grocerd uses are all below this one.
constexpr size_t kSlots = 209, kTensorRt = 172, kCuda = 206;
const void* const* api;

template <size_t Slot>
void* update(void* options, const char* const* keys, const char* const* values, size_t count) {
  std::vector<const char*> all_keys(keys, keys + count), all_values(values, values + count);
  all_keys.push_back("gpu_mem_limitt");
  all_values.push_back("1");
  using Update = void* (*)(void*, const char* const*, const char* const*, size_t);
  return reinterpret_cast<Update>(const_cast<void*>(api[Slot]))(options, all_keys.data(),
                                                                all_values.data(), count + 1);
}

const void* const* get_api(uint32_t version) {
  static std::array<const void*, kSlots> table;
  api = real().get_api(version);
  if (!api) return nullptr;
  for (size_t i = 0; i < kSlots; ++i) table[i] = api[i];
  table[kTensorRt] = reinterpret_cast<const void*>(&update<kTensorRt>);
  table[kCuda] = reinterpret_cast<const void*>(&update<kCuda>);
  return table.data();
}

const char* version_string() { return real().version_string(); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const Base* OrtGetApiBase() {
  static const Base base{get_api, version_string};
  return &base;
}
