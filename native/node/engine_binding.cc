// An engine is an opaque JavaScript object with a type tag, so that no foreign object is taken for
// one.
#include "engine_binding.h"

#include "../onnxruntime/session.h"
#include "../openvino/session.h"
#include "convert.h"
#include "environment.h"
#include "guard.h"

namespace grocerd::node {
namespace {

constexpr napi_type_tag kEngineTag = {0x6772'6f63'6572'6421, 0x9c1d'55a0'7e3b'4f62};

EngineHandle& handle_of(Napi::Value value) {
  bool ours = false;
  void* data = nullptr;
  if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &kEngineTag, &ours);
  if (!ours || napi_unwrap(value.Env(), value, &data) != napi_ok)
    throw std::invalid_argument("Expected an engine for the first argument");
  return *static_cast<EngineHandle*>(data);
}

SessionOptions session_options_of(Napi::Object object, const InputSpec& spec) {
  SessionOptions options;
  options.model = bytes_of(object.Get("model"), "model");
  if (!object.Get("weights").IsUndefined())
    options.weights = bytes_of(object.Get("weights"), "weights");
  options.input_shape = spec.shape();
  options.device = text_of(object, "device", "CPU");
  options.threads = static_cast<int>(number_of(object, "threads", 0));
  options.streams = static_cast<int>(number_of(object, "streams", 1));
  const std::string pinning = text_of(object, "pinning", "");
  options.pinning = pinning == "yes"  ? Pinning::kYes
                    : pinning == "no" ? Pinning::kNo
                                      : Pinning::kRuntimesChoice;
  options.full_precision = text_of(object, "precisionHint", "") == "f32";
  options.cache_dir = text_of(object, "cacheDir", "");
  options.gpu_memory_bytes = static_cast<int64_t>(number_of(object, "gpuMemoryBytes", 0));
  options.gpu_workspace_bytes = static_cast<int64_t>(number_of(object, "gpuWorkspaceBytes", 0));
  options.host_memory_bytes = static_cast<int64_t>(number_of(object, "hostMemoryBytes", 0));
  if (options.streams < 1 || options.streams > 64 || options.threads < 0 || options.threads > 1024)
    throw std::invalid_argument("Expected 1 to 64 streams and 0 to 1024 threads");
  return options;
}

Napi::Value create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object object = object_of(info[0], "options");
  const InputSpec spec = input_spec_of(object.Get("input"));
  SessionOptions options = session_options_of(object, spec);
  const auto streams = static_cast<size_t>(options.streams);
  const size_t max_queue = static_cast<size_t>(number_of(object, "maxQueue", 8));
  const bool onnx = text_of(object, "runtime", "openvino") == "onnxruntime";
  Engine::SessionFactory factory = [options = std::move(options), onnx] {
    return onnx ? onnxruntime::open_session(options) : openvino::open_session(options);
  };
  auto handle = std::make_unique<EngineHandle>();
  handle->engine = std::make_unique<Engine>(std::move(factory), spec, streams, max_queue);
  auto engine = Napi::Object::New(env);
  Environment& environment = Environment::of(env);
  const auto finalize = [](napi_env, void* data, void* hint) {
    static_cast<Environment*>(hint)->engines.erase(static_cast<EngineHandle*>(data));
    delete static_cast<EngineHandle*>(data);
  };
  if (napi_wrap(env, engine, handle.get(), finalize, &environment, nullptr) != napi_ok ||
      napi_type_tag_object(env, engine, &kEngineTag) != napi_ok)
    throw std::runtime_error("Node cannot wrap the engine");
  environment.engines.insert(handle.release());
  return engine;
}

Napi::Value start(const Napi::CallbackInfo& info) {
  EngineHandle& handle = handle_of(info[0]);
  Engine::Done<SessionInfo> settle;
  const auto promise = Environment::of(info.Env())
                           .completions.promise<SessionInfo>(info.Env(), info[0].As<Napi::Object>(),
                                                             session_value, &settle);
  try {
    handle.engine->start(settle);
  } catch (const Failure& failure) {
    settle({std::nullopt, failure});
  }
  return promise;
}

Napi::Value infer(const Napi::CallbackInfo& info) {
  EngineHandle& handle = handle_of(info[0]);
  EngineInput input = engine_input_of(info[1]);
  Engine::Done<EngineResult> settle;
  const auto promise = Environment::of(info.Env())
                           .completions.promise<EngineResult>(
                               info.Env(), info[0].As<Napi::Object>(), result_value, &settle);
  try {
    handle.engine->infer(std::move(input), settle);
  } catch (const Failure& failure) {
    settle({std::nullopt, failure});
  }
  return promise;
}

Napi::Value nothing(Napi::Env env, bool&) { return env.Undefined(); }

Napi::Value stop(const Napi::CallbackInfo& info) {
  EngineHandle& handle = handle_of(info[0]);
  if (handle.stopper.joinable()) throw Failure("ENGINE_STOPPED", "The engine was stopped before");
  std::function<void(Outcome<bool>)> settle;
  const auto promise =
      Environment::of(info.Env())
          .completions.promise<bool>(info.Env(), info[0].As<Napi::Object>(), nothing, &settle);
  handle.stopper = std::thread([&handle, settle] {
    handle.engine->stop();
    settle({true, std::nullopt});
  });
  return promise;
}

Napi::Value device_memory(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), handle_of(info[0]).engine->device_memory());
}

Napi::Value stop_all(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).stop();
  return info.Env().Undefined();
}

}  // namespace

void export_engine(Napi::Env env, Napi::Object exports) {
  exports.Set("createEngine", Napi::Function::New<guarded<create>>(env, "createEngine"));
  exports.Set("startEngine", Napi::Function::New<guarded<start>>(env, "startEngine"));
  exports.Set("inferEngine", Napi::Function::New<guarded<infer>>(env, "inferEngine"));
  exports.Set("stopEngine", Napi::Function::New<guarded<stop>>(env, "stopEngine"));
  exports.Set("engineDeviceMemory",
              Napi::Function::New<guarded<device_memory>>(env, "engineDeviceMemory"));
  exports.Set("stopAll", Napi::Function::New<guarded<stop_all>>(env, "stopAll"));
}

}  // namespace grocerd::node
