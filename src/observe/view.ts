// What HTTP and the page may see and do: the one interface that the daemon implements for them. Types only.
import type { CameraConfig } from '../config/schema.js'
import type { CameraStatus } from '../protocol.js'
import type { Reply } from '../publish/command-messages.js'
import type { BasketMessage, ItemEvent, StateMessage } from '../publish/messages.js'
import type { Box, Observation, Product, Scene, StagesMs } from '../recognition/types.js'
import type { Readiness, Reason } from './health.js'

export interface CameraView {
  id: string
  status: CameraStatus
  mode: CameraConfig['mode']
  roi: Box
  /** Why it is not live; null when it is. */
  reason: Reason | null
}

/** The newest result of one camera. */
export interface FrameView {
  camera: string
  /** Counts the frames of this camera since vision started. */
  frame: number
  /** UTC. */
  capturedAt: string
  /** Capture to result, ms. */
  latencyMs: number
  scene: Scene
  observations: Observation[]
  stagesMs: StagesMs
  /** Why nothing is announced, in words such as `the scene moves`; null while something is. */
  reason: string | null
}

/** What a thing may be named. */
export type ProductView = Pick<Product, 'sku' | 'name' | 'plu' | 'gtin'>

export interface Preview {
  jpeg: Uint8Array
  /** Wall clock, ms since 1970. */
  capturedAt: number
}

export interface BrokerView {
  connected: boolean
  /** Without user name and password. */
  url: string
}

/** The answer to a command, as on MQTT's reply topic. */
export type CommandReply = Reply

export type ViewKind = 'state' | 'basket' | 'frame' | 'event'
export type ViewListener = (kind: ViewKind, payload: object) => void

export interface KioskView {
  readiness(): Readiness
  /** The state message as it is retained on MQTT. */
  state(): StateMessage
  /** The basket message as it is retained on MQTT. */
  basket(): BasketMessage
  /** The newest frame of each camera that has given one. */
  frames(): FrameView[]
  /** The last 50 item events, oldest first. */
  events(): ItemEvent[]
  cameras(): CameraView[]
  /** All that a picture may be named; none before a model is loaded. */
  products(): ProductView[]
  broker(): BrokerView
  /** The newest picture, one for all who ask at once; throws CAMERA_UNKNOWN, TIMED_OUT. */
  preview(camera: string): Promise<Preview>
  /** Runs a command as if it had come over MQTT; resolves also for refusals. */
  dispatch(verb: string, payload: object): Promise<CommandReply>
  /** `state` also when readiness, cameras or the broker changed; returns the function that ends it. */
  subscribe(listener: ViewListener): () => void
}
