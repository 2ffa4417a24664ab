// Whether a scene looks as it did: a hand that passed leaves an untouched thing as it was. Pure.
import type { Look } from './state.js'

/** A cell differs when it moved by more than this against the mean; exposure and noise stay below. */
const cellChange = 16
/** More than this share of differing cells is another look. */
const mostChanged = 0.08

const mean = (look: Uint8Array) => look.reduce((sum, value) => sum + value, 0) / look.length

/** false where one of them is not known: then only the model can tell. */
export function looksAlike(a: Look, b: Look): boolean {
  if (!a || !b || a.length !== b.length) return false
  const shift = mean(a) - mean(b)
  let changed = 0
  for (let index = 0; index < a.length; index++) {
    if (Math.abs(a[index]! - b[index]! - shift) > cellChange) changed++
  }
  return changed <= mostChanged * a.length
}
