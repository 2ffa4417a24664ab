// Opens libopenvino_c and binds what api.h declares.
#include "api.h"

#include <iterator>
#include <mutex>
#include <type_traits>

#include "../core/failure.h"

namespace grocerd::openvino {
namespace {

// From the enum's member after UNDEFINED on; stops where later versions began to insert members.
constexpr const char* kTypes[] = {"dynamic", "bool", "bf16", "f16", "f32", "f64",
                                  "i4",      "i8",   "i16",  "i32", "i64"};

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

// Which numbering the enum has: a tensor of one f64 is 8 bytes, and f64 is 5 today, 6 before 2025.
int first_type_of(const Api& api) {
  int64_t one = 1;
  Tensor* tensor = nullptr;
  size_t bytes = 0;
  if (api.ov_tensor_create(5, Shape{1, &one}, &tensor) != 0) return 0;
  api.ov_tensor_get_byte_size(tensor, &bytes);
  api.ov_tensor_free(tensor);
  return bytes == 8 ? 0 : 1;
}

// Returns the first name that the library does not have, or null.
const char* bind_all(const Library& library, Api* api) {
  const char* missing = nullptr;
  const auto bind = [&](auto* fn, const char* name) {
    *fn = reinterpret_cast<std::remove_pointer_t<decltype(fn)>>(library.symbol(name));
    if (!*fn && !missing) missing = name;
  };
#define BIND(name) bind(&api->name, #name)
  BIND(ov_get_error_info);
  BIND(ov_free);
  BIND(ov_get_openvino_version);
  BIND(ov_version_free);
  BIND(ov_core_create);
  BIND(ov_core_free);
  BIND(ov_core_get_available_devices);
  BIND(ov_available_devices_free);
  BIND(ov_core_get_property);
  BIND(ov_core_read_model_from_memory_buffer);
  BIND(ov_core_compile_model);
  BIND(ov_model_free);
  BIND(ov_model_is_dynamic);
  BIND(ov_model_inputs_size);
  BIND(ov_model_const_input_by_index);
  BIND(ov_model_const_output_by_index);
  BIND(ov_model_reshape_single_input);
  BIND(ov_partial_shape_create_static);
  BIND(ov_partial_shape_free);
  BIND(ov_compiled_model_free);
  BIND(ov_compiled_model_outputs_size);
  BIND(ov_compiled_model_output_by_index);
  BIND(ov_compiled_model_create_infer_request);
  BIND(ov_compiled_model_get_property);
  BIND(ov_port_get_any_name);
  BIND(ov_port_get_partial_shape);
  BIND(ov_port_get_element_type);
  BIND(ov_output_const_port_free);
  BIND(ov_tensor_create);
  BIND(ov_tensor_get_shape);
  BIND(ov_tensor_get_element_type);
  BIND(ov_tensor_get_size);
  BIND(ov_tensor_get_byte_size);
  BIND(ov_tensor_data);
  BIND(ov_tensor_free);
  BIND(ov_shape_free);
  BIND(ov_infer_request_get_input_tensor_by_index);
  BIND(ov_infer_request_get_output_tensor_by_index);
  BIND(ov_infer_request_infer);
  BIND(ov_infer_request_cancel);
  BIND(ov_infer_request_free);
#undef BIND
  const char* missing_required = missing;
  bind(&api->ov_get_last_err_msg, "ov_get_last_err_msg");
  return missing_required;
}

std::string version_of(const Api& api) {
  Version version;
  if (api.ov_get_openvino_version(&version) != 0) return "unknown";
  const std::string text = version.build ? version.build : "unknown";
  api.ov_version_free(&version);
  return text;
}

std::vector<std::string> devices_of(const Api& api) {
  std::vector<std::string> names;
  Core* core = nullptr;
  if (api.ov_core_create(&core) != 0) return names;
  Devices devices;
  if (api.ov_core_get_available_devices(core, &devices) == 0) {
    for (size_t i = 0; i < devices.size; ++i) names.emplace_back(devices.names[i]);
    api.ov_available_devices_free(&devices);
  }
  api.ov_core_free(core);
  return names;
}

}  // namespace

std::string Api::type_name(int type) const {
  const int index = type - first_type;
  return index >= 0 && index < static_cast<int>(std::size(kTypes)) ? kTypes[index] : "other";
}

int Api::type_number(const char* name) const {
  for (size_t i = 0; i < std::size(kTypes); ++i)
    if (std::string(name) == kTypes[i]) return static_cast<int>(i) + first_type;
  return -1;
}

void Api::require(Status status, const char* code, const std::string& what) const {
  if (status == 0) return;
  std::string words;
  if (ov_get_last_err_msg) {
    if (const char* last = ov_get_last_err_msg()) {
      words = last;
      ov_free(last);
    }
  }
  if (words.empty()) words = ov_get_error_info(status);
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.pop_back();
  throw Failure(code, what + ": " + words);
}

LibraryProbe probe(const std::vector<std::string>& candidates, bool with_devices) {
  Loaded& state = loaded();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (!state.probe.found) {
    const Library library = open_library(candidates, "ov_core_read_model_from_memory_buffer");
    state.probe.tried = library.tried;
    if (!library.handle) return state.probe;
    if (const char* missing = bind_all(library, &state.api)) {
      state.probe.tried.push_back({library.path, std::string("it has no symbol ") + missing});
      return state.probe;
    }
    state.api.first_type = first_type_of(state.api);
    state.api.version = version_of(state.api);
    state.probe.found = true;
    state.probe.path = library.path;
    state.probe.version = state.api.version;
  }
  if (with_devices) state.probe.devices = devices_of(state.api);
  return state.probe;
}

const Api& api() {
  Loaded& state = loaded();
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (!state.probe.found)
    throw Failure("RUNTIME_NOT_FOUND", describe_missing("libopenvino_c", state.probe.tried));
  return state.api;  // not written again once found
}

std::string device_property(const Core* core, const char* device, const char* key) {
  char* words = nullptr;
  if (api().ov_core_get_property(core, device, key, &words) != 0 || !words) return "";
  const std::string text = words;
  api().ov_free(words);
  return text;
}

std::string device_property(const char* device, const char* key) {
  Core* core = nullptr;
  if (api().ov_core_create(&core) != 0) return "";
  const std::string text = device_property(core, device, key);
  api().ov_core_free(core);
  return text;
}

}  // namespace grocerd::openvino
