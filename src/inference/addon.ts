// The typed front of the native addon, and its only importer. It checks arguments, finds libraries,
// turns native errors into GroceryErrors and lets sharp decode where libturbojpeg is missing.
// It knows nothing of model.json, labels or decisions.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type ErrorCode, errorTable, GroceryError } from '../errors.js'
import {
  type Attempt,
  nvmlCandidates,
  onnxRuntimeCandidates,
  openVinoCandidates,
  projectRoot,
  turboJpegCandidates,
} from './libraries.js'
import { decodeWithSharp } from './sharp-decode.js'
import type {
  Box,
  EngineInfo,
  EngineInput,
  EngineOptions,
  EngineResult,
  InputSpec,
  JpegHeader,
  LibraryProbe,
  LogisticFit,
  LogisticOptions,
  NvidiaMemory,
  Rotation,
  RuntimeName,
  RuntimeProbe,
  UprightPicture,
} from './types.js'

export type * from './types.js'

interface NativeProbe {
  found: boolean
  path?: string
  version?: string
  devices: string[]
  tried: Attempt[]
}

type NativeEngine = object
type NativeNearest = object

interface Native {
  probeOpenVino(candidates: string[], devices: boolean): NativeProbe
  probeOnnxRuntime(candidates: string[]): NativeProbe
  probeTurboJpeg(candidates: string[]): NativeProbe
  hasTurboJpeg(): boolean
  createEngine(options: EngineOptions): NativeEngine
  startEngine(engine: NativeEngine): Promise<Omit<EngineInfo, 'runtime'>>
  inferEngine(engine: NativeEngine, input: EngineInput): Promise<EngineResult>
  stopEngine(engine: NativeEngine): Promise<void>
  stopAll(): void
  preprocess(
    input: EngineInput,
    spec: InputSpec,
  ): Promise<{ tensor: Float32Array; stagesMs: { decode: number; resize: number } }>
  decodeJpeg(
    jpeg: Uint8Array,
    options: { maxSide?: number; rotate?: Rotation },
  ): Promise<UprightPicture>
  readJpegHeader(jpeg: Uint8Array): JpegHeader
  jpegLuma(
    picture: { jpeg: Uint8Array; box?: Box; rotate: Rotation },
    size: { columns: number; rows: number },
  ): Promise<Float32Array>
  engineDeviceMemory(engine: NativeEngine): string
  nvidiaMemory(candidates: string[]): NvidiaMemory
  openVinoProperty(device: string, key: string): string
  sdNotify(socket: string, message: string): boolean
  setDataLimit(bytes: number): void
  exchangePaths(one: string, other: string): boolean
  fitLogistic(options: LogisticOptions): Promise<LogisticFit>
  createNearest(rows: Float32Array, dims: number): NativeNearest
  searchNearest(
    index: NativeNearest,
    query: Float32Array,
    most: number,
  ): { rows: Int32Array; scores: Float32Array }
}

let loaded: Native | undefined

/** Opens the .node file at the first use, so that commands that need no model run without it. */
function native(): Native {
  if (loaded) return loaded
  const require = createRequire(import.meta.url)
  const failures: string[] = []
  for (const build of ['Release', 'Debug']) {
    const path = join(projectRoot, 'build', build, 'grocerd.node')
    try {
      const addon = require(path) as Native
      // process.exit() skips Node's cleanup hooks and goes straight to the destructors of the
      // runtimes, which must not find our threads inside them.
      process.once('exit', () => addon.stopAll())
      loaded = addon
      return addon
    } catch (error) {
      failures.push(`  ${path}: ${firstLine(error)}`)
    }
  }
  throw new GroceryError(
    'ADDON_NOT_BUILT',
    `Expected the native addon but it does not load:\n${failures.join('\n')}`,
  )
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}

/**
 * A native error carries a code of our table; anything else is a mistake in the call and stays as
 * it is.
 */
function coded(error: unknown): unknown {
  const code = (error as { code?: unknown }).code
  if (!(error instanceof Error) || typeof code !== 'string' || !(code in errorTable)) return error
  return new GroceryError(code as ErrorCode, error.message, { cause: error })
}

async function settled<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw coded(error)
  }
}

/**
 * Looks for a runtime and opens it. Never throws: what went wrong stands in `tried`.
 * `devices: false` leaves them out: to list OpenVINO's loads the plugins of GPU and NPU for good.
 */
export function probeRuntime(runtime: RuntimeName, { devices = true } = {}): RuntimeProbe {
  const { paths, absent } = runtime === 'openvino' ? openVinoCandidates() : onnxRuntimeCandidates()
  try {
    const addon = native()
    const probe =
      runtime === 'openvino' ? addon.probeOpenVino(paths, devices) : addon.probeOnnxRuntime(paths)
    return { runtime, ...probe, tried: probe.found ? probe.tried : [...absent, ...probe.tried] }
  } catch (error) {
    return {
      runtime,
      found: false,
      devices: [],
      tried: [{ path: 'addon', reason: firstLine(error) }],
    }
  }
}

/** Looks for libturbojpeg and opens it. Never throws. */
export function probeTurboJpeg(): LibraryProbe {
  const { paths, absent } = turboJpegCandidates()
  try {
    const { devices: _, ...probe } = native().probeTurboJpeg(paths)
    return { ...probe, tried: probe.found ? probe.tried : [...absent, ...probe.tried] }
  } catch (error) {
    return { found: false, tried: [{ path: 'addon', reason: firstLine(error) }] }
  }
}

let turboJpeg: boolean | undefined

/** Whether JPEG is decoded natively; else sharp does it. Looked for once a process. */
export function hasTurboJpeg(): boolean {
  turboJpeg ??= probeTurboJpeg().found
  return turboJpeg
}

/**
 * Reads a JPEG's header with our own parser; no library is needed.
 * @throws IMAGE_EMPTY, IMAGE_UNREADABLE, IMAGE_TRUNCATED, IMAGE_UNSUPPORTED (not 8 bits, lossless)
 */
export function readJpegHeader(jpeg: Uint8Array): JpegHeader {
  try {
    return native().readJpegHeader(jpeg)
  } catch (error) {
    throw coded(error)
  }
}

/**
 * Decodes a JPEG upright. `maxSide` picks the smallest of 1/1, 1/2, 1/4, 1/8 whose longer side is
 * still at least that long (pixels).
 * @throws IMAGE_EMPTY, IMAGE_UNREADABLE, IMAGE_TRUNCATED, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE
 */
export async function decodeJpeg(
  jpeg: Uint8Array,
  options: { maxSide?: number; rotate?: Rotation } = {},
): Promise<UprightPicture> {
  const given = { ...options, rotate: checkedRotation(options.rotate) }
  if (hasTurboJpeg()) return settled(() => native().decodeJpeg(jpeg, given))
  return decodeWithSharp(jpeg, readJpegHeader(jpeg), given)
}

/**
 * Mean luma 0..1 of the cells of a grid over the box, row by row, from the smallest DCT scale.
 * Needs libturbojpeg.
 * @throws RUNTIME_NOT_FOUND and the codes of decodeJpeg
 */
export async function jpegLuma(
  { jpeg, box, rotate }: { jpeg: Uint8Array; box?: Box; rotate?: Rotation },
  size: { columns: number; rows: number },
): Promise<Float32Array> {
  const picture = { jpeg, box, rotate: checkedRotation(rotate) }
  return settled(() => native().jpegLuma(picture, size))
}

/**
 * The tensor that an engine with this spec would see: golden tensors and training use it.
 * @throws the IMAGE_ codes; MODEL_SHAPE_MISMATCH for a tensor of another length
 */
export async function preprocess(
  input: EngineInput,
  spec: InputSpec,
): Promise<{ tensor: Float32Array; stagesMs: { decode: number; resize: number } }> {
  const checkedSpec = checkedInputSpec(spec)
  const { ready, decodeMs } = await readyInput(input)
  const result = await settled(() => native().preprocess(ready, checkedSpec))
  result.stagesMs.decode += decodeMs
  return result
}

/** One loaded model with its own threads. Goes idle, started, stopped and never back. */
export class Engine {
  readonly #options: EngineOptions
  #handle: NativeEngine | undefined
  #started: Promise<EngineInfo> | undefined
  #stopped: Promise<void> | undefined

  /** Keeps the options; nothing is opened before start(). */
  constructor(options: EngineOptions) {
    this.#options = options
  }

  /**
   * Loads the model off the event loop; a second call returns the first one's promise.
   * @throws RUNTIME_NOT_FOUND, DEVICE_NOT_FOUND, MODEL_INVALID, MODEL_SHAPE_MISMATCH, ENGINE_STOPPED
   */
  start(): Promise<EngineInfo> {
    if (this.#stopped) {
      return Promise.reject(
        new GroceryError('ENGINE_STOPPED', 'The engine was stopped; make a new one'),
      )
    }
    this.#started ??= this.#load()
    return this.#started
  }

  /**
   * Runs one picture or tensor. Outputs are the caller's own memory.
   * @throws ENGINE_BUSY, ENGINE_STOPPED, INFERENCE_FAILED, MODEL_SHAPE_MISMATCH and the IMAGE_
   * codes
   */
  async infer(input: EngineInput): Promise<EngineResult> {
    const handle = this.#handle
    if (this.#stopped || !handle) {
      throw new GroceryError(
        'ENGINE_STOPPED',
        this.#stopped
          ? 'The engine was stopped'
          : 'The engine is not started: wait for start() first',
      )
    }
    const { ready, decodeMs } = await readyInput(input)
    const result = await settled(() => native().inferEngine(handle, ready))
    result.stagesMs.decode += decodeMs
    return result
  }

  /** What the runtime says it holds on its device, in its own words; empty where it says nothing. */
  deviceMemory(): string {
    return this.#handle && !this.#stopped ? native().engineDeviceMemory(this.#handle) : ''
  }

  /**
   * Refuses new work, cancels what runs, frees the model. Never throws; may be called at any time.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#unload()
    return this.#stopped
  }

  async #load(): Promise<EngineInfo> {
    const { runtime, input, model } = this.#options
    const options = { ...this.#options, input: checkedInputSpec(input) }
    const device = this.#options.device ?? 'CPU'
    const probe = probeRuntime(runtime, { devices: device !== 'CPU' })
    if (!probe.found) throw missingRuntime(probe)
    if (device !== 'CPU') requireDevice(probe, device)
    if (model.length === 0)
      throw new GroceryError('MODEL_INVALID', 'Expected a model but received 0 bytes')
    return settled(async () => {
      const handle = native().createEngine(options)
      this.#handle = handle
      return { runtime, ...(await native().startEngine(handle)) }
    })
  }

  async #unload(): Promise<void> {
    const handle = this.#handle
    if (handle) await native().stopEngine(handle)
    this.#handle = undefined
  }
}

function missingRuntime(probe: RuntimeProbe): GroceryError {
  const name = probe.runtime === 'openvino' ? 'OpenVINO' : 'ONNX Runtime'
  const places = probe.tried.map(({ path, reason }) => `\n  ${path}: ${reason}`).join('')
  return new GroceryError(
    'RUNTIME_NOT_FOUND',
    `Expected ${name} but none of these has it:${places}`,
    {
      details: probe.tried,
    },
  )
}

/**
 * A device of this machine, with or without a number; AUTO, HETERO:… and the like choose by
 * themselves.
 */
function requireDevice(probe: RuntimeProbe, device: string): void {
  const kind = (name: string) => name.split('.')[0]
  if (
    /^(AUTO|MULTI|HETERO|BATCH)\b/.test(device) ||
    probe.devices.some(d => kind(d) === kind(device))
  )
    return
  throw new GroceryError(
    'DEVICE_NOT_FOUND',
    `Expected device ${device} for ${probe.runtime} but this machine has ${probe.devices.join(', ')}`,
  )
}

/** What the native side takes: without libturbojpeg a JPEG is decoded by sharp first. */
async function readyInput(input: EngineInput): Promise<{ ready: EngineInput; decodeMs: number }> {
  if (!('jpeg' in input)) return { ready: input, decodeMs: 0 }
  const rotate = checkedRotation(input.rotate)
  if (hasTurboJpeg()) return { ready: { ...input, rotate }, decodeMs: 0 }
  const start = performance.now()
  const picture = await decodeWithSharp(input.jpeg, readJpegHeader(input.jpeg), { rotate })
  return { ready: { ...picture, box: input.box }, decodeMs: performance.now() - start }
}

function checkedRotation(rotate: Rotation = 0): Rotation {
  if ([0, 90, 180, 270].includes(rotate)) return rotate
  throw new TypeError(`Expected 0, 90, 180 or 270 for rotate but received ${rotate}`)
}

/** Mean and scale as three values each. */
function checkedInputSpec(spec: InputSpec): InputSpec {
  const three = (name: string, values: number[]): number[] => {
    if (values.length === 1) return [values[0]!, values[0]!, values[0]!]
    if (values.length === 3) return values
    throw new TypeError(`Expected 1 or 3 values for input.${name} but received ${values.length}`)
  }
  if (spec.scale.includes(0)) throw new TypeError('Expected input.scale other than 0')
  return { ...spec, mean: three('mean', spec.mean), scale: three('scale', spec.scale) }
}

/**
 * Fits a softmax regression (the bias free of l2) by L-BFGS, on threads of its own. What it reads is
 * copied first, so the caller may go on writing to it.
 * @throws TypeError for a wrong size, label or number; ENGINE_STOPPED when the process ends;
 * ENGINE_BUSY
 */
export async function fitLogistic(options: LogisticOptions): Promise<LogisticFit> {
  return settled(() => native().fitLogistic(options))
}

/** Exact search among rows that never change; another set of rows is another index. */
export class NearestRows {
  readonly #index: NativeNearest

  /** @param rows count x dims, row by row; copied. @throws TypeError where they do not fit or are not finite */
  constructor(rows: Float32Array, dims: number) {
    this.#index = native().createNearest(rows, dims)
  }

  /**
   * The rows with the largest inner product, best first, of equal ones the earlier.
   * @returns nothing for a query that is not finite. @throws TypeError for one of another length
   */
  search(query: Float32Array, most: number): { rows: Int32Array; scores: Float32Array } {
    return native().searchNearest(this.#index, query, most)
  }
}

/**
 * Tells systemd something ("READY=1"); false when NOTIFY_SOCKET is unset or nobody listens there.
 */
export function sdNotify(message: string): boolean {
  const socket = process.env.NOTIFY_SOCKET
  return socket ? native().sdNotify(socket, message) : false
}

/**
 * Sets the soft RLIMIT_DATA of this process, bytes: beyond it allocations fail instead of the
 * machine.
 */
export function setDataLimit(bytes: number): void {
  native().setDataLimit(bytes)
}

/**
 * The first NVIDIA GPU's memory as its driver counts it; `processBytes` (of this process) is left out
 * where the driver does not know it. Never throws: `missing` says why there are no figures.
 */
export function nvidiaMemory(): NvidiaMemory {
  const { paths, absent } = nvmlCandidates()
  const memory = native().nvidiaMemory(paths)
  if (!('missing' in memory) || absent.length === 0) return memory
  return {
    missing: [memory.missing, ...absent.map(one => `${one.path}: ${one.reason}`)].join('\n'),
  }
}

/** A property of an OpenVINO device as text; empty where the device or the property is not there. */
export function openVinoProperty(device: string, key: string): string {
  return probeRuntime('openvino').found ? native().openVinoProperty(device, key) : ''
}

/**
 * Exchanges two files or folders in one step; false where the file system cannot.
 */
export function exchangePaths(one: string, other: string): boolean {
  return native().exchangePaths(one, other)
}
