// Fuzzes what a model says of its tensors: shapes, element types and lengths, and a tensor that comes in ready.
#include "../core/element.h"
#include "../core/engine.h"
#include "../core/session.h"
#include "input.h"

using namespace grocerd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Bytes bytes(data, size);
  const InputSpec spec = fuzz::spec_of(&bytes);
  std::vector<TensorInfo> inputs(bytes.ConsumeIntegralInRange<size_t>(0, 3));
  for (TensorInfo& input : inputs) {
    input.name = bytes.ConsumeRandomLengthString(16);
    input.type = bytes.ConsumeBool() ? "f32" : bytes.ConsumeRandomLengthString(8);
    input.shape.resize(bytes.ConsumeIntegralInRange<size_t>(0, 9));
    for (int64_t& side : input.shape) side = bytes.ConsumeIntegral<int64_t>();
  }
  fuzz::answered([&] { require_input(inputs, spec.shape()); });

  const char* type = bytes.PickValueInArray(
      {"f32", "f16", "f64", "i64", "i32", "i16", "i8", "u8", "bool", "bf16", ""});
  const std::string name = type;
  const size_t width = name == "f64" || name == "i64"   ? 8
                       : name == "f32" || name == "i32" ? 4
                       : name == "f16" || name == "i16" ? 2
                                                        : 1;
  EngineInput ready;
  ready.kind = EngineInput::Kind::kTensor;
  ready.tensor.resize(bytes.ConsumeIntegralInRange<size_t>(0, 2000));
  if (bytes.ConsumeBool()) ready.tensor.resize(spec.elements());
  std::vector<float> tensor(spec.elements());
  JpegDecoder decoder;
  fuzz::answered([&] { fill_tensor(ready, spec, &decoder, tensor.data()); });

  // As a runtime gives it: of exactly so many elements.
  std::vector<uint8_t> raw = bytes.ConsumeRemainingBytes<uint8_t>();
  raw.resize(raw.size() / width * width);
  raw.shrink_to_fit();
  fuzz::answered([&] { to_float(name, raw.data(), raw.size() / width); });
  return 0;
}
