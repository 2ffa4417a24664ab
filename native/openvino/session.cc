// Handles are released request, compiled model, core; the order of the members does that.
#include "session.h"

#include <cstring>

#include "../core/element.h"
#include "../core/failure.h"
#include "api.h"

namespace grocerd::openvino {
namespace {

// A handle that frees itself with the entry of the API that belongs to it.
template <typename T, void (*Api::*Free)(T*)>
struct Freed {
  void operator()(T* handle) const { (api().*Free)(handle); }
};
template <typename T, void (*Api::*Free)(T*)>
using Handle = std::unique_ptr<T, Freed<T, Free>>;

using CoreHandle = Handle<Core, &Api::ov_core_free>;
using ModelHandle = Handle<Model, &Api::ov_model_free>;
using CompiledHandle = Handle<CompiledModel, &Api::ov_compiled_model_free>;
using RequestHandle = Handle<InferRequest, &Api::ov_infer_request_free>;
using TensorHandle = Handle<Tensor, &Api::ov_tensor_free>;
using PortHandle = Handle<Port, &Api::ov_output_const_port_free>;

// On ARM the CPU plugin computes in 16 bits unless it is told otherwise, and what was sure is then asked
// (docs/16-jetson.md): the thresholds were measured in 32.
#ifdef __aarch64__
constexpr bool kHalvesByItself = true;
#else
constexpr bool kHalvesByItself = false;
#endif

// Calls an entry whose last argument is the place for a new handle.
template <typename H, typename Call>
H made(const char* code, const char* what, Call&& call) {
  typename H::pointer raw = nullptr;
  const Status status = call(&raw);
  H handle(raw);
  api().require(status, code, what);
  return handle;
}

TensorInfo describe(const Port* port, const std::string& fallback_name) {
  const Api& ov = api();
  TensorInfo info{fallback_name, {}, {}};
  char* name = nullptr;
  if (ov.ov_port_get_any_name(port, &name) == 0) {  // ports of old IR may have no name
    info.name = name;
    ov.ov_free(name);
  }
  PartialShape shape;
  ov.require(ov.ov_port_get_partial_shape(port, &shape), "MODEL_INVALID",
             "Cannot read a tensor's shape");
  if (shape.rank.min == shape.rank.max)
    for (int64_t i = 0; i < shape.rank.max; ++i)
      info.shape.push_back(shape.dims[i].min == shape.dims[i].max ? shape.dims[i].min : -1);
  ov.ov_partial_shape_free(&shape);
  int type = 0;
  ov.require(ov.ov_port_get_element_type(port, &type), "MODEL_INVALID",
             "Cannot read a tensor's type");
  info.type = ov.type_name(type);
  return info;
}

class OpenVinoRequest : public Request {
 public:
  OpenVinoRequest(RequestHandle request, const std::vector<TensorInfo>& outputs)
      : request_(std::move(request)), outputs_(outputs) {
    input_tensor_ =
        made<TensorHandle>("MODEL_INVALID", "Cannot get the input tensor", [&](Tensor** out) {
          return api().ov_infer_request_get_input_tensor_by_index(request_.get(), 0, out);
        });
    void* data = nullptr;
    api().require(api().ov_tensor_data(input_tensor_.get(), &data), "MODEL_INVALID",
                  "Cannot get the input tensor's memory");
    input_ = static_cast<float*>(data);
  }

  float* input() override { return input_; }

  std::vector<Output> run() override {
    const Api& ov = api();
    ov.require(ov.ov_infer_request_infer(request_.get()), "INFERENCE_FAILED", "OpenVINO failed");
    std::vector<Output> outputs;
    for (size_t i = 0; i < outputs_.size(); ++i) outputs.push_back(read_output(i));
    return outputs;
  }

  void cancel() noexcept override { api().ov_infer_request_cancel(request_.get()); }

 private:
  Output read_output(size_t index) const {
    const Api& ov = api();
    const auto tensor =
        made<TensorHandle>("INFERENCE_FAILED", "Cannot get an output", [&](Tensor** out) {
          return ov.ov_infer_request_get_output_tensor_by_index(request_.get(), index, out);
        });
    Output output{outputs_[index].name, {}, {}};
    Shape shape;
    ov.require(ov.ov_tensor_get_shape(tensor.get(), &shape), "INFERENCE_FAILED",
               "Cannot get an output");
    output.shape.assign(shape.dims, shape.dims + shape.rank);
    ov.ov_shape_free(&shape);
    int type = 0;
    size_t size = 0;
    void* data = nullptr;
    ov.require(ov.ov_tensor_get_element_type(tensor.get(), &type), "INFERENCE_FAILED",
               "Cannot get an output");
    ov.require(ov.ov_tensor_get_size(tensor.get(), &size), "INFERENCE_FAILED",
               "Cannot get an output");
    if (size > 0)  // a detector that saw nothing gives an empty tensor
      ov.require(ov.ov_tensor_data(tensor.get(), &data), "INFERENCE_FAILED",
                 "Cannot get an output");
    output.data = to_float(ov.type_name(type), data, size);
    return output;
  }

  RequestHandle request_;
  TensorHandle input_tensor_;  // shares the request's memory
  float* input_ = nullptr;
  const std::vector<TensorInfo>& outputs_;
};

class OpenVinoSession : public Session {
 public:
  explicit OpenVinoSession(const SessionOptions& options) {
    const Api& ov = api();
    core_ = made<CoreHandle>("INFERENCE_FAILED", "OpenVINO cannot start",
                             [&](Core** out) { return ov.ov_core_create(out); });
    const ModelHandle model = read_model(options);
    fix_input(model.get(), options.input_shape);
    compile(model.get(), options);
    info_.runtime_version = ov.version;
    info_.device = options.device;
    size_t outputs = 0;
    ov.require(ov.ov_compiled_model_outputs_size(compiled_.get(), &outputs), "MODEL_INVALID",
               "Cannot read the model's outputs");
    for (size_t i = 0; i < outputs; ++i) {
      const auto port = made<PortHandle>("MODEL_INVALID", "Cannot read an output", [&](Port** out) {
        return ov.ov_compiled_model_output_by_index(compiled_.get(), i, out);
      });
      info_.outputs.push_back(describe(port.get(), "output" + std::to_string(i)));
      info_.outputs.back().name = output_name(model.get(), i, info_.outputs.back().name);
    }
  }

  const SessionInfo& info() const override { return info_; }

  // Of this session's own core: another one has another context on the GPU.
  std::string device_memory() const override {
    if (info_.device.rfind("GPU", 0) != 0) return "";
    return device_property(core_.get(), info_.device.c_str(), "GPU_MEMORY_STATISTICS");
  }

  std::unique_ptr<Request> create_request() override {
    return std::make_unique<OpenVinoRequest>(
        made<RequestHandle>("MODEL_INVALID", "Cannot create a request",
                            [this](InferRequest** out) {
                              return api().ov_compiled_model_create_infer_request(compiled_.get(),
                                                                                  out);
                            }),
        info_.outputs);
  }

 private:
  ModelHandle read_model(const SessionOptions& options) const {
    const Api& ov = api();
    TensorHandle weights;
    if (!options.weights.empty()) {
      // A tensor of OpenVINO's own: the model keeps sharing it after our handle is gone.
      int64_t size = static_cast<int64_t>(options.weights.size());
      weights = made<TensorHandle>("MODEL_INVALID", "Cannot hold the weights", [&](Tensor** out) {
        return ov.ov_tensor_create(ov.type_number("i8"), Shape{1, &size}, out);
      });
      void* data = nullptr;
      ov.require(ov.ov_tensor_data(weights.get(), &data), "MODEL_INVALID",
                 "Cannot hold the weights");
      std::memcpy(data, options.weights.data(), options.weights.size());
    }
    return made<ModelHandle>("MODEL_INVALID", "OpenVINO cannot read the model", [&](Model** out) {
      return ov.ov_core_read_model_from_memory_buffer(
          core_.get(), reinterpret_cast<const char*>(options.model.data()), options.model.size(),
          weights.get(), out);
    });
  }

  // As the file has it: a compiled output has further names, of what was folded into it, in any order.
  static std::string output_name(const Model* model, size_t index, const std::string& fallback) {
    const auto port = made<PortHandle>("MODEL_INVALID", "Cannot read an output", [&](Port** out) {
      return api().ov_model_const_output_by_index(model, index, out);
    });
    return describe(port.get(), fallback).name;
  }

  // Checks the input against what preprocessing writes and closes what the model leaves open.
  void fix_input(const Model* model, const std::vector<int64_t>& shape) {
    const Api& ov = api();
    size_t count = 0;
    ov.require(ov.ov_model_inputs_size(model, &count), "MODEL_INVALID",
               "Cannot read the model's inputs");
    for (size_t i = 0; i < count; ++i) {
      const auto port = made<PortHandle>("MODEL_INVALID", "Cannot read an input", [&](Port** out) {
        return ov.ov_model_const_input_by_index(model, i, out);
      });
      info_.inputs.push_back(describe(port.get(), "input" + std::to_string(i)));
    }
    require_input(info_.inputs, shape);
    if (info_.inputs.front().shape == shape) return;
    PartialShape fixed;
    ov.require(
        ov.ov_partial_shape_create_static(static_cast<int64_t>(shape.size()), shape.data(), &fixed),
        "MODEL_INVALID", "Cannot make a shape");
    const Status status = ov.ov_model_reshape_single_input(model, fixed);
    ov.ov_partial_shape_free(&fixed);
    ov.require(status, "MODEL_SHAPE_MISMATCH", "The model cannot take " + shape_text(shape));
  }

  void compile(const Model* model, const SessionOptions& options) {
    std::vector<std::string> words;
    const auto set = [&words](const char* key, const std::string& value) {
      words.push_back(key);
      words.push_back(value);
    };
    if (options.device == "CPU" || options.device == "GPU")
      set("NUM_STREAMS", std::to_string(options.streams));
    if (options.device == "CPU" && options.threads > 0)
      set("INFERENCE_NUM_THREADS", std::to_string(options.threads));
    if (options.device == "CPU" && options.pinning != Pinning::kRuntimesChoice)
      set("ENABLE_CPU_PINNING", options.pinning == Pinning::kYes ? "YES" : "NO");
    if (options.full_precision || (kHalvesByItself && options.device == "CPU"))
      set("INFERENCE_PRECISION_HINT", "f32");
    if (!options.cache_dir.empty()) set("CACHE_DIR", options.cache_dir);
    const size_t given = words.size();
    words.resize(10);
    compiled_ = made<CompiledHandle>(
        "MODEL_INVALID", "OpenVINO cannot compile the model for this device",
        [&](CompiledModel** out) {
          // The entry reads `given` of the variable arguments; the others are never looked at.
          return api().ov_core_compile_model(core_.get(), model, options.device.c_str(), given, out,
                                             words[0].c_str(), words[1].c_str(), words[2].c_str(),
                                             words[3].c_str(), words[4].c_str(), words[5].c_str(),
                                             words[6].c_str(), words[7].c_str(), words[8].c_str(),
                                             words[9].c_str());
        });
  }

  CoreHandle core_;
  CompiledHandle compiled_;
  SessionInfo info_;
};

}  // namespace

std::unique_ptr<Session> open_session(const SessionOptions& options) {
  return std::make_unique<OpenVinoSession>(options);
}

}  // namespace grocerd::openvino
