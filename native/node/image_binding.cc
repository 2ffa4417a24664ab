// Pictures outside an engine, on the environment's own two threads.
#include "image_binding.h"

#include <cmath>

#include "../core/luma_grid.h"
#include "convert.h"
#include "environment.h"
#include "guard.h"

namespace grocerd::node {
namespace {

struct Tensor {
  std::vector<float> data;
  StagesMs stages;
};

struct Upright {
  std::vector<uint8_t> rgb;
  int width, height;
};

// Runs `work` with a worker's decoder and settles a promise with what it returns.
template <typename T, typename Work>
Napi::Value on_worker(Napi::Env env, Napi::Value (*convert)(Napi::Env, T&), Work work) {
  Environment& environment = Environment::of(env);
  std::function<void(Outcome<T>)> settle;
  const auto promise =
      environment.completions.promise<T>(env, Napi::Object::New(env), convert, &settle);
  const auto outcome = std::make_shared<Outcome<T>>();
  const Accepted accepted = environment.submit(
      {[&environment, outcome, work](size_t worker) {
         *outcome =
             outcome_of<T>("IMAGE_UNREADABLE", [&] { return work(&environment.decoder(worker)); });
       },
       [outcome, settle] { settle(std::move(*outcome)); },
       [settle] { settle({std::nullopt, Failure("ENGINE_STOPPED", "The process is ending")}); }});
  if (accepted != Accepted::kYes)
    settle({std::nullopt, Failure("ENGINE_BUSY", "Too many pictures wait to be decoded")});
  return promise;
}

Napi::Value tensor_result(Napi::Env env, Tensor& tensor) {
  auto stages = Napi::Object::New(env);
  stages.Set("decode", tensor.stages.decode);
  stages.Set("resize", tensor.stages.resize);
  auto object = Napi::Object::New(env);
  object.Set("tensor", tensor_value(env, tensor.data));
  object.Set("stagesMs", stages);
  return object;
}

Napi::Value upright_result(Napi::Env env, Upright& upright) {
  auto object = Napi::Object::New(env);
  object.Set("width", upright.width);
  object.Set("height", upright.height);
  object.Set("rgb", bytes_value(env, upright.rgb));
  return object;
}

Upright decode_upright(const std::vector<uint8_t>& jpeg, double max_side, int clockwise,
                       JpegDecoder* decoder) {
  const JpegHeader header = read_jpeg_header(jpeg.data(), jpeg.size());
  require_decodable(header, kMaxPixels);
  const int longer = std::max(header.width, header.height);
  int denominator = 1;
  while (denominator < 8 && std::ceil(longer / (denominator * 2.0)) >= max_side) denominator *= 2;
  const Picture picture = decoder->decode(jpeg.data(), jpeg.size(), header, denominator);
  const Turn turn = turn_of(header.orientation, clockwise);
  Upright upright{{}, picture.width, picture.height};
  if (turn.swaps_axes()) std::swap(upright.width, upright.height);
  upright.rgb.resize(static_cast<size_t>(picture.width) * picture.height * 3);
  make_upright(picture, turn, upright.rgb.data());
  return upright;
}

Napi::Value read_header(const Napi::CallbackInfo& info) {
  const auto jpeg = uint8_array_of(info[0], "jpeg");
  const JpegHeader header = read_jpeg_header(jpeg.Data(), jpeg.ByteLength());
  auto object = Napi::Object::New(info.Env());
  object.Set("width", header.width);
  object.Set("height", header.height);
  object.Set("orientation", header.orientation);
  object.Set("components", header.components);
  object.Set("progressive", header.progressive);
  return object;
}

Napi::Value decode(const Napi::CallbackInfo& info) {
  const Napi::Object options = object_of(info[1], "options");
  const double max_side = number_of(options, "maxSide", HUGE_VAL);
  const int clockwise = static_cast<int>(number_of(options, "rotate", 0));
  return on_worker<Upright>(
      info.Env(), upright_result,
      [jpeg = bytes_of(info[0], "jpeg"), max_side, clockwise](JpegDecoder* decoder) {
        return decode_upright(jpeg, max_side, clockwise, decoder);
      });
}

Napi::Value luma_result(Napi::Env env, std::vector<float>& grid) { return tensor_value(env, grid); }

Napi::Value jpeg_luma(const Napi::CallbackInfo& info) {
  const Napi::Object size = object_of(info[1], "size");
  const double columns = required_number(size, "columns"), rows = required_number(size, "rows");
  if (!(columns >= 1 && columns <= 512 && rows >= 1 && rows <= 512))
    throw std::invalid_argument("Expected 1 to 512 columns and rows");
  return on_worker<std::vector<float>>(
      info.Env(), luma_result,
      [input = engine_input_of(info[0]), columns = static_cast<int>(columns),
       rows = static_cast<int>(rows)](JpegDecoder* decoder) {
        return luma_grid(input.bytes, input.box, input.clockwise, columns, rows, decoder);
      });
}

Napi::Value preprocess_input(const Napi::CallbackInfo& info) {
  return on_worker<Tensor>(
      info.Env(), tensor_result,
      [input = engine_input_of(info[0]), spec = input_spec_of(info[1])](JpegDecoder* decoder) {
        Tensor tensor;
        tensor.data.resize(spec.elements());
        tensor.stages = fill_tensor(input, spec, decoder, tensor.data.data());
        return tensor;
      });
}

}  // namespace

void export_image(Napi::Env env, Napi::Object exports) {
  exports.Set("readJpegHeader", Napi::Function::New<guarded<read_header>>(env, "readJpegHeader"));
  exports.Set("decodeJpeg", Napi::Function::New<guarded<decode>>(env, "decodeJpeg"));
  exports.Set("jpegLuma", Napi::Function::New<guarded<jpeg_luma>>(env, "jpegLuma"));
  exports.Set("preprocess", Napi::Function::New<guarded<preprocess_input>>(env, "preprocess"));
}

}  // namespace grocerd::node
