// A model in OpenVINO: IR v10 and v11 or ONNX, read from memory.
#pragma once

#include <memory>

#include "../core/session.h"

namespace grocerd::openvino {

// Throws RUNTIME_NOT_FOUND, MODEL_INVALID, MODEL_SHAPE_MISMATCH.
std::unique_ptr<Session> open_session(const SessionOptions& options);

}  // namespace grocerd::openvino
