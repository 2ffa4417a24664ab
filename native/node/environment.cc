// Opening and closing of an environment's state.
#include "environment.h"

namespace grocerd::node {

EngineHandle::~EngineHandle() {
  engine->stop();
  if (stopper.joinable()) stopper.join();
}

Environment* Environment::open(Napi::Env env) {
  auto* self = new Environment;
  env.SetInstanceData(self);  // deletes it, after the cleanup hooks
  self->completions.open(env);
  napi_add_env_cleanup_hook(env, close, self);
  return self;
}

Accepted Environment::submit(Job job) {
  if (!started_) pool_.start();
  started_ = true;
  return pool_.submit(std::move(job));
}

Accepted Environment::submit_fit(Job job) {
  if (!fits_started_) fits_.start();
  fits_started_ = true;
  return fits_.submit(std::move(job));
}

void Environment::stop() {
  ending_ = true;
  for (EngineHandle* handle : engines) {
    handle->engine->stop();
    if (handle->stopper.joinable()) handle->stopper.join();
  }
  pool_.stop();
  fits_.stop();
}

// The threads end before the thread-safe function that they call is taken away.
void Environment::close(void* data) {
  auto* self = static_cast<Environment*>(data);
  self->stop();
  self->completions.close();
}

}  // namespace grocerd::node
