// Promises that worker threads settle. Threads carry a ticket number and plain C++ values only;
// every JavaScript value stays on its own thread, in `pending_`.
#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "../core/outcome.h"

namespace grocerd::node {

class Completions {
 public:
  // Makes the thread-safe function. Register cleanup hooks after this call: hooks run last in,
  // first out, and threads must be gone before the function goes.
  void open(Napi::Env env);
  // On the JavaScript thread, when no thread will call again: forgets what is pending.
  void close();

  // A promise, and the callback that settles it from any thread. `keep` stays alive until then.
  // `convert` makes the JavaScript value, on the JavaScript thread.
  template <typename T>
  Napi::Promise promise(Napi::Env env, Napi::Object keep, Napi::Value (*convert)(Napi::Env, T&),
                        std::function<void(Outcome<T>)>* settle) {
    const uint64_t ticket = next_++;
    *settle = [this, ticket, convert](Outcome<T> outcome) {
      const auto shared = std::make_shared<Outcome<T>>(std::move(outcome));
      post({ticket, shared->failure,
            [shared, convert](Napi::Env in) { return convert(in, *shared->value); }});
    };
    return begin(env, ticket, keep);
  }

 private:
  struct Message {
    uint64_t ticket;
    std::optional<Failure> failure;
    std::function<Napi::Value(Napi::Env)> value;
  };
  struct Pending {
    Napi::Promise::Deferred deferred;
    Napi::ObjectReference keep;
  };

  Napi::Promise begin(Napi::Env env, uint64_t ticket, Napi::Object keep);
  void post(Message message);
  void settle(Napi::Env env, const Message& message);
  static void on_message(napi_env env, napi_value, void* context, void* data);

  napi_threadsafe_function function_ = nullptr;
  std::map<uint64_t, Pending> pending_;
  uint64_t next_ = 1;
};

}  // namespace grocerd::node
