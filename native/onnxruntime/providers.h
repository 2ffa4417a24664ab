// What CUDA and TensorRT are told: pairs of words, since structs of the C API differ by version.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../core/session.h"
#include "api.h"

namespace grocerd::onnxruntime {

using Words = std::vector<std::pair<std::string, std::string>>;

// `minor` is the library's version 1.minor: keys that came later stop an old library.
Words cuda_words(const grocerd::SessionOptions& options);
Words tensorrt_words(const grocerd::SessionOptions& options, int minor);

// Appends what options.device asks for. Throws RUNTIME_NOT_FOUND with the provider's own words.
void append_providers(SessionOptions* session, const grocerd::SessionOptions& options);

}  // namespace grocerd::onnxruntime
