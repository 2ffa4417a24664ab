// JavaScript values to plain structs and back. The TypeScript front has checked them for people;
// here a wrong type is a programming error and throws std::invalid_argument, which becomes a
// TypeError.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../core/engine.h"
#include "../core/library.h"

namespace grocerd::node {

double number_of(Napi::Object object, const char* key, double fallback);
double required_number(Napi::Object object, const char* key);
std::string text_of(Napi::Object object, const char* key, const char* fallback);
std::vector<uint8_t> bytes_of(Napi::Value value,
                              const char* name);  // a copy: JavaScript may detach its own
std::vector<float> floats_of(Napi::Value value, const char* name);     // a copy as well
std::vector<int32_t> integers_of(Napi::Value value, const char* name);  // a copy as well
std::vector<std::string> texts_of(Napi::Value value, const char* name);
Napi::Object object_of(Napi::Value value, const char* name);

InputSpec input_spec_of(Napi::Value value);
EngineInput engine_input_of(Napi::Value value);

Napi::Value probe_value(Napi::Env env, const LibraryProbe& probe);
Napi::Value tensor_value(Napi::Env env, std::vector<float>& data);
Napi::Value bytes_value(Napi::Env env, std::vector<uint8_t>& data);
Napi::Value session_value(Napi::Env env, SessionInfo& info);
Napi::Value result_value(Napi::Env env, EngineResult& result);

}  // namespace grocerd::node
