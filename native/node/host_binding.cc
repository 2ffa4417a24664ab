// Thin wrappers; each probe takes the candidates that src/inference/libraries.ts found.
#include "host_binding.h"

#include <unistd.h>

#include "../image/turbojpeg.h"
#include "../onnxruntime/api.h"
#include "../openvino/api.h"
#include "../system/exchange.h"
#include "../system/limits.h"
#include "../system/notify.h"
#include "../system/nvml.h"
#include "convert.h"
#include "guard.h"

namespace grocerd::node {
namespace {

template <LibraryProbe (*Probe)(const std::vector<std::string>&)>
Napi::Value probe(const Napi::CallbackInfo& info) {
  return probe_value(info.Env(), Probe(texts_of(info[0], "candidates")));
}

Napi::Value probe_openvino(const Napi::CallbackInfo& info) {
  const bool with_devices = info[1].ToBoolean();
  return probe_value(info.Env(), openvino::probe(texts_of(info[0], "candidates"), with_devices));
}

Napi::Value turbojpeg_here(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), has_turbojpeg());
}

Napi::Value notify(const Napi::CallbackInfo& info) {
  if (!info[0].IsString() || !info[1].IsString())
    throw std::invalid_argument("Expected a socket path and a message");
  return Napi::Boolean::New(info.Env(), system::notify(info[0].As<Napi::String>().Utf8Value(),
                                                       info[1].As<Napi::String>().Utf8Value()));
}

Napi::Value limit_data(const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber()) throw std::invalid_argument("Expected a number of bytes");
  system::limit_data(info[0].As<Napi::Number>().DoubleValue());
  return info.Env().Undefined();
}

Napi::Value nvidia_memory(const Napi::CallbackInfo& info) {
  const system::GpuMemory memory =
      system::nvidia_memory(texts_of(info[0], "candidates"), static_cast<uint32_t>(getpid()));
  auto object = Napi::Object::New(info.Env());
  if (!memory.missing.empty()) {
    object.Set("missing", memory.missing);
    return object;
  }
  object.Set("totalBytes", static_cast<double>(memory.total_bytes));
  object.Set("usedBytes", static_cast<double>(memory.used_bytes));
  if (memory.process_bytes >= 0)
    object.Set("processBytes", static_cast<double>(memory.process_bytes));
  return object;
}

Napi::Value openvino_property(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsString())
    throw std::invalid_argument("Expected a device and a property");
  return Napi::String::New(
      env, openvino::device_property(info[0].As<Napi::String>().Utf8Value().c_str(),
                                     info[1].As<Napi::String>().Utf8Value().c_str()));
}

Napi::Value exchange(const Napi::CallbackInfo& info) {
  if (!info[0].IsString() || !info[1].IsString())
    throw std::invalid_argument("Expected two paths");
  return Napi::Boolean::New(info.Env(),
                            system::exchange_paths(info[0].As<Napi::String>().Utf8Value(),
                                                   info[1].As<Napi::String>().Utf8Value()));
}

}  // namespace

void export_host(Napi::Env env, Napi::Object exports) {
  exports.Set("probeOpenVino", Napi::Function::New<guarded<probe_openvino>>(env, "probeOpenVino"));
  exports.Set("probeOnnxRuntime",
              Napi::Function::New<guarded<probe<onnxruntime::probe>>>(env, "probeOnnxRuntime"));
  exports.Set("probeTurboJpeg",
              Napi::Function::New<guarded<probe<probe_turbojpeg>>>(env, "probeTurboJpeg"));
  exports.Set("hasTurboJpeg", Napi::Function::New<guarded<turbojpeg_here>>(env, "hasTurboJpeg"));
  exports.Set("sdNotify", Napi::Function::New<guarded<notify>>(env, "sdNotify"));
  exports.Set("setDataLimit", Napi::Function::New<guarded<limit_data>>(env, "setDataLimit"));
  exports.Set("nvidiaMemory", Napi::Function::New<guarded<nvidia_memory>>(env, "nvidiaMemory"));
  exports.Set("openVinoProperty",
              Napi::Function::New<guarded<openvino_property>>(env, "openVinoProperty"));
  exports.Set("exchangePaths", Napi::Function::New<guarded<exchange>>(env, "exchangePaths"));
}

}  // namespace grocerd::node
