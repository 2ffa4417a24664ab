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
EMPTY(getPluginRegistry)
EMPTY(createNvOnnxParser_INTERNAL)
EMPTY(createNvOnnxParserRefitter_INTERNAL)

extern "C" __attribute__((visibility("default"))) int getInferLibVersion() { return 101300; }
