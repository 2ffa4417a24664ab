// Small seeded generators: what is drawn is the same in every run and on every machine. Not for secrets.

/** FNV-1a: the state to begin with, spread over 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value
}

/** @returns a function that gives whole numbers 0 to 2^32 - 1 (xorshift of Marsaglia). */
export function seededRandom(seed: string): () => number {
  // 0 is the one state that the generator never leaves.
  let state = hash(seed) || 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  // The first numbers of seeds that are alike would be alike.
  for (let i = 0; i < 8; i++) next()
  return next
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
