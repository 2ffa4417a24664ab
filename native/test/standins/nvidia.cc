// One library under the names of NVIDIA's driver, cuDNN and TensorRT, with the symbols that ONNX Runtime's
// providers want to load at all. Nothing here works: no GPU is found long before any of it is called.
#define EMPTY(name) \
  extern "C" __attribute__((visibility("default"))) int name() { return 0; }

EMPTY(cuTensorMapEncodeTiled)
EMPTY(cudnnCreate)
EMPTY(cudnnDestroy)
EMPTY(cudnnSetStream)
EMPTY(createInferBuilder_INTERNAL)
EMPTY(createInferRefitter_INTERNAL)
EMPTY(createInferRuntime_INTERNAL)
EMPTY(createNvOnnxParser_INTERNAL)
EMPTY(createNvOnnxParserRefitter_INTERNAL)

extern "C" __attribute__((visibility("default"))) int getInferLibVersion() { return 101300; }

// TensorRT's provider asks the registry for its plugins: an object whose every method says none.
static void* nothing() { return nullptr; }

extern "C" __attribute__((visibility("default"))) void* getPluginRegistry() {
  static void* methods[64];
  static void** object = methods;
  for (void*& method : methods) method = reinterpret_cast<void*>(&nothing);
  return &object;
}
