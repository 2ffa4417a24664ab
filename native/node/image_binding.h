// JavaScript functions of pictures: readJpegHeader, decodeJpeg, preprocess.
#pragma once

#include <napi.h>

namespace grocerd::node {

void export_image(Napi::Env env, Napi::Object exports);

}  // namespace grocerd::node
