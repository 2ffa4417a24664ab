// Reads a tensor of any common element type as floats: what a caller sees of an output.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grocerd {

// `type` as in TensorInfo. Throws INFERENCE_FAILED for a type that is not a number we read.
std::vector<float> to_float(const std::string& type, const void* data, size_t count);

}  // namespace grocerd
