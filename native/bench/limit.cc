// What the hardware can give: each thread decodes, resizes and infers in a bare loop, with the
// daemon's own code and nothing around it. Prints one line of JSON. Not part of the addon.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>

#include "../core/engine.h"
#include "../core/failure.h"
#include "../openvino/api.h"
#include "../openvino/session.h"

using namespace grocerd;

namespace {

using Clock = std::chrono::steady_clock;

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure("USAGE", "Expected a file at " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// --name value pairs; the frames are what follows them.
struct Arguments {
  std::map<std::string, std::string> named;
  std::vector<std::string> frames;

  std::string text(const std::string& name, const std::string& fallback = "") const {
    const auto found = named.find(name);
    return found == named.end() ? fallback : found->second;
  }
  double number(const std::string& name, double fallback) const {
    return named.count(name) ? std::atof(named.at(name).c_str()) : fallback;
  }
};

Arguments read_arguments(int count, char** values) {
  Arguments arguments;
  int at = 1;
  for (; at + 1 < count && std::string(values[at]).rfind("--", 0) == 0; at += 2)
    arguments.named[values[at] + 2] = values[at + 1];
  for (; at < count; ++at) arguments.frames.push_back(values[at]);
  if (arguments.frames.empty()) throw Failure("USAGE", "Expected the paths of frames at the end");
  return arguments;
}

InputSpec input_spec(const Arguments& arguments) {
  InputSpec spec;
  spec.width = spec.height = static_cast<int>(arguments.number("size", 224));
  spec.mean.fill(static_cast<float>(arguments.number("mean", 0)));
  spec.scale.fill(static_cast<float>(arguments.number("scale", 1)));
  const std::string fit = arguments.text("fit", "fill");
  spec.fit = fit == "crop" ? Fit::kCrop : fit == "letterbox" ? Fit::kLetterbox : Fit::kFill;
  return spec;
}

struct Lane {
  std::vector<double> latencies;
  StagesMs sums;
};

void run_lane(const std::vector<EngineInput>& frames, const InputSpec& spec, Request* request,
              std::atomic<size_t>* next, Clock::time_point begin, Clock::time_point end,
              Lane* lane) {
  JpegDecoder decoder;
  for (auto from = Clock::now(); from < end; from = Clock::now()) {
    const EngineInput& frame = frames[(*next)++ % frames.size()];
    const StagesMs stages = fill_tensor(frame, spec, &decoder, request->input());
    const auto filled = Clock::now();
    request->run();
    const auto done = Clock::now();
    if (from < begin) continue;
    lane->latencies.push_back(ms_between(from, done));
    lane->sums.decode += stages.decode;
    lane->sums.resize += stages.resize;
    lane->sums.infer += ms_between(filled, done);
  }
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<size_t>(share * static_cast<double>(sorted.size()) + 0.999999);
  return sorted[std::min(sorted.size(), std::max<size_t>(rank, 1)) - 1];
}

void measure(const Arguments& arguments) {
  if (!openvino::probe({arguments.text("openvino")}, false).found)
    throw Failure("RUNTIME_NOT_FOUND", "Expected libopenvino_c at --openvino");
  if (!probe_turbojpeg({arguments.text("turbojpeg", "libturbojpeg.so.0")}).found)
    throw Failure("RUNTIME_NOT_FOUND", "Expected libturbojpeg at --turbojpeg");
  const InputSpec spec = input_spec(arguments);
  SessionOptions options;
  options.model = read_file(arguments.text("model"));
  if (const auto weights = arguments.text("weights"); !weights.empty())
    options.weights = read_file(weights);
  options.input_shape = spec.shape();
  options.streams = static_cast<int>(arguments.number("streams", 1));
  options.threads = static_cast<int>(arguments.number("threads", 0));
  options.full_precision = arguments.text("precision") == "f32";
  const auto session = openvino::open_session(options);

  std::vector<EngineInput> frames;
  for (const std::string& path : arguments.frames) {
    EngineInput frame;
    frame.bytes = read_file(path);
    frames.push_back(std::move(frame));
  }
  const double seconds = arguments.number("seconds", 5);
  const auto begin = Clock::now() + std::chrono::seconds(1);  // caches fill before it
  const auto end = begin + std::chrono::milliseconds(static_cast<int>(seconds * 1000));
  std::atomic<size_t> next{0};
  std::vector<Lane> lanes(static_cast<size_t>(options.streams));
  std::vector<std::unique_ptr<Request>> requests;
  std::vector<std::thread> threads;
  for (Lane& lane : lanes) {
    requests.push_back(session->create_request());
    threads.emplace_back(run_lane, std::cref(frames), std::cref(spec), requests.back().get(), &next,
                         begin, end, &lane);
  }
  for (std::thread& thread : threads) thread.join();
  const double elapsed = ms_between(begin, Clock::now()) / 1000;

  Lane all;
  for (const Lane& lane : lanes) {
    all.latencies.insert(all.latencies.end(), lane.latencies.begin(), lane.latencies.end());
    all.sums.decode += lane.sums.decode;
    all.sums.resize += lane.sums.resize;
    all.sums.infer += lane.sums.infer;
  }
  std::sort(all.latencies.begin(), all.latencies.end());
  const double count = std::max<double>(1, static_cast<double>(all.latencies.size()));
  std::printf(
      "{\"frames\":%zu,\"fps\":%.3f,\"latencyMs\":{\"p50\":%.3f,\"p99\":%.3f},"
      "\"stagesMs\":{\"decode\":%.3f,\"resize\":%.3f,\"infer\":%.3f}}\n",
      all.latencies.size(), static_cast<double>(all.latencies.size()) / elapsed,
      percentile(all.latencies, 0.5), percentile(all.latencies, 0.99), all.sums.decode / count,
      all.sums.resize / count, all.sums.infer / count);
}

}  // namespace

int main(int count, char** values) {
  try {
    measure(read_arguments(count, values));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "limit: %s\n", error.what());
    return 1;
  }
}
