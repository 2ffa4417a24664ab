// The options of a camera's URI (?key=value), read as what they must be.
import { parseDuration } from '../config/units.js'
import type { SourceOptions } from './source.js'

/** @param query key=value&…; @param invalid the error for what is wrong */
export function sourceOptions(query: string, invalid: (words: string) => Error): SourceOptions {
  const values = new URLSearchParams(query)
  const refuse = (key: string, expected: string): never => {
    throw invalid(`Expected ${expected} for ${key} but received "${values.get(key)}"`)
  }
  return {
    duration(key, fallbackMs, zero) {
      const text = values.get(key)
      if (text === null) return fallbackMs
      const ms = parseDuration(text)
      if (ms === null) return refuse(key, 'a duration such as 2s')
      return ms === 0 && zero === 'refused' ? refuse(key, 'a duration above 0') : ms
    },
    flag(key, fallback) {
      const text = values.get(key)
      if (text === null) return fallback
      return text === '0' || text === '1' ? text === '1' : refuse(key, '0 or 1')
    },
    choice(key, allowed, fallback) {
      const text = values.get(key)
      if (text === null) return fallback
      return allowed.find(one => one === text) ?? refuse(key, `one of ${allowed.join(', ')}`)
    },
    number(key, { least, most }) {
      const text = values.get(key) ?? ''
      const value = Number(text)
      const isWhole = /^\d+$/.test(text) && value >= least && value <= most
      return isWhole ? value : refuse(key, `a whole number from ${least} to ${most}, lock or auto`)
    },
    size(key, fallback) {
      const text = values.get(key) ?? fallback
      return /^[1-9]\d{1,4}x[1-9]\d{1,4}$/.test(text)
        ? text
        : refuse(key, 'a size such as 1280x720')
    },
    text: key => values.get(key) || null,
  }
}
