// The Prometheus metrics of one daemon: a typed method for each fact; the names are a contract. It measures nothing.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Action } from '../counter/types.js'
import type { MemoryUse } from '../inference/memory-budget.js'
import {
  type CameraHealth,
  type CameraStatus,
  cameraStatuses,
  type ModelState,
  type RuntimeState,
  stillSees,
  type VisionMetrics,
} from '../protocol.js'
import type { Decision, FrameObservations } from '../recognition/types.js'
import type { Readiness } from './health.js'

const stageBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]
const latencyBuckets = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30]
/** What is no fault of a camera. */
const well = new Set<CameraStatus>(['connecting', 'live', 'ended'])
const statuses = ['starting', 'ready', 'degraded', 'stopping'] as const

export interface OutboxFigures {
  depth: number
  /** Since the daemon started. */
  dropped: number
  /** Since the daemon started. */
  replayed: number
  /** Since the daemon started. */
  writtenBytes: number
}

export interface IncomingFigures {
  commands: { accepted: number; refused: number; repeated: number; limited: number }
  ignored: number
}

/** A counter that follows a total kept elsewhere, also when that total starts again from 0. */
class Following {
  readonly #seen = new Map<string, number>()

  /** How much `total` has grown since it was last given for this key. */
  growth(key: string, total: number): number {
    const before = this.#seen.get(key) ?? 0
    this.#seen.set(key, total)
    return total >= before ? total - before : total
  }
}

export class Metrics {
  readonly registry = new Registry()
  readonly #following = new Following()
  #connected = false

  readonly #build = this.#gauge('build_info', 'Always 1.', ['version', 'node'])
  readonly #model = this.#gauge('model_info', 'Always 1: the model that answers now.', [
    'model',
    'version',
    'sha256',
    'runtime',
    'runtime_version',
    'device',
  ])
  readonly #modelChanges = this.#counter(
    'model_changes_total',
    'Changes of the model by what came of them: activated, refused or rolledBack.',
    ['result'],
  )
  readonly #readiness = this.#gauge('readiness', '1 for the present status, else 0.', ['status'])
  readonly #reasons = this.#gauge('reasons', 'How many parts complain, by code.', ['code'])
  readonly #cameraUp = this.#gauge(
    'camera_up',
    '1 while the camera gives frames that can be used.',
    ['camera'],
  )
  readonly #cameraPaused = this.#gauge(
    'camera_paused',
    '1 while somebody has paused the camera: nothing that it sees is announced.',
    ['camera'],
  )
  readonly #cameraStatus = this.#gauge('camera_status', '1 for the present status, else 0.', [
    'camera',
    'status',
  ])
  readonly #cameraFaults = this.#counter(
    'camera_faults_total',
    'How often a camera was found stalled, lost, dark, frozen, covered, blurred or moved.',
    ['camera', 'status'],
  )
  readonly #frames = this.#counter(
    'frames_total',
    'Frames by what became of them: object, empty, moving, dark, dropped or failed.',
    ['camera', 'result'],
  )
  readonly #stages = this.#histogram('stage_seconds', 'Time of one stage.', stageBuckets, ['stage'])
  readonly #toResult = this.#histogram(
    'capture_to_result_seconds',
    'From capture to the result of a frame.',
    latencyBuckets,
    ['camera'],
  )
  readonly #toPublish = this.#histogram(
    'capture_to_publish_seconds',
    'From capture to the first publish of an event.',
    latencyBuckets,
  )
  readonly #events = this.#counter('events_total', 'Item events.', ['action', 'decision'])
  readonly #outboxDepth = this.#gauge('outbox_depth', 'Events that are not safe yet.')
  readonly #outboxDropped = this.#counter('outbox_dropped_total', 'Events that were lost.')
  readonly #outboxReplayed = this.#counter('outbox_replayed_total', 'Events sent once more.')
  readonly #outboxWritten = this.#counter(
    'outbox_written_bytes_total',
    'Bytes that the outbox brought to the disk, in whole pages.',
  )
  readonly #commands = this.#counter('commands_total', 'Commands of the till.', ['result'])
  readonly #mqttIgnored = this.#counter('mqtt_ignored_total', 'Messages that were not answered.')
  readonly #mqttConnected = this.#gauge('mqtt_connected', '1 while the broker is connected.')
  readonly #mqttConnections = this.#counter('mqtt_connections_total', 'Connections made.')
  readonly #visionRestarts = this.#counter('vision_restarts_total', 'Restarts of vision.')
  readonly #visionMemory = this.#gauge(
    'vision_resident_memory_bytes',
    'Resident memory of the vision process.',
  )
  readonly #memoryBudget = this.#gauge(
    'memory_budget_bytes',
    'What the configuration allows; absent where it sets no limit. kind: host or gpu.',
    ['kind'],
  )
  readonly #memoryUsed = this.#gauge(
    'memory_used_bytes',
    'What is held against the budget: memory of vision alone, and what it holds on the GPU.',
    ['kind'],
  )
  readonly #memoryPeak = this.#gauge(
    'memory_peak_bytes',
    'The most that was used since the vision process began to load.',
    ['kind'],
  )
  readonly #memoryExceeded = this.#counter(
    'memory_budget_exceeded_total',
    'How often a budget was found to be exceeded.',
  )
  readonly #inferences = this.#counter('inferences_total', 'Requests the model answered.')
  readonly #http = this.#counter('http_requests_total', 'HTTP answers.', ['route', 'status'])

  /** @param build the version of grocerd; everything else comes by the methods. */
  constructor(build: { version: string }) {
    this.#build.set({ version: build.version, node: process.version }, 1)
    this.#mqttConnected.set(0)
    this.#outboxDepth.set(0)
  }

  /** Adds process_* and nodejs_* (memory, CPU, event-loop lag), named as every Node exporter does. */
  start(): void {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 20 })
  }

  stop(): void {
    this.registry.clear()
  }

  readonly contentType = this.registry.contentType
  text(): Promise<string> {
    return this.registry.metrics()
  }

  frame(frame: FrameObservations): void {
    this.#frames.inc({ camera: frame.camera, result: frame.scene.view })
    this.#toResult.observe({ camera: frame.camera }, frame.ageMs / 1000)
    for (const [stage, ms] of Object.entries(frame.stagesMs))
      this.#stages.observe({ stage }, ms / 1000)
  }

  event(event: { action: Action; decision: Decision }): void {
    this.#events.inc({ action: event.action, decision: event.decision })
  }

  /** @param latencyMs from capture to the first publish; replays are not published here. */
  published(latencyMs: number): void {
    this.#toPublish.observe(latencyMs / 1000)
  }

  setReadiness(readiness: Readiness): void {
    for (const status of statuses)
      this.#readiness.set({ status }, status === readiness.status ? 1 : 0)
    this.#reasons.reset()
    for (const { code } of readiness.reasons) this.#reasons.inc({ code })
  }

  setModel(model: ModelState, runtime: RuntimeState): void {
    this.#model.reset()
    this.#model.set(
      {
        model: model.name,
        version: String(model.version),
        sha256: model.sha256,
        runtime: runtime.name,
        runtime_version: runtime.version,
        device: runtime.device,
      },
      1,
    )
  }

  modelChanged(result: 'activated' | 'refused' | 'rolledBack'): void {
    this.#modelChanges.inc({ result })
  }

  setCamera({ camera, status }: Pick<CameraHealth, 'camera' | 'status'>): void {
    this.#cameraUp.set({ camera }, stillSees.has(status) ? 1 : 0)
    for (const one of cameraStatuses)
      this.#cameraStatus.set({ camera, status: one }, one === status ? 1 : 0)
    if (!well.has(status)) this.#cameraFaults.inc({ camera, status })
  }

  setPaused(camera: string, isPaused: boolean): void {
    this.#cameraPaused.set({ camera }, isPaused ? 1 : 0)
  }

  /** The totals of the vision process, which start again from 0 with it. */
  setVision(vision: VisionMetrics): void {
    this.#visionMemory.set(vision.rssBytes)
    this.#setMemory(vision.memory)
    this.#inferences.inc(this.#following.growth('inferences', vision.inferences))
    for (const { camera, dropped, failed } of vision.cameras) {
      for (const [result, total] of Object.entries({ dropped, failed })) {
        this.#frames.inc({ camera, result }, this.#following.growth(`${camera} ${result}`, total))
      }
    }
  }

  #setMemory({ host, gpu }: MemoryUse): void {
    for (const [kind, use] of Object.entries({ host, gpu })) {
      if (!use) continue
      if (use.budgetBytes !== null) this.#memoryBudget.set({ kind }, use.budgetBytes)
      this.#memoryUsed.set({ kind }, use.usedBytes)
      this.#memoryPeak.set({ kind }, use.peakBytes)
    }
  }

  memoryExceeded(): void {
    this.#memoryExceeded.inc()
  }

  visionRestarted(): void {
    this.#visionRestarts.inc()
    this.#visionMemory.set(0)
    this.#memoryUsed.reset()
    this.#memoryPeak.reset()
  }

  setOutbox(outbox: OutboxFigures): void {
    this.#outboxDepth.set(outbox.depth)
    this.#outboxDropped.inc(this.#following.growth('dropped', outbox.dropped))
    this.#outboxWritten.inc(this.#following.growth('written', outbox.writtenBytes))
    this.#outboxReplayed.inc(this.#following.growth('replayed', outbox.replayed))
  }

  /** Totals since the daemon started. `limited` of them were too many, and few of these were answered. */
  setIncoming({ commands, ignored }: IncomingFigures): void {
    for (const [result, total] of Object.entries(commands))
      this.#commands.inc({ result }, this.#following.growth(`commands ${result}`, total))
    this.#mqttIgnored.inc(this.#following.growth('ignored', ignored))
  }

  /** Called at will: only the step from down to up counts as a connection. */
  setMqtt(connected: boolean): void {
    if (connected && !this.#connected) this.#mqttConnections.inc()
    this.#connected = connected
    this.#mqttConnected.set(connected ? 1 : 0)
  }

  /** @param route a path of the table, never one a client made up: labels must stay few. */
  http(route: string, status: number): void {
    this.#http.inc({ route, status: String(status) })
  }

  #gauge<L extends string>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name: `grocerd_${name}`, help, labelNames, registers: [this.registry] })
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name: `grocerd_${name}`, help, labelNames, registers: [this.registry] })
  }

  #histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: L[] = [],
  ): Histogram<L> {
    const registers = [this.registry]
    return new Histogram({ name: `grocerd_${name}`, help, labelNames, buckets, registers })
  }
}
