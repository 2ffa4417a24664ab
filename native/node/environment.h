// What belongs to one Node environment (the main thread or one worker thread): nothing here is
// shared.
#pragma once

#include <napi.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "../core/engine.h"
#include "../core/worker_pool.h"
#include "completions.h"

namespace grocerd::node {

// What a JavaScript engine object owns.
struct EngineHandle {
  std::unique_ptr<Engine> engine;
  std::thread stopper;  // joins the engine's threads without holding up the event loop

  ~EngineHandle();
};

class Environment {
 public:
  static Environment* open(Napi::Env env);
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  ~Environment() = default;

  Completions completions;
  std::set<EngineHandle*> engines;

  // Ends every thread of this environment, with work in flight if need be. Idempotent.
  void stop();

  // Decoding and preprocessing outside an engine: two threads, started at the first use.
  Accepted submit(Job job);
  JpegDecoder& decoder(size_t worker) { return decoders_[worker]; }

  // Fits of a head, which take seconds: threads of their own, one a core, started at the first use.
  Accepted submit_fit(Job job);
  // Set when the threads are to end; a fit looks at it all the time.
  const std::atomic<bool>& ending() const { return ending_; }

 private:
  static constexpr size_t kThreads = 2, kWaiting = 256;

  Environment() = default;
  static void close(void* self);

  bool started_ = false, fits_started_ = false;
  std::atomic<bool> ending_{false};
  std::array<JpegDecoder, kThreads> decoders_;
  WorkerPool pool_{kThreads, kWaiting};
  WorkerPool fits_{std::max(1u, std::thread::hardware_concurrency()), kWaiting};
};

}  // namespace grocerd::node
