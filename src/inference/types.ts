// What the addon takes and gives: pictures, tensors, engines and probes. Types only; addon.ts says them again.
import type { Attempt } from './libraries.js'

export type RuntimeName = 'openvino' | 'onnxruntime'

/** What was found of a runtime; `devices` are the names `EngineOptions.device` takes. */
export interface RuntimeProbe {
  runtime: RuntimeName
  found: boolean
  path?: string
  version?: string
  devices: string[]
  tried: Attempt[]
}

/** What was found of a library. */
export interface LibraryProbe {
  found: boolean
  path?: string
  version?: string
  tried: Attempt[]
}

/** 0..1 of the upright picture: after its EXIF rotation and `rotate`. */
export type Box = [x0: number, y0: number, x1: number, y1: number]

/**
 * How a picture becomes the numbers a model takes; resized pixels are rounded to whole grey levels.
 */
export interface InputSpec {
  /** Of the model's input, pixels. */
  width: number
  height: number
  channels: 'rgb' | 'bgr'
  layout: 'nchw' | 'nhwc'
  /**
   * One or three values, in the tensor's channel order; value = (pixel - mean) / scale, pixels
   * 0..255.
   */
  mean: number[]
  scale: number[]
  /** fill stretches, crop keeps the middle, letterbox adds grey (114) bars on both sides. */
  fit: 'fill' | 'crop' | 'letterbox'
  /**
   * area averages when it shrinks (bilinear when it grows); bilinear takes four neighbours always.
   */
  filter: 'area' | 'bilinear'
}

/** Clockwise turn of a picture after EXIF made it upright. */
export type Rotation = 0 | 90 | 180 | 270

/** A JPEG, raw RGB24 that is upright already, or a tensor of exactly the model's input size. */
export type EngineInput =
  | { jpeg: Uint8Array; box?: Box; rotate?: Rotation }
  | { rgb: Uint8Array; width: number; height: number; box?: Box }
  | { tensor: Float32Array }

/** -1 in `shape` is a side that the model leaves open. `type` is f32, f16, i64 and so on. */
export interface TensorInfo {
  name: string
  shape: number[]
  type: string
}

/** What an engine says of itself once its model is loaded. */
export interface EngineInfo {
  runtime: RuntimeName
  runtimeVersion: string
  device: string
  inputs: TensorInfo[]
  outputs: TensorInfo[]
}

export interface EngineOptions {
  runtime: RuntimeName
  /** IR xml or ONNX bytes. The caller read and hashed them: nothing is opened by path. */
  model: Uint8Array
  /** The .bin of an IR. */
  weights?: Uint8Array
  input: InputSpec
  /** OpenVINO: CPU (default), GPU, NPU, AUTO. ONNX Runtime: CPU (default), CUDA, TensorRT. */
  device?: string
  /** Threads that compute, all streams together; 0 (default) is the runtime's own choice. */
  threads?: number
  /** Whether each thread stays on one processor; default: the runtime's own choice. */
  pinning?: 'yes' | 'no'
  /** Requests in flight, each on a thread of its own; default 1. */
  streams?: number
  /** Jobs that may wait beyond the running ones before ENGINE_BUSY; default 8. */
  maxQueue?: number
  /** OpenVINO runs bf16 where the CPU has it; 'f32' makes machines give the same numbers. */
  precisionHint?: 'f32'
  /** Folder for compiled models (OpenVINO GPU and NPU, TensorRT). */
  cacheDir?: string
  /** Limit of CUDA's arena, bytes. */
  gpuMemoryBytes?: number
  /** Limit of TensorRT's workspace, bytes; beside the arena, not inside it. */
  gpuWorkspaceBytes?: number
  /** ONNX Runtime CPU arena limit, bytes; the first engine of a process sets it for all. */
  hostMemoryBytes?: number
}

export interface EngineResult {
  outputs: { name: string; shape: number[]; data: Float32Array }[]
  stagesMs: { queue: number; decode: number; resize: number; infer: number }
}

/**
 * Size as stored (before rotation), EXIF orientation 1 to 8, components 1 grey, 3 colour, 4 CMYK.
 */
export interface JpegHeader {
  width: number
  height: number
  orientation: number
  components: number
  progressive: boolean
}

export interface UprightPicture {
  rgb: Uint8Array
  width: number
  height: number
}

/** Bytes; `processBytes` are this process's, where the driver knows them. */
export type NvidiaMemory =
  { totalBytes: number; usedBytes: number; processBytes?: number } | { missing: string }

/** A linear layer: weights classes x dims row by row, and a bias a class. */
export interface LinearHead {
  weights: Float32Array
  bias: Float32Array
}

export interface LogisticOptions {
  /** rows x dims, row by row. */
  features: Float32Array
  dims: number
  /** The class of each row. */
  labels: Int32Array
  classes: number
  /** How much each row counts in the mean; default all the same. A row of 0 costs nothing. */
  rowWeights?: Float32Array
  l2: number
  /** The first classes keep these rows as they are; only the others are fitted. */
  frozen?: LinearHead
  /** Of all classes: where the search begins; default zero. A near one saves most of the time. */
  start?: LinearHead
  /** Default 500. */
  maxIterations?: number
  /** The fit ends when no component of the gradient is larger; default 1e-5. */
  tolerance?: number
  /** Threads of this one fit; default 1. As many fits as there are cores run at the same time. */
  threads?: number
}

export interface LogisticFit extends LinearHead {
  /** Weighted mean cross-entropy + l2 / 2 times the squared weights that were fitted. */
  loss: number
  iterations: number
}
