// The addon's exports, nothing else. src/inference/addon.ts is its only user.
#include <napi.h>

#include <cstdlib>

#include "node/engine_binding.h"
#include "node/environment.h"
#include "node/host_binding.h"
#include "node/image_binding.h"
#include "node/learn_binding.h"
#include "node/nearest_binding.h"

namespace {

Napi::Object open_addon(Napi::Env env, Napi::Object exports) {
  // ONNX Runtime sends telemetry unless this stands before the library is opened.
  setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  grocerd::node::Environment::open(env);
  grocerd::node::export_engine(env, exports);
  grocerd::node::export_image(env, exports);
  grocerd::node::export_host(env, exports);
  grocerd::node::export_learn(env, exports);
  grocerd::node::export_nearest(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, open_addon)
