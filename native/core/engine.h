// A model at work: owned threads that decode, resize and infer, one request each. No Node in it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../image/turbojpeg.h"
#include "outcome.h"
#include "preprocess.h"
#include "session.h"
#include "worker_pool.h"

namespace grocerd {

// One of three: a JPEG, raw RGB24 (already upright), or a ready tensor.
struct EngineInput {
  enum class Kind { kJpeg, kRgb, kTensor } kind = Kind::kJpeg;
  std::vector<uint8_t> bytes;
  std::vector<float> tensor;
  int width = 0, height = 0;  // of RGB24
  Box box;
  int clockwise = 0;  // of a JPEG, after its EXIF rotation
};

struct StagesMs {
  double queue = 0, decode = 0, resize = 0, infer = 0;
};

struct EngineResult {
  std::vector<Output> outputs;
  StagesMs stages;
};

// Decodes and resizes `input` into `tensor` (spec.elements() floats). Throws the IMAGE_ codes and
// MODEL_SHAPE_MISMATCH for a tensor of another length.
StagesMs fill_tensor(const EngineInput& input, const InputSpec& spec, JpegDecoder* decoder,
                     float* tensor);

class Engine {
 public:
  using SessionFactory = std::function<std::unique_ptr<Session>()>;
  template <typename T>
  using Done = std::function<void(Outcome<T>)>;

  Engine(SessionFactory factory, InputSpec spec, size_t streams, size_t max_queue);
  ~Engine() { stop(); }

  // Loads the model on a thread of its own. Throws ENGINE_STOPPED when called a second time.
  void start(Done<SessionInfo> done);
  // Throws ENGINE_BUSY and ENGINE_STOPPED at once; `done` comes on a worker thread.
  void infer(EngineInput input, Done<EngineResult> done);
  // What the session says of its device's memory; empty while nothing is loaded.
  std::string device_memory();
  // Refuses new work, gives up what waits, cancels what runs, joins, frees. Blocks; idempotent.
  void stop();

 private:
  enum class State { kIdle, kStarting, kRunning, kStopped };
  struct Worker {
    std::unique_ptr<Request> request;
    JpegDecoder decoder;
  };

  SessionInfo load();
  EngineResult run(const EngineInput& input, Worker* worker, double queue_ms);

  SessionFactory factory_;
  const InputSpec spec_;
  const size_t streams_;
  std::mutex mutex_;  // guards state_ and the hand-over of workers_ to stop
  State state_ = State::kIdle;
  std::atomic<bool> stopping_{false};
  std::mutex joining_;  // one stop at a time; the second finds nothing left to join
  std::thread loader_;
  // Declared in this order so that they are freed pool, requests, session.
  std::unique_ptr<Session> session_;
  std::vector<std::unique_ptr<Worker>> workers_;
  WorkerPool pool_;
};

}  // namespace grocerd
