// Durations and sizes as people write them in the configuration: 10s, 15m, 256MiB.

const durationMs: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const sizeBytes: Record<string, number> = {
  B: 1,
  kB: 1000,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

function parse(text: string, units: Record<string, number>): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim())
  const factor = match ? units[match[2]!] : undefined
  return match && factor !== undefined ? Number(match[1]) * factor : null
}

/** "10s" -> 10000; null where the text is not a duration. */
export const parseDuration = (text: string): number | null => parse(text, durationMs)

/** "256MiB" -> 268435456; null where the text is not a size. */
export const parseBytes = (text: string): number | null => {
  const bytes = parse(text, sizeBytes)
  return bytes === null ? null : Math.round(bytes)
}
