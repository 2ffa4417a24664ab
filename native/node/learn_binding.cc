// Fits on the environment's own threads; what they read is a copy.
#include "learn_binding.h"

#include <memory>

#include "../core/logistic.h"
#include "convert.h"
#include "environment.h"
#include "guard.h"

namespace grocerd::node {
namespace {

LinearHead head_of(Napi::Object options, const char* key) {
  const Napi::Value value = options.Get(key);
  if (value.IsUndefined()) return {};
  const Napi::Object head = object_of(value, key);
  return {floats_of(head.Get("weights"), "weights"), floats_of(head.Get("bias"), "bias")};
}

// Negative numbers and fractions become sizes that require_valid refuses.
size_t size_of(Napi::Object options, const char* key) {
  const double number = required_number(options, key);
  return number >= 0 && number == static_cast<double>(static_cast<size_t>(number))
             ? static_cast<size_t>(number)
             : 0;
}

LogisticProblem problem_of(Napi::Object options) {
  LogisticProblem problem;
  problem.features = floats_of(options.Get("features"), "features");
  problem.dims = size_of(options, "dims");
  problem.classes = size_of(options, "classes");
  problem.labels = integers_of(options.Get("labels"), "labels");
  if (const Napi::Value weights = options.Get("rowWeights"); !weights.IsUndefined())
    problem.row_weights = floats_of(weights, "rowWeights");
  problem.l2 = required_number(options, "l2");
  problem.frozen = head_of(options, "frozen");
  problem.start = head_of(options, "start");
  problem.max_iterations =
      static_cast<int>(number_of(options, "maxIterations", problem.max_iterations));
  problem.tolerance = number_of(options, "tolerance", problem.tolerance);
  problem.threads = static_cast<int>(number_of(options, "threads", problem.threads));
  return problem;
}

Napi::Value fit_value(Napi::Env env, LogisticFit& fit) {
  auto object = Napi::Object::New(env);
  object.Set("weights", tensor_value(env, fit.head.weights));
  object.Set("bias", tensor_value(env, fit.head.bias));
  object.Set("loss", fit.loss);
  object.Set("iterations", fit.iterations);
  return object;
}

Napi::Value fit(const Napi::CallbackInfo& info) {
  const auto problem =
      std::make_shared<LogisticProblem>(problem_of(object_of(info[0], "options")));
  require_valid(*problem);
  Environment& environment = Environment::of(info.Env());
  std::function<void(Outcome<LogisticFit>)> settle;
  const auto promise = environment.completions.promise<LogisticFit>(
      info.Env(), Napi::Object::New(info.Env()), fit_value, &settle);
  const auto outcome = std::make_shared<Outcome<LogisticFit>>();
  const Accepted accepted = environment.submit_fit(
      {[&environment, outcome, problem](size_t) {
         *outcome = outcome_of<LogisticFit>("INTERNAL", [&] {
           return fit_logistic(std::move(*problem), environment.ending());
         });
       },
       [outcome, settle] { settle(std::move(*outcome)); },
       [settle] { settle({std::nullopt, Failure("ENGINE_STOPPED", "The process is ending")}); }});
  if (accepted != Accepted::kYes)
    settle({std::nullopt, Failure("ENGINE_BUSY", "Too many fits wait for a thread")});
  return promise;
}

}  // namespace

void export_learn(Napi::Env env, Napi::Object exports) {
  exports.Set("fitLogistic", Napi::Function::New<guarded<fit>>(env, "fitLogistic"));
}

}  // namespace grocerd::node
