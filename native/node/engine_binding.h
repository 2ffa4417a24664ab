// JavaScript functions of the engine: createEngine, startEngine, inferEngine, stopEngine, stopAll.
#pragma once

#include <napi.h>

namespace grocerd::node {

void export_engine(Napi::Env env, Napi::Object exports);

}  // namespace grocerd::node
