// What may happen to a counter before a fixed camera, and what is to be said of it: the rows of a table of right and wrong alarms.
import {
  compareViews,
  fewestTelling,
  judgeView,
  type ViewVerdict,
} from '../../src/recognition/view/compare.js'
import {
  blurred,
  covered,
  place,
  pushed,
  type Random,
  reach,
  sceneOf,
  seeded,
  seen,
  shade,
} from './counter-views.js'

export interface Row {
  name: string
  right: ViewVerdict[]
  make(
    n: number,
    contrast: number,
    random: Random,
  ): Promise<{ before?: Buffer; after: Buffer; light?: number }>
}
/** @param photographs each is a counter, and goods on another one */
export function viewRows(photographs: string[]): Row[] {
  const other = (n: number) => photographs[(n * 7 + 3) % photographs.length]!
  const scene = (n: number, contrast: number) => sceneOf(photographs[n]!, contrast)
  const goods = (share: number) => async (n: number, contrast: number, random: Random) => ({
    after: await place(await scene(n, contrast), other(n), share, random),
  })
  const well = [null]
  return [
    { name: 'nothing', right: well, make: async (n, c) => ({ after: await scene(n, c) }) },
    {
      name: 'light x 0.6',
      right: well,
      make: async (n, c) => ({ after: await scene(n, c), light: 0.6 }),
    },
    {
      name: 'light x 1.3',
      right: well,
      make: async (n, c) => ({ after: await scene(n, c), light: 1.3 }),
    },
    {
      name: 'a shadow',
      right: well,
      make: async (n, c, r) => ({ after: await shade(await scene(n, c), r) }),
    },
    ...[0.2, 0.5, 0.7].map(share => ({
      name: `goods on ${share * 100} %`,
      right: well,
      make: goods(share),
    })),
    {
      name: 'an arm',
      right: well,
      make: async (n, c, r) => ({ after: await reach(await scene(n, c), 0.2 + r() * 0.2, r) }),
    },
    {
      name: 'goods and an arm',
      right: well,
      make: async (n, c, r) => ({
        after: await reach(await place(await scene(n, c), other(n), 0.3, r), 0.3, r),
      }),
    },
    ...[4, 8, 12].map(sigma => ({
      name: `blur ${sigma}/1000`,
      right: ['blurred' as const],
      make: async (n: number, c: number) => ({ after: await blurred(await scene(n, c), sigma) }),
    })),
    {
      name: 'blur 8/1000, goods on 30 %',
      right: ['blurred'],
      make: async (n, c, r) => ({
        after: await blurred(await place(await scene(n, c), other(n), 0.3, r), 8),
      }),
    },
    {
      name: 'covered',
      right: ['covered'],
      make: async (_, __, r) => ({ after: await covered(r) }),
    },
    ...[0.05, 0.1, 0.2].map(x => ({
      name: `moved by ${x * 100} %`,
      right: ['moved' as const],
      make: (n: number, c: number) => pushed(photographs[n]!, c, { x, y: x / 2 }),
    })),
    {
      name: 'turned by 15 degrees',
      right: ['moved', 'unknown'],
      make: (n, c) => pushed(photographs[n]!, c, { degrees: 15 }),
    },
    {
      name: 'another view',
      right: ['moved', 'unknown', 'covered'],
      make: async (n, c) => ({ after: await sceneOf(other(n), c) }),
    },
  ]
}

/** How often each verdict was given on so many counters; those with too little to see are `too plain`. */
export async function verdicts(
  { make }: Row,
  photographs: string[],
  contrast: number,
): Promise<Record<string, number>> {
  const said: Record<string, number> = {}
  const random = seeded(7)
  for (let n = 0; n < photographs.length; n++) {
    const { before, after, light = 1 } = await make(n, contrast, random)
    const reference = await seen(before ?? (await sceneOf(photographs[n]!, contrast)), random)
    const figures = compareViews(reference, await seen(after, random, light))
    const verdict = figures.telling < fewestTelling ? 'too plain' : String(judgeView(figures))
    said[verdict] = (said[verdict] ?? 0) + 1
  }
  return said
}
