// OpenVINO's C API as far as we use it, declared by us and opened at run time. Names and meaning:
// OpenVINO's headers openvino/c/*.h, checked against 2026.4; older numbering is probed, not tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../core/library.h"

namespace grocerd::openvino {

// Opaque types of the library; only pointers to them exist here.
struct Core;
struct Model;
struct CompiledModel;
struct InferRequest;
struct Tensor;
struct Port;       // ov_output_const_port_t
struct ModelPort;  // ov_output_port_t

struct Shape {
  int64_t rank = 0;
  int64_t* dims = nullptr;
};
struct Dimension {
  int64_t min, max;
};
struct PartialShape {
  Dimension rank{0, 0};
  Dimension* dims = nullptr;
};
struct Version {
  const char* build = nullptr;
  const char* description = nullptr;
};
struct Devices {
  char** names = nullptr;
  size_t size = 0;
};

using Status = int;  // 0 is success

struct Api {
  const char* (*ov_get_error_info)(Status);
  const char* (
      *ov_get_last_err_msg)();  // may be missing (before 2023.3); a copy that ov_free takes
  void (*ov_free)(const char*);
  Status (*ov_get_openvino_version)(Version*);
  void (*ov_version_free)(Version*);
  Status (*ov_core_create)(Core**);
  void (*ov_core_free)(Core*);
  Status (*ov_core_get_available_devices)(const Core*, Devices*);
  void (*ov_available_devices_free)(Devices*);
  Status (*ov_core_get_property)(const Core*, const char*, const char*, char**);
  Status (*ov_core_read_model_from_memory_buffer)(const Core*, const char*, size_t, const Tensor*,
                                                  Model**);
  Status (*ov_core_compile_model)(const Core*, const Model*, const char*, size_t, CompiledModel**,
                                  ...);
  void (*ov_model_free)(Model*);
  bool (*ov_model_is_dynamic)(const Model*);
  Status (*ov_model_inputs_size)(const Model*, size_t*);
  Status (*ov_model_const_input_by_index)(const Model*, size_t, Port**);
  Status (*ov_model_const_output_by_index)(const Model*, size_t, Port**);
  Status (*ov_model_reshape_single_input)(const Model*, PartialShape);
  Status (*ov_partial_shape_create_static)(int64_t, const int64_t*, PartialShape*);
  void (*ov_partial_shape_free)(PartialShape*);
  void (*ov_compiled_model_free)(CompiledModel*);
  Status (*ov_compiled_model_outputs_size)(const CompiledModel*, size_t*);
  Status (*ov_compiled_model_output_by_index)(const CompiledModel*, size_t, Port**);
  Status (*ov_compiled_model_create_infer_request)(const CompiledModel*, InferRequest**);
  Status (*ov_compiled_model_get_property)(const CompiledModel*, const char*, char**);
  Status (*ov_port_get_any_name)(const Port*, char**);
  Status (*ov_port_get_partial_shape)(const Port*, PartialShape*);
  Status (*ov_port_get_element_type)(const Port*, int*);
  void (*ov_output_const_port_free)(Port*);
  Status (*ov_tensor_create)(int, Shape, Tensor**);
  Status (*ov_tensor_get_shape)(const Tensor*, Shape*);
  Status (*ov_tensor_get_element_type)(const Tensor*, int*);
  Status (*ov_tensor_get_size)(const Tensor*, size_t*);
  Status (*ov_tensor_get_byte_size)(const Tensor*, size_t*);
  Status (*ov_tensor_data)(const Tensor*, void**);
  void (*ov_tensor_free)(Tensor*);
  Status (*ov_shape_free)(Shape*);
  Status (*ov_infer_request_get_input_tensor_by_index)(const InferRequest*, size_t, Tensor**);
  Status (*ov_infer_request_get_output_tensor_by_index)(const InferRequest*, size_t, Tensor**);
  Status (*ov_infer_request_infer)(InferRequest*);
  Status (*ov_infer_request_cancel)(InferRequest*);
  void (*ov_infer_request_free)(InferRequest*);

  std::string version;
  // ov_element_type_e lost its first member (UNDEFINED) in 2025: every number moved down by one.
  int first_type = 0;

  // "f32" for the library's number of it; "other" for what we do not read.
  std::string type_name(int type) const;
  int type_number(const char* name) const;

  // Throws `code` with the library's own words unless `status` is 0.
  void require(Status status, const char* code, const std::string& what) const;
};

// Opens libopenvino_c once for the process. `devices` are asked anew at each call that wants them:
// that loads every plugin, of GPU and NPU too, and keeps their memory.
LibraryProbe probe(const std::vector<std::string>& candidates, bool with_devices);

// Throws RUNTIME_NOT_FOUND when probe() has not found the library.
const Api& api();

// A property of a device as text, or empty where the device or the property is not there.
std::string device_property(const Core* core, const char* device, const char* key);

// The same, asked of a core of its own: before any model is loaded.
std::string device_property(const char* device, const char* key);

}  // namespace grocerd::openvino
