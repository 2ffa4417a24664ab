// Answers the commands of the till: recognise, verify, confirm and session, from what the counter and the cameras know.
import type { Clock } from '../clock.js'
import type { Config } from '../config/schema.js'
import { judge } from '../counter/consensus.js'
import type { ItemCounter, Outcome } from '../counter/item-counter.js'
import { verify } from '../counter/sale/verify.js'
import type { Moment, Vote } from '../counter/state.js'
import { describeError, GroceryError } from '../errors.js'
import type { Answered, Learned } from './gallery-desk.js'
import type { CommandPayload, CommandResult } from '../publish/command-messages.js'
import type { GalleryProduct } from '../recognition/gallery/types.js'
import type { FrameObservations, Observation, Product } from '../recognition/types.js'

/** Fresh frames that make an answer; fewer only where the till does not want to wait. */
const wantedVotes = 3
/** Recognitions that a confirm may still name. */
const rememberedRecognitions = 500
/** A sale does not wait longer for what is learned from it, ms. */
const learnPatienceMs = 500

interface Recognition {
  itemId: string | null
}

/** Waits for frames that are newer than a request. */
interface Waiter {
  askedAt: number
  take(frame: FrameObservations): void
}

export interface DeskOptions {
  counter: ItemCounter
  clock: Clock
  settings: Config['counter']
  /** The camera that announces; null where there is none. */
  camera: string | null
  product(sku: string): GalleryProduct | undefined
  /** What it weighs; undefined where nobody says. */
  weighable(sku: string): Product | undefined
  /** A line is not what lies there, or nothing says so any more. */
  mismatch(lineId: string, isOne: boolean): void
  newId(): string
  /** Somebody paused the camera: it answers nothing. */
  isPaused?(): boolean
  /** The next frames must be answered anew, however little has changed. */
  lookAnew?(): void
  /** Hands what the counter did to the outbox; resolves when it is on disk. */
  record(outcome: Outcome): Promise<void>
  /** Teaches the gallery what a person said; absent where nothing can be taught. */
  learn?(answered: Answered): Promise<Learned>
}

export class TillDesk {
  readonly #options: DeskOptions
  readonly #waiters = new Set<Waiter>()
  readonly #recognitions = new Map<string, Recognition>()

  constructor(options: DeskOptions) {
    this.#options = options
  }

  /** Every frame of the camera that announces comes by here. */
  see(frame: FrameObservations): void {
    // An answer that is older than its picture may be older than the request too.
    if (frame.repeated) return
    for (const waiter of this.#waiters) {
      if (frame.capturedAt >= waiter.askedAt) waiter.take(frame)
    }
  }

  /** Never from a picture older than the request. Throws SESSION_CLOSED, NO_CAMERA, TIMED_OUT. */
  async recognise(request: CommandPayload<'recognise'>): Promise<CommandResult<'recognise'>> {
    const { counter, settings, clock } = this.#options
    const { frames, last } = await this.#look(request)
    const meant = counter.meant(frames.map(({ observations }) => observations))
    const votes = meant.observations.map((observation): Vote => {
      return { observation: this.#within(observation, request.scope), leads: true }
    })
    const verdict = judge(votes, settings.consensus)
    const recognitionId = this.#options.newId()
    // Which of several is meant only the person knows: a confirm must name it.
    const certain = votes.length > 0 && !meant.many
    const itemId = (certain && counter.itemOf(verdict, meant.itemId)?.itemId) || null
    this.#remember(recognitionId, { itemId })
    // Fewer frames than were wanted, or one of several things, may say what it is, but are never sure of it.
    const enough = votes.length >= wantedVotes && !meant.many
    const decision =
      votes.length === 0
        ? 'unknown'
        : enough || verdict.decision !== 'sure'
          ? verdict.decision
          : 'ask'
    return {
      recognitionId,
      itemId,
      decision,
      auto: enough && verdict.auto,
      askReason: decision === 'ask' ? (verdict.askReason ?? 'confidence') : null,
      candidates: votes.length === 0 ? [] : verdict.candidates.slice(0, request.top),
      view: meant.many ? 'many' : last.scene.view === 'object' ? 'ok' : last.scene.view,
      pictureAgeMs: Math.max(0, clock.wall() - last.capturedAt),
    }
  }

  /** Whether what a line has sold lies there. Throws SESSION_CLOSED, NO_CAMERA, TIMED_OUT. */
  async verify(request: CommandPayload<'verify'>): Promise<CommandResult<'verify'>> {
    const { counter, settings, product, weighable, mismatch } = this.#options
    const { sku, lineId, weight } = request
    const { frames } = await this.#look(request)
    // Of several things the one that is most like it: that the others are something else says nothing.
    const score = ({ candidates }: Observation) =>
      candidates.find(one => one.sku === sku)?.score ?? 0
    const best = frames.flatMap(({ observations }) => {
      const like = observations.filter(one => score(one) > 0)
      return like.length > 0 ? [like.reduce((a, b) => (score(b) > score(a) ? b : a))] : []
    })
    const meant = counter.meant(frames.map(({ observations }) => observations))
    const shown = best.length > 0 ? best : meant.many ? [] : meant.observations
    const seen =
      shown.length === 0
        ? null
        : judge(
            shown.map(observation => ({ observation, leads: true })),
            settings.consensus,
          )
    const verified = verify(sku, seen, {
      known: product(sku) !== undefined,
      grams: weight?.stable ? weight.grams : null,
      product: weighable(sku),
    })
    mismatch(lineId, verified.verdict === 'mismatch')
    return { ...verified, candidates: seen?.candidates ?? [] }
  }

  /** Throws SESSION_CLOSED, ITEM_GONE, ALREADY_CONFIRMED. */
  async confirm(request: CommandPayload<'confirm'>): Promise<CommandResult<'confirm'>> {
    const { counter, product, record } = this.#options
    const itemId = request.itemId ?? this.#recognitions.get(request.recognitionId!)?.itemId ?? null
    if (itemId === null) {
      throw new GroceryError(
        'ITEM_GONE',
        `Expected a recognition with an item but ${request.recognitionId} has none`,
      )
    }
    const { sku } = request
    // A till may sell what no model knows; then the sku is all that is known of it.
    const known = product(sku) ?? { sku, name: sku, plu: null, gtin: null }
    const { session = null, lineId = null, quantity = null, by, learn } = request
    // As it was recognised, before anybody said what it is.
    const item = counter.items.find(one => one.itemId === itemId)
    await record(counter.confirm({ session, itemId, product: known, lineId, quantity }, this.now()))
    if (!learn || !item) return { itemId, sku }
    const { name, plu, gtin } = known
    const inSession = session ?? counter.session?.id ?? null
    return {
      itemId,
      sku,
      ...(await this.#learn({
        item,
        product: { sku, name, plu, gtin },
        by,
        session: inSession,
      })),
    }
  }

  /** The sale comes first: it neither waits for long nor fails by it. */
  async #learn(answered: Answered): Promise<Pick<CommandResult<'confirm'>, 'learned' | 'why'>> {
    const { learn } = this.#options
    if (!learn) return { learned: 'no' }
    const work = learn(answered).then(
      learned => ({ learned }),
      error => ({ learned: 'no' as const, why: describeError(error) }),
    )
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<{ learned: 'pending' }>(resolve => {
      timer = setTimeout(() => resolve({ learned: 'pending' }), learnPatienceMs)
    })
    return Promise.race([work, patience]).finally(() => clearTimeout(timer))
  }

  /** The till owns the session. Throws SESSION_CLOSED for suspend and resume of another one. */
  async session({ op, session }: CommandPayload<'session'>): Promise<CommandResult<'session'>> {
    const { counter, record } = this.#options
    const verb = op === 'cancel' ? 'close' : op
    await record(counter[verb](session, this.now()))
    const open = counter.session?.id === session ? counter.session : null
    return { session, status: open ? (open.suspended ? 'suspended' : 'open') : 'closed' }
  }

  /** Something that no frame decided happens now. */
  now(): Moment {
    const { clock, camera } = this.#options
    return { at: clock.mono(), capturedAt: clock.wall(), ageMs: 0, camera: camera ?? '' }
  }

  /** Pictures that are newer than a request of the till. Throws SESSION_CLOSED, NO_CAMERA, TIMED_OUT. */
  async #look({ session = null, waitMs }: { session?: string | null | undefined; waitMs: number }) {
    const { counter, settings, camera } = this.#options
    if (session !== null || settings.needSession) counter.expectSession(session)
    if (camera === null)
      throw new GroceryError('NO_CAMERA', 'Expected a camera but none is configured')
    if (this.#options.isPaused?.())
      throw new GroceryError('CAMERA_PAUSED', `Expected camera ${camera} to look but it is paused`)
    const frames = await this.#fresh(waitMs)
    const last = frames.at(-1)
    if (last) return { frames, last }
    throw new GroceryError(
      'TIMED_OUT',
      `Expected a picture of camera ${camera} within ${waitMs} ms but none came`,
    )
  }

  /** Frames taken from now on, until enough show something or the time is over. */
  #fresh(waitMs: number): Promise<FrameObservations[]> {
    const frames: FrameObservations[] = []
    this.#options.lookAnew?.()
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        resolve(frames)
      }
      const waiter: Waiter = {
        askedAt: this.#options.clock.wall(),
        take(frame) {
          frames.push(frame)
          if (frames.filter(one => one.observations.length > 0).length >= wantedVotes) done()
        },
      }
      const timer = setTimeout(done, waitMs)
      this.#waiters.add(waiter)
    })
  }

  /** Only the products that the till asked about; where that takes the best away, it is asked. */
  #within(observation: Observation, scope: string[] | null | undefined): Observation {
    if (!scope) return observation
    const candidates = observation.candidates.filter(one => scope.includes(one.sku))
    if (candidates.length === 0)
      return { ...observation, candidates, decision: 'unknown', auto: false }
    if (candidates[0]?.sku === observation.candidates[0]?.sku) return { ...observation, candidates }
    return { ...observation, candidates, decision: 'ask', auto: false, askReason: 'confidence' }
  }

  #remember(id: string, recognition: Recognition): void {
    this.#recognitions.set(id, recognition)
    if (this.#recognitions.size > rememberedRecognitions) {
      this.#recognitions.delete(this.#recognitions.keys().next().value!)
    }
  }
}
