// createNearest, searchNearest: exact search among unit vectors, on the calling thread.
#pragma once

#include <napi.h>

namespace grocerd::node {

void export_nearest(Napi::Env env, Napi::Object exports);

}  // namespace grocerd::node
