// From a recogniser's steps to a text: the best symbol of each, repeats once, blanks left out (greedy CTC). Pure.
import { GroceryError } from '../../errors.js'
import type { TextLine } from './types.js'

/**
 * One symbol a line; the blank before the first and the space after the last are not written down.
 * @param where of the file, for the message. Throws MANIFEST_INVALID.
 */
export function alphabetOf(text: string, where: string): string[] {
  // Not trimmed: one of the symbols is a wide space.
  const symbols = text.replace(/\r?\n$/, '').split(/\r?\n/)
  const at = symbols.findIndex(symbol => [...symbol].length !== 1)
  if (at < 0) return ['', ...symbols, ' ']
  throw new GroceryError(
    'MANIFEST_INVALID',
    `${where}:${at + 1}: Expected one symbol a line but received ${JSON.stringify(symbols[at])}`,
  )
}

/** @param data steps x symbols, probabilities; symbol 0 is the blank */
export function decodeText(data: Float32Array, alphabet: readonly string[]): TextLine {
  const symbols = alphabet.length
  let text = ''
  let [sum, count, before] = [0, 0, 0]
  for (let at = 0; at < data.length; at += symbols) {
    let best = 0
    for (let symbol = 1; symbol < symbols; symbol++)
      if (data[at + symbol]! > data[at + best]!) best = symbol
    if (best !== 0 && best !== before) {
      text += alphabet[best]!
      sum += data[at + best]!
      count++
    }
    before = best
  }
  return { text, score: count > 0 ? sum / count : 0 }
}
