{
  "variables": { "werror%": "<!(node -p \"process.env.GROCERD_WERROR === '1' ? 1 : 0\")" },
  "targets": [
    {
      "target_name": "grocerd",
      "sources": [
        "native/addon.cc",
        "native/core/dense.cc",
        "native/core/element.cc",
        "native/core/engine.cc",
        "native/core/geometry.cc",
        "native/core/jpeg_header.cc",
        "native/core/lbfgs.cc",
        "native/core/library.cc",
        "native/core/logistic.cc",
        "native/core/luma_grid.cc",
        "native/core/nearest.cc",
        "native/core/preprocess.cc",
        "native/core/resample.cc",
        "native/core/session.cc",
        "native/core/tensor_layout.cc",
        "native/core/worker_pool.cc",
        "native/core/ycc.cc",
        "native/image/turbojpeg.cc",
        "native/node/completions.cc",
        "native/node/convert.cc",
        "native/node/engine_binding.cc",
        "native/node/environment.cc",
        "native/node/host_binding.cc",
        "native/node/image_binding.cc",
        "native/node/learn_binding.cc",
        "native/node/nearest_binding.cc",
        "native/onnxruntime/api.cc",
        "native/onnxruntime/providers.cc",
        "native/onnxruntime/session.cc",
        "native/openvino/api.cc",
        "native/openvino/session.cc",
        "native/system/exchange.cc",
        "native/system/limits.cc",
        "native/system/notify.cc",
        "native/system/nvml.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags": [
        "-Wall", "-Wextra", "-fvisibility=hidden",
        "-fstack-protector-strong", "-ffunction-sections", "-fdata-sections"
      ],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-frtti", "-fvisibility-inlines-hidden"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "ldflags": ["-Wl,--gc-sections", "-Wl,-z,relro", "-Wl,-z,now"],
      "libraries": ["-ldl", "-lpthread"],
      "configurations": {
        "Release": { "cflags": ["-O3"], "defines": ["_FORTIFY_SOURCE=2"] }
      },
      "conditions": [["werror==1", { "cflags": ["-Werror"] }]]
    }
  ]
}
