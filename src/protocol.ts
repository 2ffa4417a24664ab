// The tagged messages between the daemon and its vision process; both import them, nobody else defines any.
import type { CameraConfig, Config } from './config/schema.js'
import type { MemoryUse } from './inference/memory-budget.js'
import type { GalleryContent } from './recognition/gallery/types.js'
import type { Snapshot } from './recognition/snapshot.js'
import type { Box, FrameObservations, Product } from './recognition/types.js'

/** What vision needs to know; sent first, and again after every restart. */
export interface Configure {
  type: 'configure'
  cameras: CameraConfig[]
  models: Config['models']
  catalogue: string | null
  /** Which rows of recognition.priors hold. */
  site: string | null
  runtime: Config['runtime']
  memory: Config['memory']
  /** Where compiled models are kept; null: nowhere. */
  cacheDir: string | null
  /** Where the reference pictures of the cameras are kept. */
  stateDir: string
  /** How many ways of loading the model did not fit into the memory before this one. */
  attempt: number
  /** The number of the change that brought this model, which `ready` names; 0: none, it is what a start begins with. */
  change: number
  recognition: Config['recognition']
  counter: Config['counter']
  logLevel: Config['log']['level']
}

/** Which model, which way of loading it, and what is sold here; of a Configure. */
export type ModelChoice = Pick<Configure, 'models' | 'attempt' | 'change' | 'catalogue'>

/** What is to be taught: a camera's newest frame, whole or a part; what an item was recognised from; or a picture that somebody sent. */
export type TaughtPicture =
  { camera: string; box: Box | null } | { itemId: string } | { picture: Uint8Array }

export type Down =
  | Configure
  /** Load this one beside the one that answers, in the place of any that is loaded or being loaded there. */
  | ({ type: 'prepare' } & ModelChoice)
  /** From the next frame on the one that was prepared for this change answers; `ready` says so. */
  | { type: 'swap'; change: number }
  /** Nobody waits for what is loaded, or being loaded, beside the one that answers. */
  | { type: 'discard' }
  /** One picture of the newest frame, please; asked again for the next, so one is in flight at most. */
  | { type: 'preview'; camera: string }
  /** `snapshot` answers with the same id, or `noSnapshot`; box null: the roi. */
  | { type: 'snapshot'; id: number; camera: string; box: Box | null }
  /** The till asks: the next frames are the model's, though nothing has changed. */
  | { type: 'lookAnew' }
  /** This item was recognised from the camera's frame of then: it is kept a while, for it may be taught. */
  | { type: 'remember'; itemId: string; camera: string; capturedAt: number; box: Box }
  /** What the gallery says from the next picture on, embedded by the embedder that `embedder` named; vectors: entries x dims. */
  | { type: 'gallery'; content: GalleryContent; vectors: Float32Array }
  /** `taught` answers with the same id. @see TaughtPicture; `kept`: it is as it is to be kept already. */
  | { type: 'teach'; id: number; sku: string; from: TaughtPicture | { kept: Uint8Array } }
  | { type: 'stop' }

export interface ModelState {
  name: string
  version: number
  sha256: string
  kind: string
  classes: number
}

export interface RuntimeState {
  name: string
  version: string
  device: string
}

/** live: pictures come and can be used; dark, covered, frozen: they come and show nothing, or nothing of now; blurred, moved: worse ones than at first. */
export const cameraStatuses = [
  'connecting',
  'live',
  'stalled',
  'lost',
  'ended',
  'dark',
  'frozen',
  'covered',
  'blurred',
  'moved',
] as const
export type CameraStatus = (typeof cameraStatuses)[number]

/** It sees enough to count by: what is recognised is only less sure. */
export const stillSees: ReadonlySet<CameraStatus> = new Set(['live', 'blurred', 'moved'])

export interface CameraHealth {
  type: 'cameraHealth'
  camera: string
  status: CameraStatus
  /** Why it is not live; null when it is. */
  reason: { code: string; message: string } | null
}

export interface VisionMetrics {
  type: 'metrics'
  rssBytes: number
  /** What the budget is held against; the process itself ends when it goes over it. */
  memory: MemoryUse
  cameras: { camera: string; frames: number; dropped: number; failed: number }[]
  inferences: number
  /** What another device builds while the CPU answers; absent where nothing is built. */
  building?: Building | undefined
}

export interface Building {
  /** The device that it is for. */
  device: string
  /** So far. */
  seconds: number
  /** Where the model runs meanwhile, for people. */
  runsOn: string
}

export type Up =
  | {
      type: 'ready'
      change: number
      model: ModelState
      runtime: RuntimeState
      loadMs: number
      products: Product[]
    }
  | { type: 'prepared'; change: number }
  | { type: 'prepareFailed'; change: number; code: string; message: string }
  | { type: 'observations'; frame: FrameObservations }
  | { type: 'preview'; camera: string; jpeg: Uint8Array; capturedAt: number }
  | ({ type: 'snapshot'; id: number; capturedAt: number; box: Box } & Snapshot)
  | { type: 'noSnapshot'; id: number; code: string; message: string }
  /** The gallery's embedder is loaded; or, with why, it is not. */
  | { type: 'embedder'; sha256: string; dims: number }
  | { type: 'embedderFailed'; code: string; message: string }
  /** @property jpeg as it is to be kept; warnings, for people, say what speaks against it */
  | { type: 'taught'; id: number; jpeg: Uint8Array; warnings: string[]; vector: Float32Array }
  | { type: 'notTaught'; id: number; code: string; message: string }
  | CameraHealth
  | VisionMetrics
  /** Something a person must know; fatal: vision ends after it and is not the same again by itself. */
  | {
      type: 'fault'
      code: string
      message: string
      fatal: boolean
      /** It could not be built for the device that was wanted, and runs there instead. */
      runsOn?: string
      /** With MEMORY_BUDGET_EXCEEDED at a load: how many other ways to load the model are left. */
      fallbacks?: number
    }
