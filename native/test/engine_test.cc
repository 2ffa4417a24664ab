// The engine's life with a runtime of our own: order, bounds, stop with work in flight.
#include <atomic>
#include <condition_variable>
#include <future>

#include "../core/engine.h"
#include "check.h"

using namespace grocerd;

namespace {

// What a test holds of a fake runtime: requests wait for `open` unless they are cancelled.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int running = 0, live_requests = 0;
  bool session_freed = false;

  void wait_running(int count) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return running >= count; });
  }
  void release() {
    const std::lock_guard<std::mutex> lock(mutex);
    open = true;
    changed.notify_all();
  }
};

class FakeRequest : public Request {
 public:
  FakeRequest(Gate* gate, size_t elements) : gate_(gate), input_(elements) {
    ++gate_->live_requests;
  }
  ~FakeRequest() override { --gate_->live_requests; }

  float* input() override { return input_.data(); }
  std::vector<Output> run() override {
    std::unique_lock<std::mutex> lock(gate_->mutex);
    ++gate_->running;
    gate_->changed.notify_all();
    gate_->changed.wait(lock, [this] { return gate_->open || cancelled_; });
    --gate_->running;
    if (cancelled_) throw Failure("INFERENCE_FAILED", "cancelled");
    return {{"y", {1}, {input_[0]}}};
  }
  void cancel() noexcept override {
    const std::lock_guard<std::mutex> lock(gate_->mutex);
    cancelled_ = true;
    gate_->changed.notify_all();
  }

 private:
  Gate* gate_;
  std::vector<float> input_;
  bool cancelled_ = false;
};

class FakeSession : public Session {
 public:
  explicit FakeSession(Gate* gate) : gate_(gate) { info_.device = "FAKE"; }
  ~FakeSession() override {
    CHECK(gate_->live_requests == 0);  // requests go before their session
    gate_->session_freed = true;
  }
  const SessionInfo& info() const override { return info_; }
  std::unique_ptr<Request> create_request() override {
    return std::make_unique<FakeRequest>(gate_, 12);
  }

 private:
  Gate* gate_;
  SessionInfo info_;
};

InputSpec small_spec() {
  InputSpec spec;
  spec.width = 2;
  spec.height = 2;
  return spec;
}

EngineInput tensor_of(float first) {
  EngineInput input;
  input.kind = EngineInput::Kind::kTensor;
  input.tensor.assign(12, first);
  return input;
}

template <typename T>
std::string code_of(const Outcome<T>& outcome) {
  return outcome.failure ? outcome.failure->code() : "none";
}

struct Running {
  Gate gate;
  Engine engine;

  Running(size_t streams, size_t max_queue)
      : engine([this] { return std::make_unique<FakeSession>(&gate); }, small_spec(), streams,
               max_queue) {
    std::promise<std::string> loaded;
    engine.start([&](Outcome<SessionInfo> outcome) { loaded.set_value(code_of(outcome)); });
    CHECK(loaded.get_future().get() == "none");
  }

  std::shared_future<std::string> infer(EngineInput input) {
    const auto done = std::make_shared<std::promise<std::string>>();
    engine.infer(std::move(input),
                 [done](Outcome<EngineResult> outcome) { done->set_value(code_of(outcome)); });
    return done->get_future().share();
  }
};

}  // namespace

TEST("runs as many requests as it has streams and refuses what the queue does not hold") {
  Running it(2, 1);
  const auto first = it.infer(tensor_of(1)), second = it.infer(tensor_of(2));
  it.gate.wait_running(2);
  const auto third = it.infer(tensor_of(3));
  CHECK_CODE("ENGINE_BUSY", it.infer(tensor_of(4)));
  it.gate.release();
  CHECK(first.get() == "none" && second.get() == "none" && third.get() == "none");
  CHECK(it.infer(tensor_of(5)).get() == "none");
}

TEST("takes the next request as soon as it told of the last, without a queue") {
  Running it(1, 0);
  it.gate.release();
  for (int i = 0; i < 2000; ++i) CHECK(it.infer(tensor_of(1)).get() == "none");
}

TEST("stops with work in flight: cancels what runs, gives up what waits, frees in order") {
  for (int round = 0; round < 50; ++round) {
    Running it(2, 8);
    std::vector<std::shared_future<std::string>> all;
    for (int i = 0; i < 6; ++i) all.push_back(it.infer(tensor_of(1)));
    if (round % 2) it.gate.wait_running(2);
    it.engine.stop();
    for (const auto& each : all) CHECK(each.get() == "ENGINE_STOPPED");
    CHECK(it.gate.session_freed);
    CHECK_CODE("ENGINE_STOPPED", it.infer(tensor_of(1)));
    CHECK_CODE("ENGINE_STOPPED", it.engine.start([](Outcome<SessionInfo>) {}));
    it.engine.stop();
  }
}

TEST("stops while the model loads") {
  Gate gate;
  std::promise<void> inside;
  std::promise<std::string> loaded;
  Engine engine(
      [&] {
        inside.set_value();
        std::unique_lock<std::mutex> lock(gate.mutex);
        gate.changed.wait(lock, [&] { return gate.open; });
        lock.unlock();
        return std::make_unique<FakeSession>(&gate);
      },
      small_spec(), 1, 1);
  engine.start([&](Outcome<SessionInfo> outcome) { loaded.set_value(code_of(outcome)); });
  inside.get_future().wait();
  CHECK_CODE("ENGINE_STOPPED", engine.infer(tensor_of(1), [](Outcome<EngineResult>) {}));
  std::thread stopper([&] { engine.stop(); });
  gate.release();
  stopper.join();
  const std::string code = loaded.get_future().get();
  CHECK(code == "ENGINE_STOPPED" || code == "none");  // the load may have won the race
  CHECK(gate.session_freed);
}

TEST("reports a model that does not load and a tensor of the wrong length") {
  Engine broken([]() -> std::unique_ptr<Session> { throw Failure("MODEL_INVALID", "no"); },
                small_spec(), 1, 1);
  std::promise<std::string> loaded;
  broken.start([&](Outcome<SessionInfo> outcome) { loaded.set_value(code_of(outcome)); });
  CHECK(loaded.get_future().get() == "MODEL_INVALID");

  Running it(1, 1);
  it.gate.release();
  EngineInput wrong = tensor_of(1);
  wrong.tensor.resize(11);
  CHECK(it.infer(wrong).get() == "MODEL_SHAPE_MISMATCH");
  EngineInput raw;
  raw.kind = EngineInput::Kind::kRgb;
  raw.width = raw.height = 2;
  raw.bytes.assign(12, 1);
  CHECK(it.infer(raw).get() == "none");
  raw.bytes.pop_back();
  CHECK(it.infer(raw).get() == "IMAGE_UNREADABLE");
  EngineInput text;
  text.bytes = {'n', 'o'};
  CHECK(it.infer(text).get() == "IMAGE_UNREADABLE");
}
