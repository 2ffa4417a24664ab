// One thread-safe function an environment; it holds the event loop open only while promises are
// pending.
#include "completions.h"

#include "guard.h"

namespace grocerd::node {

void Completions::open(Napi::Env env) {
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "grocerd"), 0,
                                      1, nullptr, nullptr, this, on_message, &function_);
  if (status != napi_ok) throw std::runtime_error("Node cannot make a thread-safe function");
  napi_unref_threadsafe_function(env, function_);
}

void Completions::close() {
  pending_.clear();
  napi_release_threadsafe_function(function_, napi_tsfn_abort);
}

Napi::Promise Completions::begin(Napi::Env env, uint64_t ticket, Napi::Object keep) {
  if (pending_.empty()) napi_ref_threadsafe_function(env, function_);
  const auto deferred = Napi::Promise::Deferred::New(env);
  pending_.emplace(ticket, Pending{deferred, Napi::Persistent(keep)});
  return deferred.Promise();
}

void Completions::post(Message message) {
  auto* sent = new Message(std::move(message));
  // Refused only while the environment closes; then nobody waits for the answer.
  if (napi_call_threadsafe_function(function_, sent, napi_tsfn_nonblocking) != napi_ok) delete sent;
}

void Completions::on_message(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<Message> message(static_cast<Message*>(data));
  if (!env) return;  // what is still queued at the end of an environment comes without one
  try {
    static_cast<Completions*>(context)->settle(Napi::Env(env), *message);
  } catch (const std::exception&) {
    // A worker that is being terminated makes no values any more; its promises die with it.
  }
}

void Completions::settle(Napi::Env env, const Message& message) {
  const auto found = pending_.find(message.ticket);
  if (found == pending_.end()) return;
  const Pending pending = std::move(found->second);
  pending_.erase(found);
  if (pending_.empty()) napi_unref_threadsafe_function(env, function_);
  if (message.failure)
    pending.deferred.Reject(coded_error(env, *message.failure).Value());
  else
    pending.deferred.Resolve(message.value(env));
}

}  // namespace grocerd::node
