// Seeded random numbers for scripts that must be the same each time (mulberry32).
export interface Random {
  (): number
  /** a to b. */
  between(a: number, b: number): number
  /** A whole number, a to b, both included. */
  whole(a: number, b: number): number
  chance(share: number): boolean
  pick<T>(from: readonly T[]): T
  /** About normal, deviation 1. */
  normal(): number
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (a: number, b: number) => a + (b - a) * next()
  return Object.assign(next, {
    between,
    whole: (a: number, b: number) => Math.floor(between(a, b + 1)),
    chance: (share: number) => next() < share,
    pick: <T>(from: readonly T[]) => from[Math.floor(next() * from.length)]!,
    normal: () => next() + next() + next() + next() - 2,
  })
}
