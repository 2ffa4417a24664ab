// JavaScript functions of learning: fitLogistic.
#pragma once

#include <napi.h>

namespace grocerd::node {

void export_learn(Napi::Env env, Napi::Object exports);

}  // namespace grocerd::node
