// The edge between our C++ and Node: whatever is thrown inside becomes a JavaScript error with a
// code.
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

// Wrap every exported function in this: no exception may cross into Node. Napi::Error is what a
// failed call into JavaScript throws: in a worker that is being terminated every such call fails,
// and going on with its empty result would abort the process. Nothing can be thrown there either;
// the statuses are ignored.
template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    return Function(info);
  } catch (const Napi::Error& error) {
    napi_throw(env, error.Value());
  } catch (const Failure& failure) {
    napi_throw_error(env, failure.code(), failure.what());
  } catch (const std::invalid_argument& error) {
    napi_throw_type_error(env, nullptr, error.what());
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return Napi::Value();
}

}  // namespace grocerd::node
