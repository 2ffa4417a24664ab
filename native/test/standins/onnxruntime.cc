// A stand-in for libonnxruntime.so that writes down every value it is handed and loads no model.
// $STANDIN_VERSION (such as 1.11.0) is the version it plays, $STANDIN_RECORD the file it writes,
// $STANDIN_BUILD_MS how long it seems to build before it answers.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

namespace {

struct Status {
  std::string words;
};

const char* setting(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value ? value : fallback;
}

int minor() { return std::atoi(setting("STANDIN_VERSION", "1.11.0") + 2); }

void record(const std::string& line) {
  std::FILE* file = std::fopen(setting("STANDIN_RECORD", "/dev/null"), "a");
  std::fprintf(file, "%s\n", line.c_str());
  std::fclose(file);
}

// A slot that we are not known to call: the record says which, and the program ends.
template <size_t Slot>
void unexpected() {
  record("unexpected slot " + std::to_string(Slot));
  std::abort();
}

template <size_t... Slots>
std::array<const void*, sizeof...(Slots)> empty_table(std::index_sequence<Slots...>) {
  return {reinterpret_cast<const void*>(&unexpected<Slots>)...};
}

// What an opaque handle points to; nobody looks inside.
int handle;

Status* make(void** out) {
  *out = &handle;
  return nullptr;
}

void release(void*) {}

const char* error_message(const Status* status) { return status->words.c_str(); }
void release_status(Status* status) { delete status; }
Status* create_env(int, const char*, void** out) { return make(out); }

Status* no_telemetry(const void*) {
  record("DisableTelemetryEvents");
  return nullptr;
}

Status* create_session(const void*, const void*, size_t bytes, const void*, void**) {
  record("CreateSessionFromArray " + std::to_string(bytes));
  std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(setting("STANDIN_BUILD_MS", "0"))));
  return new Status{setting("STANDIN_ANSWER", "it was written down")};
}

Status* set_threads(void*, int threads) {
  record("SetIntraOpNumThreads " + std::to_string(threads));
  return nullptr;
}

Status* config_entry(void*, const char* key, const char* value) {
  record(std::string(key) + " " + value);
  return nullptr;
}

Status* cpu_memory(int allocator, int type, void** out) {
  record("CreateCpuMemoryInfo " + std::to_string(allocator) + " " + std::to_string(type));
  return make(out);
}

Status* register_allocator(void*, const void*, const void*) {
  record("CreateAndRegisterAllocator");
  return nullptr;
}

Status* arena(const char* const* keys, const size_t* values, size_t count, void** out) {
  for (size_t i = 0; i < count; ++i)
    record(std::string("arena ") + keys[i] + " " + std::to_string(values[i]));
  return make(out);
}

char cpu[] = "CPUExecutionProvider", cuda[] = "CUDAExecutionProvider",
     tensorrt[] = "TensorrtExecutionProvider";
char* names[] = {cpu, cuda, tensorrt};

Status* providers(char*** out, int* count) {
  *out = names;
  *count = 3;
  return nullptr;
}
Status* release_providers(char**, int) { return nullptr; }

// The keys of TensorRT's provider in 1.11; a later one there is an error of the real provider.
bool known_in_11(const std::string& key) {
  for (const char* known :
       {"device_id", "trt_max_partition_iterations", "trt_min_subgraph_size",
        "trt_max_workspace_size", "trt_fp16_enable", "trt_int8_enable",
        "trt_int8_calibration_table_name", "trt_int8_use_native_calibration_table",
        "trt_dla_enable", "trt_dla_core", "trt_dump_subgraphs", "trt_engine_cache_enable",
        "trt_engine_cache_path", "trt_engine_decryption_enable", "trt_engine_decryption_lib_path",
        "trt_force_sequential_engine_build", "gpu_mem_limit", "arena_extend_strategy",
        "cudnn_conv_algo_search", "do_copy_in_default_stream", "cudnn_conv_use_max_workspace"})
    if (key == known) return true;
  return false;
}

Status* update(void*, const char* const* keys, const char* const* values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (minor() <= 11 && !known_in_11(keys[i]))
      return new Status{std::string("Unknown provider option: \"") + keys[i] + "\"."};
    record(std::string(keys[i]) + " " + values[i]);
  }
  return nullptr;
}

Status* append_tensorrt(void*, const void*) {
  record("AppendExecutionProvider_TensorRT_V2");
  return nullptr;
}

Status* append_cuda(void*, const void*) {
  record("AppendExecutionProvider_CUDA_V2");
  return nullptr;
}

const void* const* get_api(uint32_t version) {
  record("GetApi " + std::to_string(version));
  if (version > static_cast<uint32_t>(minor())) return nullptr;
  // As long as the table of 1.31: the order only ever grows.
  static std::array<const void*, 330> table = empty_table(std::make_index_sequence<330>());
  const auto fill = [](size_t slot, auto* function) {
    table[slot] = reinterpret_cast<const void*>(function);
  };
  fill(2, error_message);
  fill(3, create_env);
  fill(6, no_telemetry);
  fill(8, create_session);
  fill(10, make);
  fill(24, set_threads);
  fill(69, cpu_memory);
  fill(93, release_status);
  for (const size_t slot : {94, 95, 100, 157, 174, 208}) fill(slot, release);
  fill(125, providers);
  fill(126, release_providers);
  fill(130, config_entry);
  fill(144, register_allocator);
  fill(164, arena);
  fill(170, append_tensorrt);
  fill(171, make);
  fill(172, update);
  fill(204, append_cuda);
  fill(205, make);
  fill(206, update);
  return table.data();
}

const char* version_string() { return setting("STANDIN_VERSION", "1.11.0"); }

struct Base {
  const void* const* (*get_api)(uint32_t);
  const char* (*version_string)();
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const Base* OrtGetApiBase() {
  static const Base base{get_api, version_string};
  return &base;
}
