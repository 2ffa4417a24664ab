// The contract between the engine and a runtime: a session is a loaded model, a request one place
// to run it. Release order is the caller's: all requests before their session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace grocerd {

struct TensorInfo {
  std::string name;
  std::vector<int64_t> shape;  // -1 where the model leaves it open
  std::string type;            // f32, f16, i64, ...
};

struct SessionInfo {
  std::string runtime_version, device;
  std::vector<TensorInfo> inputs, outputs;
};

enum class Pinning { kRuntimesChoice, kYes, kNo };

struct SessionOptions {
  std::vector<uint8_t> model, weights;  // weights only for OpenVINO IR
  std::vector<int64_t> input_shape;     // what preprocessing will write
  std::string device = "CPU";
  int threads = 0;  // 0: the runtime's choice
  int streams = 1;
  Pinning pinning = Pinning::kRuntimesChoice;  // of threads to processors
  bool full_precision = false;  // OpenVINO: no bf16
  std::string cache_dir;
  // 0: no limit. The GPU's two are one budget, already divided: CUDA's arena, TensorRT's workspace.
  int64_t gpu_memory_bytes = 0, gpu_workspace_bytes = 0, host_memory_bytes = 0;
};

struct Output {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> data;  // every element type is widened or narrowed to float
};

class Request {
 public:
  virtual ~Request() = default;
  virtual float* input() = 0;             // elements of input_shape, owned by the request
  virtual std::vector<Output> run() = 0;  // blocks; throws INFERENCE_FAILED
  virtual void cancel() noexcept = 0;     // from another thread: makes a running run() end soon
};

class Session {
 public:
  virtual ~Session() = default;
  virtual const SessionInfo& info() const = 0;
  virtual std::unique_ptr<Request> create_request() = 0;
  // What the runtime says it holds on its device, in its own words; empty where it does not say.
  virtual std::string device_memory() const { return ""; }
};

// Throws MODEL_SHAPE_MISMATCH unless the model has one f32 input that takes `expected`.
void require_input(const std::vector<TensorInfo>& inputs, const std::vector<int64_t>& expected);

// "1x3x224x224", with ? for what is open.
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace grocerd
