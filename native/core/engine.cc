// The life of an engine: idle, starting, running, stopped; never back.
#include "engine.h"

#include <chrono>
#include <cstring>
#include <string>

#include "failure.h"
#include "geometry.h"

namespace grocerd {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Failure stopped() { return Failure("ENGINE_STOPPED", "The engine was stopped"); }

// What decoding gave: planes where the picture is much larger than the model's input.
struct Decoded {
  std::optional<YccPicture> ycc;
  Picture rgb;
};

Decoded decode(const EngineInput& input, const InputSpec& spec, JpegDecoder* decoder, Turn* turn) {
  const uint8_t* data = input.bytes.data();
  const size_t size = input.bytes.size();
  const JpegHeader header = read_jpeg_header(data, size);
  require_decodable(header, kMaxPixels);
  *turn = turn_of(header.orientation, input.clockwise);
  const Placement placement =
      place(header.width, header.height, *turn, input.box, spec.fit, spec.width, spec.height);
  const int denominator = decode_denominator(placement, *turn);
  Decoded decoded;
  // At full size the pixels stay those of the training, to the last grey level.
  if (denominator > 1) decoded.ycc = decoder->decode_ycc(data, size, header, denominator);
  if (!decoded.ycc) decoded.rgb = decoder->decode(data, size, header, denominator);
  return decoded;
}

Picture view(const EngineInput& input) {
  const size_t expected = static_cast<size_t>(input.width) * input.height * 3;
  if (input.bytes.empty()) throw Failure("IMAGE_EMPTY", "Expected RGB24 but received 0 bytes");
  if (input.bytes.size() != expected)
    throw Failure("IMAGE_UNREADABLE", "Expected " + std::to_string(expected) +
                                          " bytes of RGB24 for " + std::to_string(input.width) +
                                          "x" + std::to_string(input.height) + " but received " +
                                          std::to_string(input.bytes.size()));
  return {input.bytes.data(), input.width, input.height, static_cast<double>(input.width),
          static_cast<double>(input.height)};
}

}  // namespace

StagesMs fill_tensor(const EngineInput& input, const InputSpec& spec, JpegDecoder* decoder,
                     float* tensor) {
  StagesMs stages;
  if (input.kind == EngineInput::Kind::kTensor) {
    if (input.tensor.size() != spec.elements())
      throw Failure("MODEL_SHAPE_MISMATCH", "Expected a tensor of " +
                                                std::to_string(spec.elements()) + " floats (" +
                                                shape_text(spec.shape()) + ") but received " +
                                                std::to_string(input.tensor.size()));
    std::memcpy(tensor, input.tensor.data(), input.tensor.size() * sizeof(float));
    return stages;
  }
  Turn turn;
  auto start = Clock::now();
  const Decoded picture = input.kind == EngineInput::Kind::kJpeg
                              ? decode(input, spec, decoder, &turn)
                              : Decoded{std::nullopt, view(input)};
  stages.decode = ms_since(start);
  start = Clock::now();
  if (picture.ycc)
    preprocess(*picture.ycc, turn, input.box, spec, tensor);
  else
    preprocess(picture.rgb, turn, input.box, spec, tensor);
  stages.resize = ms_since(start);
  return stages;
}

Engine::Engine(SessionFactory factory, InputSpec spec, size_t streams, size_t max_queue)
    : factory_(std::move(factory)), spec_(spec), streams_(streams), pool_(streams, max_queue) {}

void Engine::start(Done<SessionInfo> done) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != State::kIdle)
    throw Failure("ENGINE_STOPPED", state_ == State::kStopped
                                        ? "The engine was stopped; make a new one"
                                        : "The engine was started before");
  state_ = State::kStarting;
  loader_ = std::thread([this, done = std::move(done)] {
    done(outcome_of<SessionInfo>("MODEL_INVALID", [this] { return load(); }));
  });
}

SessionInfo Engine::load() {
  std::unique_ptr<Session> session = factory_();
  factory_ = nullptr;  // it holds the model's bytes
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < streams_; ++i) {
    workers.push_back(std::make_unique<Worker>());
    workers.back()->request = session->create_request();
  }
  const SessionInfo info = session->info();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != State::kStarting) throw stopped();
  session_ = std::move(session);
  workers_ = std::move(workers);
  pool_.start();
  state_ = State::kRunning;
  return info;
}

void Engine::infer(EngineInput input, Done<EngineResult> done) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ == State::kStopped) throw stopped();
  if (state_ != State::kRunning)
    throw Failure("ENGINE_STOPPED", "The engine is not started: wait for start() first");
  struct Task {
    EngineInput input;
    Done<EngineResult> done;
    Outcome<EngineResult> outcome;
  };
  const auto task = std::make_shared<Task>(Task{std::move(input), std::move(done), {}});
  const auto submitted = Clock::now();
  const Accepted accepted =
      pool_.submit({[this, task, submitted](size_t worker) {
                      task->outcome = outcome_of<EngineResult>("INFERENCE_FAILED", [&] {
                        return run(task->input, workers_[worker].get(), ms_since(submitted));
                      });
                    },
                    [task] { task->done(std::move(task->outcome)); },
                    [task] { task->done({std::nullopt, stopped()}); }});
  if (accepted == Accepted::kFull)
    throw Failure("ENGINE_BUSY", "The engine has " + std::to_string(streams_) +
                                     " requests running and its queue is full");
  if (accepted == Accepted::kStopped) throw stopped();
}

EngineResult Engine::run(const EngineInput& input, Worker* worker, double queue_ms) {
  EngineResult result;
  result.stages = fill_tensor(input, spec_, &worker->decoder, worker->request->input());
  result.stages.queue = queue_ms;
  if (stopping_) throw stopped();
  const auto start = Clock::now();
  try {
    result.outputs = worker->request->run();
  } catch (const Failure&) {
    if (stopping_) throw stopped();  // what cancel did is no fault of the model
    throw;
  }
  result.stages.infer = ms_since(start);
  return result;
}

std::string Engine::device_memory() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_ == State::kRunning ? session_->device_memory() : "";
}

void Engine::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    state_ = State::kStopped;
    stopping_ = true;
  }
  pool_.refuse();
  const std::lock_guard<std::mutex> lock(joining_);
  if (loader_.joinable()) loader_.join();
  for (const auto& worker : workers_) worker->request->cancel();
  pool_.stop();
  workers_.clear();
  session_.reset();
}

}  // namespace grocerd
