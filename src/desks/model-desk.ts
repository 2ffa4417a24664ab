// Which model answers: finds it at a start, brings a new one in between two frames, watches it, and takes it back.
import { join } from 'node:path'
import type { Clock } from '../clock.js'
import type { Config } from '../config/schema.js'
import { describeError, GroceryError } from '../errors.js'
import type { Label } from '../inference/labels.js'
import { openModel } from '../inference/manifest.js'
import type { Logger } from '../log.js'
import type { Reason } from '../observe/health.js'
import type { ModelChoice, Up } from '../protocol.js'
import type { CommandPayload, CommandResult } from '../publish/command-messages.js'
import type { ItemEvent } from '../publish/messages.js'
import { type Trust, trustOf } from '../updates/bundle.js'
import { openCandidate } from '../updates/candidate.js'
import type { WallClock } from '../updates/judge.js'
import { placeOf } from '../updates/place.js'
import { loadPatienceMs, type Proof, prove } from '../updates/prove.js'
import { type Activation, readActivation, writeActivation } from '../updates/records.js'
import { type Choice, startChain } from '../updates/start-chain.js'
import { type Configured, openInstalled, readConfigured } from '../updates/store.js'
import {
  add,
  enoughItems,
  fade,
  hasDropped,
  inWords,
  leastItems,
  noRate,
} from '../updates/sure-rate.js'
import { ModelSwap, type VisionLink } from './model-swap.js'

/** So many crashes within so long after a change are the model's fault. */
const mostCrashes = 3
const crashWindowMs = 60_000

/** The same model with another catalogue: `done` resolves when it answers by it. */
export interface Restock {
  status: 'active' | 'waiting'
  done: Promise<void>
}

export type ModelChange = 'activated' | 'refused' | 'rolledBack'

export interface ModelDeskOptions {
  config: Config
  vision: VisionLink
  /** No session is open and nothing lies on the counter. */
  isIdle(): boolean
  /** What the state says of the model; null: nothing. */
  setReason(reason: Reason | null): void
  /** For the metric. */
  count(change: ModelChange): void
  clock: Clock
  clockSynced(): boolean
  log: Logger
  prove?: typeof prove
}

export class ModelDesk {
  readonly #options: ModelDeskOptions
  readonly #swap: ModelSwap
  readonly #ended = new AbortController()
  #trust: Trust = { keys: [], revoked: [] }
  #configured: Configured = { name: null, version: null, skus: null }
  /** What is on disk; null where nothing was ever activated, or for another model. */
  #record: Omit<Activation, 'format'> | null = null
  /** Why the record must not be touched. */
  #unreadable: GroceryError | null = null
  /** What vision is told to load, and what comes after it when that fails. */
  #choices: Choice[]
  /** The file that says what is sold here. */
  #catalogue: string | null
  #busy = false
  #crashes: number[] = []
  #calmSince: number
  #rate = noRate

  constructor(options: ModelDeskOptions) {
    this.#options = options
    const { vision, isIdle, clock, config } = options
    const patienceMs = loadPatienceMs(config.runtime.device)
    this.#swap = new ModelSwap({ vision, isIdle, patienceMs })
    this.#catalogue = config.catalogue
    this.#choices = [{ version: null, classifier: config.models.classifier }]
    this.#calmSince = clock.mono()
  }

  /** Tells vision which model to begin with. To be called with the lock of the state directory held. @throws KEY_INVALID */
  start(): void {
    const { config, log } = this.#options
    const { models, outbox } = config
    this.#trust = trustOf(models)
    this.#configured = readConfigured(models.classifier)
    if (models.ensemble) return
    try {
      const record = readActivation(outbox.dir)
      if (record?.name === this.#configured.name) this.#begin(record!)
    } catch (error) {
      // A kiosk must come up: with the model that it was configured with, and saying so.
      if (!(error instanceof GroceryError)) throw error
      this.#unreadable = error
      log.error({ code: error.code }, error.message)
      this.#options.setReason({ code: error.code, message: error.message })
    }
  }

  stop(): void {
    this.#ended.abort()
    this.#swap.stop()
    // An end that somebody asked for says nothing of the model.
    const { trial } = this.#record ?? {}
    if (trial && trial.starts > 0)
      this.#write({ ...this.#record!, trial: { starts: trial.starts - 1 } })
  }

  #begin(record: Activation): void {
    const { config, vision } = this.#options
    const { choices, broken } = startChain(
      config.outbox.dir,
      record,
      config.models.classifier,
      this.#trust,
    )
    this.#record = record
    this.#choices = choices
    vision.use(this.#modelChoice(choices[0]!))
    if (record.rolledBack !== null) this.#say(record.rolledBack)
    // What cannot be read may be readable again; what failed on trial is given up for good.
    if (broken !== null && record.trial) this.#settleFor(choices[0]!.version, broken)
    else if (broken !== null) this.#saysInstead(record.current, broken)
    else if (record.trial) this.#write({ ...record, trial: { starts: record.trial.starts + 1 } })
  }

  // ---- what the till or a technician asks for

  /**
   * Resolves when the new model answers, or when it is proven and waits for the end of a sale.
   * Throws UPDATE_BUSY, MODEL_NOT_INSTALLED, MODEL_NOT_ACTIVE, SELF_TEST_FAILED, and what speaks against the bundle.
   */
  async command(request: CommandPayload<'model'>): Promise<CommandResult<'model'>> {
    const { name } = request
    this.#expectName(name)
    if (this.#busy)
      throw new GroceryError('UPDATE_BUSY', 'Expected one change of the model at a time')
    this.#busy = true
    let changing = false
    try {
      const { choice, proof } = await this.#wanted(request)
      const result = { name, version: choice.version }
      if (choice.version === this.#runs.version) {
        this.#keep(choice)
        return { ...result, status: 'active' }
      }
      changing = true
      const waits = this.#swap.whenWaiting()
      const change = this.#change(choice, proof, request.action).finally(() => (this.#busy = false))
      const status = await Promise.race([change.then(() => 'active' as const), waits])
      if (status === 'waiting') change.catch(error => this.#failedLater(choice, error))
      return { ...result, status }
    } catch (error) {
      this.#options.count('refused')
      throw error
    } finally {
      if (!changing) this.#busy = false
    }
  }

  #expectName(name: string): void {
    const { ensemble } = this.#options.config.models
    if (this.#unreadable) throw this.#unreadable
    if (!ensemble && name === this.#configured.name) return
    const found = ensemble ? 'an ensemble' : this.#configured.name
    throw new GroceryError(
      'MODEL_NOT_INSTALLED',
      `Expected the model of the configuration (${found}) but received ${name}`,
    )
  }

  async #wanted(
    request: CommandPayload<'model'>,
  ): Promise<{ choice: Choice; proof: Proof | null }> {
    const { action, name, version } = request
    if (action === 'rollback') return { choice: this.#before(version), proof: null }
    const { config, clock, clockSynced } = this.#options
    const wall: WallClock = { now: clock.wall(), synced: clockSynced() }
    const installed = openCandidate({
      stateDir: config.outbox.dir,
      name,
      version,
      trust: this.#trust,
      place: placeOf(config, this.#configured, this.#runs.classifier),
      clock: wall,
    })
    const choice = { version: installed.manifest.version, classifier: installed.folder }
    if (choice.version === this.#runs.version) return { choice, proof: null }
    const { kiosk, recognition, runtime, memory, outbox } = config
    const proof = await (this.#options.prove ?? prove)(
      installed,
      {
        shop: { catalogue: this.#catalogue, site: kiosk.site, recognition },
        runtime,
        memory,
        cacheDir: runtime.cache ? join(outbox.dir, 'cache') : null,
      },
      this.#ended.signal,
    )
    const { pictures, wrong, latencyMs, hostBytes } = proof
    this.#options.log.info(
      { name, version: choice.version, pictures, wrong: wrong.length, latencyMs, hostBytes },
      'the new model passed its self-test',
    )
    return { choice, proof }
  }

  /** What a way back leads to: the version before, or the one that was asked for. */
  #before(version: number | undefined): Choice {
    const { config } = this.#options
    if (this.#record === null || this.#record.current === null) {
      throw new GroceryError(
        'MODEL_NOT_ACTIVE',
        `Expected an activated model to go back from but ${this.#configured.name} is that of the configuration`,
      )
    }
    const target = version ?? this.#record.previous
    if (target === null) return { version: null, classifier: config.models.classifier }
    const { name } = this.#record
    const { folder } = openInstalled(config.outbox.dir, name, target, this.#trust)
    return { version: target, classifier: folder }
  }

  // ---- the change itself

  get #runs(): Choice {
    return this.#choices[0]!
  }

  #modelChoice({ classifier }: Choice, attempt = 0): ModelChoice {
    const models = { ...this.#options.config.models, classifier }
    return { models, attempt, change: 0, catalogue: this.#catalogue }
  }

  /** Of the model that answers. Throws as openModel does. */
  labels(): readonly Label[] {
    const { ensemble } = this.#options.config.models
    return openModel(ensemble?.members[0]!.model ?? this.#runs.classifier).labels
  }

  /**
   * From an idle moment on what is sold here is as this file says, which must fit the model. Where `done` rejects the old one
   * goes on. Throws UPDATE_BUSY.
   */
  async restock(catalogue: string): Promise<Restock> {
    if (this.#busy)
      throw new GroceryError('UPDATE_BUSY', 'Expected no change of the model to be under way')
    this.#busy = true
    const old = () => this.#modelChoice(this.#runs, this.#options.vision.attempt)
    const waits = this.#swap.whenWaiting()
    const done = this.#swap
      .run(() => ({ ...old(), catalogue }), old, null, 'the catalogue is being changed')
      .then(() => void (this.#catalogue = catalogue))
      .finally(() => (this.#busy = false))
    // Whoever asked hears of a failure by `done`.
    const ended = done.then(
      () => 'active' as const,
      () => 'active' as const,
    )
    return { status: await Promise.race([ended, waits]), done }
  }

  async #change(to: Choice, proof: Proof | null, action: string): Promise<void> {
    const next = this.#modelChoice(to, proof?.attempt)
    const old = () => this.#modelChoice(this.#runs)
    await this.#swap.run(() => next, old, proof, `${this.#words(to)} is being loaded`)
    // What answered when this began may have failed since, while a sale went on, and even this one have followed it.
    const from = this.#choices.find(one => one.version !== to.version) ?? this.#runs
    const { config, count, log, clock } = this.#options
    this.#choices = [to, ...this.#choices.filter(one => one.version !== to.version)]
    const isForward = action === 'activate'
    this.#write({
      name: this.#configured.name!,
      current: to.version,
      previous: isForward ? from.version : null,
      at: new Date(clock.wall()).toISOString(),
      trial: isForward ? { starts: 0 } : null,
      watch: isForward && this.#rate.items >= leastItems ? this.#rate : null,
      rolledBack: null,
    })
    if (!isForward) this.#choices = [to, { version: null, classifier: config.models.classifier }]
    this.#rate = noRate
    this.#crashes = []
    this.#calmSince = clock.mono()
    this.#options.setReason(null)
    count(isForward ? 'activated' : 'rolledBack')
    log.info({ from: from.version, to: to.version, action }, `${this.#words(to)} answers`)
  }

  #failedLater(choice: Choice, error: unknown): void {
    if (this.#ended.signal.aborted) return
    const { code, message } = describeError(error)
    this.#options.count('refused')
    this.#say(
      `${this.#words(choice)} was not taken (${code}: ${message}); ${this.#words(this.#runs)} goes on`,
    )
  }

  // ---- what is heard of vision, and of items

  /** To be called with every message, before anybody else acts on it. */
  hear(message: Up): void {
    if (message.type === 'metrics') this.#swap.memory = message.memory
    if (message.type === 'fault' && message.fatal && !this.#swap.isUnderWay)
      this.#cannotLoad(message)
    this.#swap.hear(message)
  }

  /** The active model does not load: the next one of the chain does. */
  #cannotLoad(message: Extract<Up, { type: 'fault' }>): void {
    // Where it is the memory there are other ways to load it, or it went over while it ran.
    if (message.code === 'MEMORY_BUDGET_EXCEEDED' && message.fallbacks !== 0) return
    if (this.#choices.length === 1) return
    const [broken] = this.#choices.splice(0, 1)
    const words = `${message.code}: ${message.message}`
    this.#options.vision.use(this.#modelChoice(this.#runs))
    if (this.#record?.trial) this.#settleFor(this.#runs.version, words)
    else this.#saysInstead(broken!.version, words)
  }

  /** The vision process is gone, and being started again. */
  visionDown(code: string, message: string): void {
    const { isUnderWay } = this.#swap
    this.#swap.visionDown(code, message)
    if (code === 'MODEL_LOADING') return
    if (!this.#record?.trial || isUnderWay) return
    const now = this.#options.clock.mono()
    this.#calmSince = now
    this.#crashes = [...this.#crashes.filter(at => now - at < crashWindowMs), now]
    if (this.#crashes.length < mostCrashes) return
    const [, ...others] = this.#choices
    this.#choices = others
    const words = `vision ended ${mostCrashes} times within a minute, the last time because ${message}`
    this.#options.vision.restartWith(this.#modelChoice(this.#runs), words)
    this.#settleFor(this.#runs.version, words)
  }

  /** Every item that is announced counts for the model that named it. */
  placed(event: ItemEvent): void {
    const { decision, askReason } = event.item
    // What lay there when a session opened is asked about, however sure the model is.
    if (event.action !== 'placed' || askReason === 'presentAtOpen') return
    this.#rate = fade(add(this.#rate, decision === 'sure'))
    const watch = this.#record?.watch
    if (!watch || this.#busy) return
    if (hasDropped(watch, this.#rate))
      void this.#goBack(`${inWords(this.#rate)} after ${inWords(watch)}`)
    else if (this.#rate.items >= enoughItems) this.#write({ ...this.#record!, watch: null })
  }

  /** To be called every second or so: a model that ran for a minute has ended its trial. */
  tick(): void {
    if (!this.#record?.trial || this.#swap.isUnderWay) return
    if (this.#options.clock.mono() - this.#calmSince < crashWindowMs) return
    this.#write({ ...this.#record, trial: null })
  }

  /** Back to the model before, at the next idle moment, and said. */
  async #goBack(why: string): Promise<void> {
    this.#busy = true
    const from = this.#words(this.#runs)
    const to = this.#choices[1] ?? this.#runs
    this.#options.log.warn(`${from} is taken back: ${why}`)
    try {
      await this.#change(to, null, 'rollback')
      this.#settled(`${from} was taken back (${why}); ${this.#words(to)} answers instead`)
    } catch (error) {
      if (!this.#ended.signal.aborted)
        this.#options.log.error(describeError(error), 'the way back failed')
    } finally {
      this.#busy = false
    }
  }

  // ---- what is said and kept

  #words({ version }: Choice): string {
    const { name } = this.#configured
    return version === null ? `${name} of the configuration` : `${name} ${version}`
  }

  #say(message: string): void {
    this.#options.setReason({ code: 'MODEL_ROLLED_BACK', message })
  }

  /** For this start only: the next one tries the active version again. */
  #saysInstead(version: number | null, why: string): void {
    const message = `${this.#words({ version, classifier: '' })} cannot be used (${why}); ${this.#words(this.#runs)} answers instead`
    this.#options.log.error(message)
    this.#say(message)
    this.#options.count('rolledBack')
  }

  /** For good: a version that failed while it was on trial. */
  #settleFor(version: number | null, why: string): void {
    const record = this.#record!
    const failed = this.#words({ version: record.current, classifier: '' })
    const message = `${failed} was taken back (${why}); ${this.#words({ version, classifier: '' })} answers instead`
    const at = new Date(this.#options.clock.wall()).toISOString()
    this.#record = { ...record, current: version, previous: null, at, trial: null, watch: null }
    this.#rate = noRate
    this.#settled(message)
    this.#options.log.error(message)
    this.#options.count('rolledBack')
  }

  #settled(message: string): void {
    this.#write({ ...this.#record!, rolledBack: message })
    this.#say(message)
  }

  /** Somebody wants what answers already, perhaps in the place of what is broken: what was said before is known. */
  #keep({ version }: Choice): void {
    if (this.#record?.current === version) this.#write({ ...this.#record, rolledBack: null })
    else if (this.#record)
      this.#write({
        ...this.#record,
        current: version,
        previous: null,
        trial: null,
        watch: null,
        rolledBack: null,
      })
    this.#options.setReason(null)
  }

  #write(record: Omit<Activation, 'format'>): void {
    this.#record = record
    try {
      writeActivation(this.#options.config.outbox.dir, record)
    } catch (error) {
      // What answers now is right; only the next start would not know of it.
      this.#options.log.error({ err: error }, 'the record of the active model was not written')
    }
  }
}
