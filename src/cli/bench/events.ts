// The events bench: from the counter's decision through the outbox on disk to the PUBACK of the event.
import { systemClock } from '../../clock.js'
import type { ItemAction } from '../../counter/types.js'
import type { Publisher } from '../../publish/publisher.js'
import { type Figures, measureLoop } from './loop.js'
import type { TillLink } from './till-link.js'

export const eventStages = ['disk', 'publish'] as const

/** As large as a real one: four alternatives. */
function placed(index: number): ItemAction {
  const candidate = (sku: string, score: number) => ({
    sku,
    name: sku,
    plu: '4017',
    gtin: null,
    score,
  })
  return {
    action: 'placed',
    reason: null,
    camera: 'bench',
    session: null,
    capturedAt: Date.now(),
    ageMs: 0,
    item: {
      itemId: `bench-${index}`,
      sku: 'granny-smith',
      name: 'Granny-Smith',
      plu: '4017',
      gtin: null,
      quantity: { value: null, unit: 'g', source: 'assumed', exact: false },
      weight: null,
      decision: 'sure',
      auto: false,
      askReason: null,
      score: 0.98,
      alternatives: ['granny-smith', 'golden-delicious', 'lime', 'pear'].map((sku, at) =>
        candidate(sku, at === 0 ? 0.98 : 0.01 / at),
      ),
      text: null,
      box: [0, 0, 1, 1],
      disposition: 'open',
      lineId: null,
    },
  }
}

export function measureEvents(options: {
  link: TillLink
  seconds: number
  warmUpSeconds: number
  inFlight: number
}): Promise<Figures<(typeof eventStages)[number]>> {
  const { link, ...rest } = options
  const publisher: Publisher = link.publisher
  const clock = systemClock
  // The PUBACK may come before the promise of the append is looked at.
  const arrived = new Set<number>()
  const waiting = new Map<number, () => void>()
  link.onPublished = ({ seq }) => {
    const resolve = waiting.get(seq)
    if (resolve) resolve()
    else arrived.add(seq)
    waiting.delete(seq)
  }
  const step = async (index: number) => {
    const began = clock.mono()
    const [event] = await link.outbox.append([placed(index)], { items: index })
    const { seq } = event!
    const onDisk = clock.mono()
    publisher.notify()
    if (!arrived.delete(seq)) await new Promise<void>(resolve => waiting.set(seq, resolve))
    return { disk: onDisk - began, publish: clock.mono() - onDisk }
  }
  return measureLoop({ ...rest, stages: eventStages, step, clock })
}
