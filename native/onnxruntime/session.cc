// Handles are freed by their owners' order: value and run options, session, then never the
// environment.
#include "session.h"

#include <algorithm>

#include "../core/element.h"
#include "../core/failure.h"
#include "api.h"
#include "providers.h"

namespace grocerd::onnxruntime {
namespace {

// A handle that frees itself with the entry of the API that belongs to it.
template <typename T, void (*Api::*Release)(T*)>
struct Released {
  void operator()(T* handle) const { (api().*Release)(handle); }
};
template <typename T, void (*Api::*Release)(T*)>
using Handle = std::unique_ptr<T, Released<T, Release>>;

using SessionHandle = Handle<Session, &Api::ReleaseSession>;
using OptionsHandle = Handle<SessionOptions, &Api::ReleaseSessionOptions>;
using RunOptionsHandle = Handle<RunOptions, &Api::ReleaseRunOptions>;
using MemoryInfoHandle = Handle<MemoryInfo, &Api::ReleaseMemoryInfo>;
using ValueHandle = Handle<Value, &Api::ReleaseValue>;
using TypeInfoHandle = Handle<TypeInfo, &Api::ReleaseTypeInfo>;
using TensorInfoHandle = Handle<TensorInfo, &Api::ReleaseTensorTypeAndShapeInfo>;

constexpr const char* kInvalid = "MODEL_INVALID";
constexpr const char* kFailed = "INFERENCE_FAILED";

template <typename H, typename Call>
H made(const char* code, const char* what, Call&& call) {
  typename H::pointer raw = nullptr;
  Status* const status = call(&raw);
  H handle(raw);
  api().require(status, code, what);
  return handle;
}

// ONNXTensorElementDataType in its order.
std::string type_name(int type) {
  constexpr const char* names[] = {"other", "f32",    "u8",   "i8",  "u16", "i16", "i32",
                                   "i64",   "string", "bool", "f16", "f64", "u32", "u64"};
  return type >= 0 && type < 14 ? names[type] : "other";
}

struct Described {
  std::vector<int64_t> shape;
  std::string type;
  size_t elements = 0;
};

Described describe(const TensorInfo* info, const char* code) {
  const Api& ort = api();
  int type = 0;
  size_t rank = 0;
  Described described;
  ort.require(ort.GetTensorElementType(info, &type), code, "Cannot read a tensor's type");
  ort.require(ort.GetDimensionsCount(info, &rank), code, "Cannot read a tensor's shape");
  described.type = type_name(type);
  described.shape.resize(rank);
  ort.require(ort.GetDimensions(info, described.shape.data(), rank), code,
              "Cannot read a tensor's shape");
  return described;
}

class OnnxRequest : public Request {
 public:
  OnnxRequest(Session* session, const SessionInfo& info, const std::vector<int64_t>& shape)
      : session_(session), info_(info) {
    const Api& ort = api();
    size_t elements = 1;
    for (const int64_t side : shape) elements *= static_cast<size_t>(side);
    input_.resize(elements);
    const auto memory =
        made<MemoryInfoHandle>(kInvalid, "Cannot describe memory", [&](MemoryInfo** out) {
          return ort.CreateCpuMemoryInfo(kDeviceAllocator, kMemDefault, out);
        });
    value_ = made<ValueHandle>(kInvalid, "Cannot make the input tensor", [&](Value** out) {
      return ort.CreateTensorWithDataAsOrtValue(memory.get(), input_.data(),
                                                elements * sizeof(float), shape.data(),
                                                shape.size(), kFloat, out);
    });
    run_options_ =
        made<RunOptionsHandle>(kInvalid, "Cannot make run options",
                               [&](RunOptions** out) { return ort.CreateRunOptions(out); });
  }

  float* input() override { return input_.data(); }

  std::vector<Output> run() override {
    const Api& ort = api();
    const char* input_name = info_.inputs.front().name.c_str();
    const Value* input = value_.get();
    std::vector<const char*> names;
    for (const auto& output : info_.outputs) names.push_back(output.name.c_str());
    std::vector<Value*> raw(names.size(), nullptr);
    Status* const status = ort.Run(session_, run_options_.get(), &input_name, &input, 1,
                                   names.data(), names.size(), raw.data());
    std::vector<ValueHandle> values(raw.begin(), raw.end());
    ort.require(status, kFailed, "ONNX Runtime failed");
    std::vector<Output> outputs;
    for (size_t i = 0; i < values.size(); ++i) outputs.push_back(read_output(i, values[i].get()));
    return outputs;
  }

  void cancel() noexcept override {
    if (Status* status = api().RunOptionsSetTerminate(run_options_.get()))
      api().ReleaseStatus(status);
  }

 private:
  Output read_output(size_t index, Value* value) const {
    const Api& ort = api();
    const std::string& name = info_.outputs[index].name;
    int is_tensor = 0;
    ort.require(ort.IsTensor(value, &is_tensor), kFailed, "Cannot read output " + name);
    if (!is_tensor) throw Failure(kFailed, "Expected output " + name + " to be a tensor");
    const auto info = made<TensorInfoHandle>(
        kFailed, "Cannot read an output",
        [&](TensorInfo** out) { return ort.GetTensorTypeAndShape(value, out); });
    const Described described = describe(info.get(), kFailed);
    size_t elements = 0;
    void* data = nullptr;
    ort.require(ort.GetTensorShapeElementCount(info.get(), &elements), kFailed,
                "Cannot read output " + name);
    ort.require(ort.GetTensorMutableData(value, &data), kFailed, "Cannot read output " + name);
    return {name, described.shape, to_float(described.type, data, elements)};
  }

  Session* session_;
  const SessionInfo& info_;
  std::vector<float> input_;  // value_ points into it
  ValueHandle value_;
  RunOptionsHandle run_options_;
};

// Every stream's own thread computes, and the pool adds `pool` - 1 more: together they are at most
// options.threads, with one for each stream at least.
int pool_of(const grocerd::SessionOptions& options) {
  return options.threads == 0 ? 0 : std::max(1, options.threads - options.streams + 1);
}

// "2;3": the pool's second and third thread on the second and third processor, counted from 1.
std::string affinities(int pool) {
  std::string text;
  for (int i = 2; i <= pool; ++i) text += (i > 2 ? ";" : "") + std::to_string(i);
  return text;
}

class OnnxSession : public grocerd::Session {
 public:
  explicit OnnxSession(const grocerd::SessionOptions& options) : shape_(options.input_shape) {
    const Api& ort = api();
    const OptionsHandle session_options = configure(options);
    const char* what = "ONNX Runtime cannot load the model";
    session_ = made<SessionHandle>(kInvalid, what, [&](onnxruntime::Session** out) {
      return ort.CreateSessionFromArray(ort.env, options.model.data(), options.model.size(),
                                        session_options.get(), out);
    });
    info_.runtime_version = ort.version;
    info_.device = options.device;
    size_t inputs = 0, outputs = 0;
    ort.require(ort.SessionGetInputCount(session_.get(), &inputs), kInvalid,
                "Cannot read the inputs");
    ort.require(ort.SessionGetOutputCount(session_.get(), &outputs), kInvalid,
                "Cannot read the outputs");
    for (size_t i = 0; i < inputs; ++i)
      info_.inputs.push_back(port(i, ort.SessionGetInputName, ort.SessionGetInputTypeInfo));
    for (size_t i = 0; i < outputs; ++i)
      info_.outputs.push_back(port(i, ort.SessionGetOutputName, ort.SessionGetOutputTypeInfo));
    require_input(info_.inputs, shape_);
  }

  const SessionInfo& info() const override { return info_; }

  std::unique_ptr<Request> create_request() override {
    return std::make_unique<OnnxRequest>(session_.get(), info_, shape_);
  }

 private:
  static OptionsHandle configure(const grocerd::SessionOptions& options) {
    const Api& ort = api();
    auto handle =
        made<OptionsHandle>(kInvalid, "Cannot make session options",
                            [&](SessionOptions** out) { return ort.CreateSessionOptions(out); });
    const int pool = pool_of(options);
    ort.require(ort.SetIntraOpNumThreads(handle.get(), pool), kInvalid, "Cannot set threads");
    // The first of the pool is the thread that asks; the others are numbered from 1. Libraries
    // before 1.15 do not know the key and ignore it.
    if (options.pinning == Pinning::kYes && pool > 1)
      ort.require(ort.AddSessionConfigEntry(handle.get(), "session.intra_op_thread_affinities",
                                            affinities(pool).c_str()),
                  kInvalid, "Cannot pin threads");
    // Threads that spin between frames would take the cores that the daemon needs.
    ort.require(ort.AddSessionConfigEntry(handle.get(), "session.intra_op.allow_spinning", "0"),
                kInvalid, "Cannot set spinning");
    if (options.host_memory_bytes > 0) {
      ort.limit_host_memory(options.host_memory_bytes);
      ort.require(ort.AddSessionConfigEntry(handle.get(), "session.use_env_allocators", "1"),
                  kInvalid, "Cannot set the memory limit");
    }
    append_providers(handle.get(), options);
    return handle;
  }

  template <typename NameOf, typename TypeOf>
  grocerd::TensorInfo port(size_t index, NameOf name_of, TypeOf type_of) const {
    const Api& ort = api();
    Allocator* allocator = nullptr;
    ort.require(ort.GetAllocatorWithDefaultOptions(&allocator), kInvalid, "Cannot read a name");
    char* name = nullptr;
    ort.require(name_of(session_.get(), index, allocator, &name), kInvalid, "Cannot read a name");
    grocerd::TensorInfo info{name, {}, {}};
    if (Status* status = ort.AllocatorFree(allocator, name)) ort.ReleaseStatus(status);
    const auto type = made<TypeInfoHandle>(kInvalid, "Cannot read a type", [&](TypeInfo** out) {
      return type_of(session_.get(), index, out);
    });
    const TensorInfo* tensor = nullptr;  // a view into `type`
    ort.require(ort.CastTypeInfoToTensorInfo(type.get(), &tensor), kInvalid, "Cannot read a type");
    if (!tensor) throw Failure(kInvalid, "Expected '" + info.name + "' to be a tensor");
    const Described described = describe(tensor, kInvalid);
    info.shape = described.shape;
    info.type = described.type;
    return info;
  }

  const std::vector<int64_t> shape_;
  SessionHandle session_;
  SessionInfo info_;
};

}  // namespace

std::unique_ptr<grocerd::Session> open_session(const grocerd::SessionOptions& options) {
  return std::make_unique<OnnxSession>(options);
}

}  // namespace grocerd::onnxruntime
