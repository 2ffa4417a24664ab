// The conversions, one line a type.
#include "element.h"

#include <cstdint>
#include <cstring>

#include "failure.h"

namespace grocerd {
namespace {

template <typename T>
std::vector<float> converted(const void* data, size_t count) {
  const T* from = static_cast<const T*>(data);
  std::vector<float> floats(count);
  for (size_t i = 0; i < count; ++i) floats[i] = static_cast<float>(from[i]);
  return floats;
}

// IEEE 754 binary16 to binary32: re-bias the exponent; subnormals by arithmetic.
float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 0x1F, mantissa = half & 0x3FF;
  if (exponent == 0) {
    const float small = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
    return sign ? -small : small;
  }
  const uint32_t bits =
      sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::vector<float> from_half(const void* data, size_t count) {
  const uint16_t* from = static_cast<const uint16_t*>(data);
  std::vector<float> floats(count);
  for (size_t i = 0; i < count; ++i) floats[i] = half_to_float(from[i]);
  return floats;
}

}  // namespace

std::vector<float> to_float(const std::string& type, const void* data, size_t count) {
  if (type == "f32") return converted<float>(data, count);
  if (type == "f16") return from_half(data, count);
  if (type == "f64") return converted<double>(data, count);
  if (type == "i64") return converted<int64_t>(data, count);
  if (type == "i32") return converted<int32_t>(data, count);
  if (type == "i16") return converted<int16_t>(data, count);
  if (type == "i8") return converted<int8_t>(data, count);
  if (type == "u8" || type == "bool") return converted<uint8_t>(data, count);
  throw Failure("INFERENCE_FAILED", "Expected an output of numbers but its type is " + type);
}

}  // namespace grocerd
