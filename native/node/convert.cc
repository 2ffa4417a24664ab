// The conversions, checked one value at a time.
#include "convert.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace grocerd::node {
namespace {

[[noreturn]] void wrong(const std::string& name, const char* expected) {
  throw std::invalid_argument("Expected " + std::string(expected) + " for " + name);
}

std::array<float, 3> three_of(Napi::Object object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsArray()) wrong(key, "an array of 3 numbers");
  const auto array = value.As<Napi::Array>();
  std::array<float, 3> three{};
  for (uint32_t i = 0; i < 3; ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsNumber()) wrong(key, "an array of 3 numbers");
    three[i] = item.As<Napi::Number>().FloatValue();
  }
  return three;
}

Box box_of(Napi::Object object) {
  const Napi::Value value = object.Get("box");
  if (value.IsUndefined()) return {};
  if (!value.IsArray()) wrong("box", "an array of 4 numbers");
  double edges[4];
  for (uint32_t i = 0; i < 4; ++i) {
    const Napi::Value item = value.As<Napi::Array>().Get(i);
    if (!item.IsNumber()) wrong("box", "an array of 4 numbers");
    edges[i] = item.As<Napi::Number>().DoubleValue();
  }
  const bool inside = edges[0] >= 0 && edges[1] >= 0 && edges[2] <= 1 && edges[3] <= 1;
  if (!inside || !(edges[0] < edges[2]) || !(edges[1] < edges[3]))
    wrong("box", "[x0, y0, x1, y1] between 0 and 1 with x0 < x1 and y0 < y1");
  return {edges[0], edges[1], edges[2], edges[3]};
}

// Hands large memory over instead of copying it; the vector lives until the JavaScript buffer is
// collected. A copy is cheaper than a finalizer for what fits a few pages.
template <typename T>
Napi::ArrayBuffer handed_over(Napi::Env env, std::vector<T>& data) {
  constexpr size_t kWorthHandingOver = 64 * 1024;
  if (data.size() * sizeof(T) < kWorthHandingOver) {
    auto copy = Napi::ArrayBuffer::New(env, data.size() * sizeof(T));
    if (!data.empty()) std::memcpy(copy.Data(), data.data(), data.size() * sizeof(T));
    return copy;
  }
  auto* owner = new std::vector<T>(std::move(data));
  return Napi::ArrayBuffer::New(env, owner->data(), owner->size() * sizeof(T),
                                [owner](Napi::Env, void*) { delete owner; });
}

Napi::Array numbers(Napi::Env env, const std::vector<int64_t>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, static_cast<double>(values[i]));
  return array;
}

Napi::Array tensors(Napi::Env env, const std::vector<TensorInfo>& infos) {
  auto array = Napi::Array::New(env, infos.size());
  for (uint32_t i = 0; i < infos.size(); ++i) {
    auto object = Napi::Object::New(env);
    object.Set("name", infos[i].name);
    object.Set("shape", numbers(env, infos[i].shape));
    object.Set("type", infos[i].type);
    array.Set(i, object);
  }
  return array;
}

}  // namespace

double number_of(Napi::Object object, const char* key, double fallback) {
  const Napi::Value value = object.Get(key);
  if (value.IsUndefined()) return fallback;
  if (!value.IsNumber()) wrong(key, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

double required_number(Napi::Object object, const char* key) {
  const double value = number_of(object, key, std::nan(""));
  if (!(std::abs(value) < 1e9)) wrong(key, "a number");
  return value;
}

std::string text_of(Napi::Object object, const char* key, const char* fallback) {
  const Napi::Value value = object.Get(key);
  if (value.IsUndefined()) return fallback;
  if (!value.IsString()) wrong(key, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::vector<uint8_t> bytes_of(Napi::Value value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    wrong(name, "a Uint8Array");
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.Data() + array.ByteLength()};
}

std::vector<float> floats_of(Napi::Value value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
    wrong(name, "a Float32Array");
  const auto array = value.As<Napi::Float32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<int32_t> integers_of(Napi::Value value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array)
    wrong(name, "an Int32Array");
  const auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<std::string> texts_of(Napi::Value value, const char* name) {
  if (!value.IsArray()) wrong(name, "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsString()) wrong(name, "an array of strings");
    texts.push_back(item.As<Napi::String>().Utf8Value());
  }
  return texts;
}

Napi::Object object_of(Napi::Value value, const char* name) {
  if (!value.IsObject()) wrong(name, "an object");
  return value.As<Napi::Object>();
}

InputSpec input_spec_of(Napi::Value value) {
  const Napi::Object object = object_of(value, "input spec");
  InputSpec spec;
  const double width = required_number(object, "width"), height = required_number(object, "height");
  if (!(width >= 1 && width <= 8192 && height >= 1 && height <= 8192))
    wrong("width and height", "1 to 8192 pixels");
  spec.width = static_cast<int>(width);
  spec.height = static_cast<int>(height);
  spec.bgr = text_of(object, "channels", "rgb") == "bgr";
  spec.nhwc = text_of(object, "layout", "nchw") == "nhwc";
  spec.mean = three_of(object, "mean");
  spec.scale = three_of(object, "scale");
  const std::string fit = text_of(object, "fit", "fill");
  spec.fit = fit == "crop" ? Fit::kCrop : fit == "letterbox" ? Fit::kLetterbox : Fit::kFill;
  spec.filter = text_of(object, "filter", "area") == "area" ? Filter::kArea : Filter::kBilinear;
  return spec;
}

EngineInput engine_input_of(Napi::Value value) {
  const Napi::Object object = object_of(value, "input");
  EngineInput input;
  if (const Napi::Value tensor = object.Get("tensor"); !tensor.IsUndefined()) {
    input.kind = EngineInput::Kind::kTensor;
    input.tensor = floats_of(tensor, "tensor");
    return input;
  }
  input.box = box_of(object);
  if (const Napi::Value jpeg = object.Get("jpeg"); !jpeg.IsUndefined()) {
    input.kind = EngineInput::Kind::kJpeg;
    input.bytes = bytes_of(jpeg, "jpeg");
    input.clockwise = static_cast<int>(number_of(object, "rotate", 0));
    return input;
  }
  input.kind = EngineInput::Kind::kRgb;
  input.bytes = bytes_of(object.Get("rgb"), "rgb");
  const double width = required_number(object, "width"), height = required_number(object, "height");
  if (!(width >= 1 && height >= 1 && width * height <= static_cast<double>(kMaxPixels)))
    wrong("width and height", "the size of an RGB24 picture");
  input.width = static_cast<int>(width);
  input.height = static_cast<int>(height);
  return input;
}

Napi::Value probe_value(Napi::Env env, const LibraryProbe& probe) {
  auto object = Napi::Object::New(env);
  object.Set("found", probe.found);
  if (probe.found) {
    object.Set("path", probe.path);
    object.Set("version", probe.version);
  }
  auto devices = Napi::Array::New(env, probe.devices.size());
  for (uint32_t i = 0; i < probe.devices.size(); ++i) devices.Set(i, probe.devices[i]);
  object.Set("devices", devices);
  auto tried = Napi::Array::New(env, probe.tried.size());
  for (uint32_t i = 0; i < probe.tried.size(); ++i) {
    auto attempt = Napi::Object::New(env);
    attempt.Set("path", probe.tried[i].path);
    attempt.Set("reason", probe.tried[i].reason);
    tried.Set(i, attempt);
  }
  object.Set("tried", tried);
  return object;
}

Napi::Value tensor_value(Napi::Env env, std::vector<float>& data) {
  const size_t count = data.size();
  return Napi::Float32Array::New(env, count, handed_over(env, data), 0);
}

Napi::Value bytes_value(Napi::Env env, std::vector<uint8_t>& data) {
  const size_t count = data.size();
  return Napi::Uint8Array::New(env, count, handed_over(env, data), 0);
}

Napi::Value session_value(Napi::Env env, SessionInfo& info) {
  auto object = Napi::Object::New(env);
  object.Set("runtimeVersion", info.runtime_version);
  object.Set("device", info.device);
  object.Set("inputs", tensors(env, info.inputs));
  object.Set("outputs", tensors(env, info.outputs));
  return object;
}

Napi::Value result_value(Napi::Env env, EngineResult& result) {
  auto outputs = Napi::Array::New(env, result.outputs.size());
  for (uint32_t i = 0; i < result.outputs.size(); ++i) {
    auto output = Napi::Object::New(env);
    output.Set("name", result.outputs[i].name);
    output.Set("shape", numbers(env, result.outputs[i].shape));
    output.Set("data", tensor_value(env, result.outputs[i].data));
    outputs.Set(i, output);
  }
  auto stages = Napi::Object::New(env);
  stages.Set("queue", result.stages.queue);
  stages.Set("decode", result.stages.decode);
  stages.Set("resize", result.stages.resize);
  stages.Set("infer", result.stages.infer);
  auto object = Napi::Object::New(env);
  object.Set("outputs", outputs);
  object.Set("stagesMs", stages);
  return object;
}

}  // namespace grocerd::node
