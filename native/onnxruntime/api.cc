// Opens libonnxruntime and reads the slots that api.h names.
#include "api.h"

#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "../core/failure.h"

namespace grocerd::onnxruntime {
namespace {

struct ApiBase {
  const void* const* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};

struct Loaded {
  std::mutex mutex;
  LibraryProbe probe;
  Api api{};
};

// Process-wide on purpose: the library is never closed, and every Node environment shares it.
Loaded& loaded() {
  static auto* instance = new Loaded;
  return *instance;
}

// Builds name CUDA and TensorRT although the provider is a library of its own that may not be
// there.
bool has_provider(const std::string& library, const char* provider) {
  const std::string folder = library.substr(0, library.rfind('/') + 1);
  return access((folder + "libonnxruntime_providers_" + provider + ".so").c_str(), R_OK) == 0;
}

// What a person calls the device of an execution provider.
std::vector<std::string> devices_of(const Api& api, const std::string& library) {
  std::vector<std::string> devices;
  char** names = nullptr;
  int count = 0;
  if (Status* status = api.GetAvailableProviders(&names, &count)) {
    api.ReleaseStatus(status);
    return devices;
  }
  for (int i = 0; i < count; ++i) {
    const std::string name = names[i];
    if (name == "CPUExecutionProvider") devices.push_back("CPU");
    if (name == "CUDAExecutionProvider" && has_provider(library, "cuda")) devices.push_back("CUDA");
    if (name == "TensorrtExecutionProvider" && has_provider(library, "tensorrt"))
      devices.push_back("TensorRT");
  }
  if (Status* status = api.ReleaseAvailableProviders(names, count)) api.ReleaseStatus(status);
  return devices;
}

// Returns why this library will not do, or nothing.
std::string open_api(const Library& library, Api* api) {
  const auto get_base = reinterpret_cast<const ApiBase* (*)()>(library.symbol("OrtGetApiBase"));
  const ApiBase* base = get_base();
  api->version = base->GetVersionString();
  const void* const* table = base->GetApi(kApiVersion);
  if (!table)
    return "it is version " + api->version + ", which does not have API " +
           std::to_string(kApiVersion);
  api->bind(table);
  if (Status* status = api->CreateEnv(kLogError, "grocerd", &api->env)) {
    const std::string words = api->GetErrorMessage(status);
    api->ReleaseStatus(status);
    return "it is version " + api->version + ", which cannot start: " + words;
  }
  if (Status* status = api->DisableTelemetryEvents(api->env)) api->ReleaseStatus(status);
  return "";
}

}  // namespace

void Api::bind(const void* const* table) {
#define SLOT(index, name) name = reinterpret_cast<decltype(name)>(const_cast<void*>(table[index]))
  SLOT(2, GetErrorMessage);
  SLOT(3, CreateEnv);
  SLOT(6, DisableTelemetryEvents);
  SLOT(8, CreateSessionFromArray);
  SLOT(9, Run);
  SLOT(10, CreateSessionOptions);
  SLOT(24, SetIntraOpNumThreads);
  SLOT(30, SessionGetInputCount);
  SLOT(31, SessionGetOutputCount);
  SLOT(33, SessionGetInputTypeInfo);
  SLOT(34, SessionGetOutputTypeInfo);
  SLOT(36, SessionGetInputName);
  SLOT(37, SessionGetOutputName);
  SLOT(39, CreateRunOptions);
  SLOT(46, RunOptionsSetTerminate);
  SLOT(49, CreateTensorWithDataAsOrtValue);
  SLOT(50, IsTensor);
  SLOT(51, GetTensorMutableData);
  SLOT(55, CastTypeInfoToTensorInfo);
  SLOT(60, GetTensorElementType);
  SLOT(61, GetDimensionsCount);
  SLOT(62, GetDimensions);
  SLOT(64, GetTensorShapeElementCount);
  SLOT(65, GetTensorTypeAndShape);
  SLOT(69, CreateCpuMemoryInfo);
  SLOT(76, AllocatorFree);
  SLOT(78, GetAllocatorWithDefaultOptions);
  SLOT(93, ReleaseStatus);
  SLOT(94, ReleaseMemoryInfo);
  SLOT(95, ReleaseSession);
  SLOT(96, ReleaseValue);
  SLOT(97, ReleaseRunOptions);
  SLOT(98, ReleaseTypeInfo);
  SLOT(99, ReleaseTensorTypeAndShapeInfo);
  SLOT(100, ReleaseSessionOptions);
  SLOT(125, GetAvailableProviders);
  SLOT(126, ReleaseAvailableProviders);
  SLOT(130, AddSessionConfigEntry);
  SLOT(144, CreateAndRegisterAllocator);
  SLOT(157, ReleaseArenaCfg);
  SLOT(164, CreateArenaCfgV2);
  SLOT(170, AppendTensorRt);
  SLOT(171, CreateTensorRtOptions);
  SLOT(172, UpdateTensorRtOptions);
  SLOT(174, ReleaseTensorRtOptions);
  SLOT(204, AppendCuda);
  SLOT(205, CreateCudaOptions);
  SLOT(206, UpdateCudaOptions);
  SLOT(208, ReleaseCudaOptions);
#undef SLOT
}

int Api::minor() const {
  const size_t dot = version.find('.');
  return dot == std::string::npos ? 0 : std::atoi(version.c_str() + dot + 1);
}

void Api::require(Status* status, const char* code, const std::string& what) const {
  if (!status) return;
  const std::string words = GetErrorMessage(status);
  ReleaseStatus(status);
  throw Failure(code, what + ": " + words);
}

void Api::limit_host_memory(int64_t bytes) const {
  static std::once_flag once;
  std::call_once(once, [this, bytes] {
    const char* keys[] = {"max_mem", "arena_extend_strategy"};
    const size_t values[] = {static_cast<size_t>(bytes),
                             1};  // 1: grow by what is asked, not by doubling
    ArenaCfg* config = nullptr;
    require(CreateArenaCfgV2(keys, values, 2, &config), "MODEL_INVALID",
            "The memory limit is refused");
    MemoryInfo* memory = nullptr;
    Status* status = CreateCpuMemoryInfo(kArenaAllocator, kMemDefault, &memory);
    if (!status) status = CreateAndRegisterAllocator(env, memory, config);
    ReleaseMemoryInfo(memory);
    ReleaseArenaCfg(config);
    require(status, "MODEL_INVALID", "The memory limit is refused");
  });
}

LibraryProbe probe(const std::vector<std::string>& candidates) {
  Loaded& state = loaded();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (!state.probe.found) {
    const Library library = open_library(candidates, "OrtGetApiBase");
    state.probe.tried = library.tried;
    if (!library.handle) return state.probe;
    const std::string refused = open_api(library, &state.api);
    if (!refused.empty()) {
      state.probe.tried.push_back({library.path, refused});
      return state.probe;
    }
    state.probe.found = true;
    state.probe.path = library.path;
    state.probe.version = state.api.version;
  }
  state.probe.devices = devices_of(state.api, state.probe.path);
  return state.probe;
}

const Api& api() {
  Loaded& state = loaded();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (!state.probe.found)
    throw Failure("RUNTIME_NOT_FOUND", describe_missing("libonnxruntime", state.probe.tried));
  return state.api;  // not written again once found
}

}  // namespace grocerd::onnxruntime
