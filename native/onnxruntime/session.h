// An ONNX model in ONNX Runtime, read from memory. Models with weights in other files never come
// here: src/inference/onnx-file.ts refuses them, because old ONNX Runtime builds read any path.
#pragma once

#include <memory>

#include "../core/session.h"

namespace grocerd::onnxruntime {

// Throws RUNTIME_NOT_FOUND, MODEL_INVALID, MODEL_SHAPE_MISMATCH.
std::unique_ptr<grocerd::Session> open_session(const grocerd::SessionOptions& options);

}  // namespace grocerd::onnxruntime
