// JavaScript functions about the machine: which libraries are here, systemd's notifications,
// limits.
#pragma once

#include <napi.h>

namespace grocerd::node {

void export_host(Napi::Env env, Napi::Object exports);

}  // namespace grocerd::node
