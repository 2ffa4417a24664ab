// What a camera's pictures say of it while its source is live: unreadable, dark, frozen, or another view than it was; and few failures are told. Pure.
import type { Clock } from '../clock.js'
import type { CameraStatus } from '../protocol.js'
import type { HealthListener } from './camera.js'

type ViewFault = 'covered' | 'blurred' | 'moved'

interface Reason {
  code: string
  message: string
}

/** What is wrong with the pictures although they come. */
interface Complaint {
  status: CameraStatus
  reason: Reason
}

/** What the last picture looked like. */
export interface Look {
  dark: boolean
  /** It was exactly the one before, to the last bit of its brightness. */
  unchanged: boolean
  /** What has been wrong with the view for long enough. */
  view: ViewFault | null
}

const tooManyInARow = 10
const tellEvery = 1000
/** A hand before the lens is no fault. */
const darkAfterMs = 3000
/** No sensor gives the same picture twice; one that seems to for so long shows an old one. */
const frozenAfterMs = 10_000

const viewWords: Record<ViewFault, { code: string; words: string }> = {
  covered: {
    code: 'CAMERA_COVERED',
    words: 'Expected to see the counter but nothing of it and no detail is there',
  },
  blurred: {
    code: 'CAMERA_BLURRED',
    words:
      'Expected the counter as sharp as in its reference picture but much of the detail is gone',
  },
  moved: {
    code: 'CAMERA_MOVED',
    words: 'Expected the view of its reference picture but it looks elsewhere',
  },
}

export class PictureHealth {
  readonly #camera: { id: string; isLive: boolean }
  readonly #clock: Pick<Clock, 'mono'>
  readonly #onHealth: HealthListener
  #source: CameraStatus = 'connecting'
  #inARow = 0
  #complaint: Complaint | null = null
  /** Monotonic ms since when every picture is dark, or the same; null while they are not. */
  #darkSince: number | null = null
  #sameSince: number | null = null
  #seenAt: number | null = null
  #faults = 0

  /** @param camera isLive: a sensor is behind it; what repeats its pictures on purpose never freezes */
  constructor(
    camera: { id: string; isLive: boolean },
    clock: Pick<Clock, 'mono'>,
    onHealth: HealthListener,
  ) {
    this.#camera = camera
    this.#clock = clock
    this.#onHealth = onHealth
  }

  /** Its pictures say nothing of now: nobody may conclude anything from them. */
  get isFrozen(): boolean {
    return this.#complaint?.status === 'frozen'
  }

  /** What the source says of itself; to open again is no cure, so `live` waits for a good picture. */
  source(status: CameraStatus, reason: Reason | null): void {
    this.#source = status
    // Time without pictures is no time of dark or equal ones.
    this.#darkSince = this.#sameSince = this.#seenAt = null
    if (status === 'live' && this.#complaint) this.#say(this.#complaint)
    else this.#onHealth(status, reason)
  }

  /** A picture could not be recognised. */
  failed(reason: Reason): void {
    this.#inARow++
    if (this.#inARow === tooManyInARow) this.#complain({ status: 'stalled', reason })
  }

  /** A picture could be read. */
  seen({ dark, unchanged, view }: Look): void {
    const now = this.#clock.mono()
    this.#inARow = 0
    this.#darkSince = dark ? (this.#darkSince ?? now) : null
    this.#sameSince = unchanged ? (this.#sameSince ?? this.#seenAt ?? now) : null
    this.#seenAt = now
    this.#complain(this.#darkness(now) ?? this.#frost(now) ?? this.#look(view))
  }

  /** Counts a fault, and says whether to tell it: the first and every thousandth, or the log floods. */
  tells(): boolean {
    this.#faults++
    return this.#faults === 1 || this.#faults % tellEvery === 0
  }

  /** Before frost: the black of a covered lens may have no noise. */
  #darkness(now: number): Complaint | null {
    if (!this.#lasts('dark', this.#darkSince, darkAfterMs, now)) return null
    const message = `camera ${this.#camera.id}: Expected to see something but its pictures are dark: the light is off or something covers it`
    return { status: 'dark', reason: { code: 'CAMERA_DARK', message } }
  }

  #frost(now: number): Complaint | null {
    if (!this.#camera.isLive) return null
    if (!this.#lasts('frozen', this.#sameSince, frozenAfterMs, now)) return null
    const message = `camera ${this.#camera.id}: Expected the noise of a sensor but its picture has not changed for ${frozenAfterMs / 1000} s`
    return { status: 'frozen', reason: { code: 'CAMERA_FROZEN', message } }
  }

  #look(view: ViewFault | null): Complaint | null {
    if (view === null) return null
    const { code, words } = viewWords[view]
    return { status: view, reason: { code, message: `camera ${this.#camera.id}: ${words}` } }
  }

  /** What was complained of needs no new proof after the source was opened again. */
  #lasts(status: CameraStatus, since: number | null, patienceMs: number, now: number): boolean {
    if (since === null) return false
    return now - since >= patienceMs || this.#complaint?.status === status
  }

  #complain(complaint: Complaint | null): void {
    const before = this.#complaint
    this.#complaint = complaint
    if (before?.status === complaint?.status || this.#source !== 'live') return
    if (complaint) this.#say(complaint)
    else this.#onHealth('live', null)
  }

  #say({ status, reason }: Complaint): void {
    this.#onHealth(status, reason)
  }
}
