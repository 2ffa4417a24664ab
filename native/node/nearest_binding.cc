// An index is an opaque JavaScript object with a type tag; it goes when JavaScript lets go of it.
#include "nearest_binding.h"

#include <memory>

#include "../core/nearest.h"
#include "convert.h"
#include "guard.h"

namespace grocerd::node {
namespace {

constexpr napi_type_tag kNearestTag = {0x6772'6f63'6572'6422, 0x51f0'2f7b'9a34'c86d};

NearestRows& index_of(Napi::Value value) {
  bool ours = false;
  void* data = nullptr;
  if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &kNearestTag, &ours);
  if (!ours || napi_unwrap(value.Env(), value, &data) != napi_ok)
    throw std::invalid_argument("Expected an index for the first argument");
  return *static_cast<NearestRows*>(data);
}

// createNearest(rows, dims)
Napi::Value create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double dims = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
  if (!(dims >= 1)) throw std::invalid_argument("Expected a number of dimensions");
  auto index =
      std::make_unique<NearestRows>(floats_of(info[0], "rows"), static_cast<size_t>(dims));
  auto object = Napi::Object::New(env);
  // What V8 cannot see: a collection that knows of it comes in time.
  const auto bytes = static_cast<int64_t>(index->count() * index->dims() * 5);
  const auto finalize = [](napi_env finalize_env, void* data, void* hint) {
    int64_t adjusted = 0;
    napi_adjust_external_memory(finalize_env, -reinterpret_cast<intptr_t>(hint), &adjusted);
    delete static_cast<NearestRows*>(data);
  };
  if (napi_wrap(env, object, index.get(), finalize, reinterpret_cast<void*>(bytes), nullptr) !=
          napi_ok ||
      napi_type_tag_object(env, object, &kNearestTag) != napi_ok)
    throw std::runtime_error("The index cannot be handed to JavaScript");
  index.release();
  int64_t adjusted = 0;
  napi_adjust_external_memory(env, bytes, &adjusted);
  return object;
}

// searchNearest(index, query, most) -> {rows, scores}
Napi::Value search(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  NearestRows& index = index_of(info[0]);
  const std::vector<float> query = floats_of(info[1], "query");
  if (query.size() != index.dims())
    throw std::invalid_argument("Expected a query of " + std::to_string(index.dims()) +
                                " numbers but received " + std::to_string(query.size()));
  const double most = info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : 0;
  const auto& found = index.search(query.data(), most >= 1 ? static_cast<size_t>(most) : 0);
  auto rows = Napi::Int32Array::New(env, found.size());
  auto scores = Napi::Float32Array::New(env, found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    rows[i] = found[i].row;
    scores[i] = found[i].score;
  }
  auto object = Napi::Object::New(env);
  object.Set("rows", rows);
  object.Set("scores", scores);
  return object;
}

}  // namespace

void export_nearest(Napi::Env env, Napi::Object exports) {
  exports.Set("createNearest", Napi::Function::New<guarded<create>>(env, "createNearest"));
  exports.Set("searchNearest", Napi::Function::New<guarded<search>>(env, "searchNearest"));
}

}  // namespace grocerd::node
