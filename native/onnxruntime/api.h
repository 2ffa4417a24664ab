// ONNX Runtime's C API as far as we use it. The library exports one function, which returns a table
// of function pointers in an order that only ever grows; the slots below are those of API 11
// (onnxruntime_c_api.h of 1.11), the newest that a Jetson TX2 can run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../core/library.h"

namespace grocerd::onnxruntime {

// Opaque types of the library; only pointers to them exist here.
struct Env;
struct Status;  // null is success
struct MemoryInfo;
struct Session;
struct Value;
struct RunOptions;
struct TypeInfo;
struct TensorInfo;  // OrtTensorTypeAndShapeInfo
struct SessionOptions;
struct ArenaCfg;
struct Allocator;
struct TensorRtOptions;
struct CudaOptions;

enum LogLevel { kLogError = 3 };
enum AllocatorType { kDeviceAllocator = 0, kArenaAllocator = 1 };
enum MemType { kMemDefault = 0 };
enum ElementType { kFloat = 1 };

constexpr uint32_t kApiVersion = 11;

class Api {
 public:
  const char* (*GetErrorMessage)(const Status*);
  Status* (*CreateEnv)(int, const char*, Env**);
  Status* (*DisableTelemetryEvents)(const Env*);
  Status* (*CreateSessionFromArray)(const Env*, const void*, size_t, const SessionOptions*,
                                    Session**);
  Status* (*Run)(Session*, const RunOptions*, const char* const*, const Value* const*, size_t,
                 const char* const*, size_t, Value**);
  Status* (*CreateSessionOptions)(SessionOptions**);
  Status* (*SetIntraOpNumThreads)(SessionOptions*, int);
  Status* (*SessionGetInputCount)(const Session*, size_t*);
  Status* (*SessionGetOutputCount)(const Session*, size_t*);
  Status* (*SessionGetInputTypeInfo)(const Session*, size_t, TypeInfo**);
  Status* (*SessionGetOutputTypeInfo)(const Session*, size_t, TypeInfo**);
  Status* (*SessionGetInputName)(const Session*, size_t, Allocator*, char**);
  Status* (*SessionGetOutputName)(const Session*, size_t, Allocator*, char**);
  Status* (*CreateRunOptions)(RunOptions**);
  Status* (*RunOptionsSetTerminate)(RunOptions*);
  Status* (*CreateTensorWithDataAsOrtValue)(const MemoryInfo*, void*, size_t, const int64_t*,
                                            size_t, int, Value**);
  Status* (*IsTensor)(const Value*, int*);
  Status* (*GetTensorMutableData)(Value*, void**);
  Status* (*CastTypeInfoToTensorInfo)(const TypeInfo*, const TensorInfo**);
  Status* (*GetTensorElementType)(const TensorInfo*, int*);
  Status* (*GetDimensionsCount)(const TensorInfo*, size_t*);
  Status* (*GetDimensions)(const TensorInfo*, int64_t*, size_t);
  Status* (*GetTensorShapeElementCount)(const TensorInfo*, size_t*);
  Status* (*GetTensorTypeAndShape)(const Value*, TensorInfo**);
  Status* (*CreateCpuMemoryInfo)(int, int, MemoryInfo**);
  Status* (*AllocatorFree)(Allocator*, void*);
  Status* (*GetAllocatorWithDefaultOptions)(Allocator**);
  void (*ReleaseStatus)(Status*);
  void (*ReleaseMemoryInfo)(MemoryInfo*);
  void (*ReleaseSession)(Session*);
  void (*ReleaseValue)(Value*);
  void (*ReleaseRunOptions)(RunOptions*);
  void (*ReleaseTypeInfo)(TypeInfo*);
  void (*ReleaseTensorTypeAndShapeInfo)(TensorInfo*);
  void (*ReleaseSessionOptions)(SessionOptions*);
  Status* (*GetAvailableProviders)(char***, int*);
  Status* (*ReleaseAvailableProviders)(char**, int);
  Status* (*AddSessionConfigEntry)(SessionOptions*, const char*, const char*);
  Status* (*CreateAndRegisterAllocator)(Env*, const MemoryInfo*, const ArenaCfg*);
  void (*ReleaseArenaCfg)(ArenaCfg*);
  Status* (*CreateArenaCfgV2)(const char* const*, const size_t*, size_t, ArenaCfg**);
  Status* (*AppendTensorRt)(SessionOptions*, const TensorRtOptions*);
  Status* (*CreateTensorRtOptions)(TensorRtOptions**);
  Status* (*UpdateTensorRtOptions)(TensorRtOptions*, const char* const*, const char* const*,
                                   size_t);
  void (*ReleaseTensorRtOptions)(TensorRtOptions*);
  Status* (*AppendCuda)(SessionOptions*, const CudaOptions*);
  Status* (*CreateCudaOptions)(CudaOptions**);
  Status* (*UpdateCudaOptions)(CudaOptions*, const char* const*, const char* const*, size_t);
  void (*ReleaseCudaOptions)(CudaOptions*);

  std::string version;
  Env* env = nullptr;  // one a process, never released: its threads may outlive every session

  // 11 of version 1.11.0; also the number of its newest API.
  int minor() const;

  // Throws `code` with the library's own words unless `status` is null.
  void require(Status* status, const char* code, const std::string& what) const;

  // Limits the arena that all CPU sessions of this process share; the first limit stays.
  void limit_host_memory(int64_t bytes) const;

  void bind(const void* const* table);
};

LibraryProbe probe(const std::vector<std::string>& candidates);

// Throws RUNTIME_NOT_FOUND when probe() has not found the library.
const Api& api();

}  // namespace grocerd::onnxruntime
