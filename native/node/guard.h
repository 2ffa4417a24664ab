// The edge between our C++ and Node: whatever is thrown inside becomes a JavaScript error with a code.
#pragma once

#include <napi.h>

#include <stdexcept>

#include "../core/failure.h"

namespace grocerd::node {

inline Napi::Error coded_error(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", Napi::String::New(env, failure.code()));
  return error;
}

// Wrap every exported function in this: no exception may cross into Node.
template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    return Function(info);
  } catch (const Failure& failure) {
    coded_error(env, failure).ThrowAsJavaScriptException();
  } catch (const std::invalid_argument& error) {
    Napi::TypeError::New(env, error.what()).ThrowAsJavaScriptException();
  } catch (const std::exception& error) {
    Napi::Error::New(env, error.what()).ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

}  // namespace grocerd::node
