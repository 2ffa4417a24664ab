// The words for the providers, and handing them over.
#include "providers.h"

#include <memory>

#include "../core/failure.h"

namespace grocerd::onnxruntime {
namespace {

template <typename T>
using Entry = Status* (*Api::*)(T**);

template <typename T>
void append(SessionOptions* session, const char* name, const Words& words, Entry<T> create,
            Status* (*Api::*update)(T*, const char* const*, const char* const*, size_t),
            Status* (*Api::*add)(SessionOptions*, const T*), void (*Api::*release)(T*)) {
  const Api& ort = api();
  const std::string what = std::string("ONNX Runtime's ") + name + " provider is not to be had";
  T* raw = nullptr;
  Status* const status = (ort.*create)(&raw);
  const auto free = [&ort, release](T* options) { (ort.*release)(options); };
  const std::unique_ptr<T, decltype(free)> options(raw, free);
  ort.require(status, "RUNTIME_NOT_FOUND", what);
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : words) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  ort.require((ort.*update)(raw, keys.data(), values.data(), keys.size()), "RUNTIME_NOT_FOUND",
              what);
  ort.require((ort.*add)(session, raw), "RUNTIME_NOT_FOUND", what);
}

}  // namespace

Words cuda_words(const grocerd::SessionOptions& options) {
  // Doubling the arena would take up to twice what is asked for, and cuDNN's search for the fastest
  // convolution takes any workspace it can get.
  Words words{{"arena_extend_strategy", "kSameAsRequested"}, {"cudnn_conv_use_max_workspace", "0"}};
  if (options.gpu_memory_bytes > 0)
    words.push_back({"gpu_mem_limit", std::to_string(options.gpu_memory_bytes)});
  return words;
}

Words tensorrt_words(const grocerd::SessionOptions& options, int minor) {
  Words words{{"trt_fp16_enable", options.full_precision ? "0" : "1"}};
  if (options.gpu_workspace_bytes > 0)
    words.push_back({"trt_max_workspace_size", std::to_string(options.gpu_workspace_bytes)});
  if (!options.cache_dir.empty()) {
    words.push_back({"trt_engine_cache_enable", "1"});
    words.push_back({"trt_engine_cache_path", options.cache_dir});
  }
  // Subgraphs run one after the other and can share their workspace.
  if (minor >= 14) words.push_back({"trt_context_memory_sharing_enable", "1"});
  if (minor >= 15 && !options.cache_dir.empty()) words.push_back({"trt_timing_cache_enable", "1"});
  return words;
}

void append_providers(SessionOptions* session, const grocerd::SessionOptions& options) {
  if (options.device == "CPU") return;
  if (options.device != "TensorRT" && options.device != "CUDA")
    throw Failure(
        "RUNTIME_NOT_FOUND",
        "Expected device CPU, CUDA or TensorRT for ONNX Runtime but received " + options.device);
  if (options.device == "TensorRT")
    append<TensorRtOptions>(session, "TensorRT", tensorrt_words(options, api().minor()),
                            &Api::CreateTensorRtOptions, &Api::UpdateTensorRtOptions,
                            &Api::AppendTensorRt, &Api::ReleaseTensorRtOptions);
  // Under TensorRT too: it takes the nodes that TensorRT leaves.
  append<CudaOptions>(session, "CUDA", cuda_words(options), &Api::CreateCudaOptions,
                      &Api::UpdateCudaOptions, &Api::AppendCuda, &Api::ReleaseCudaOptions);
}

}  // namespace grocerd::onnxruntime
