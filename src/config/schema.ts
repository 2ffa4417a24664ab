// The configuration: every key, its type and its default, in the order of deploy/grocerd.yaml. Nothing is read here.
import { z } from 'zod'
import { logLevels } from '../log.js'
import { parseBytes, parseDuration } from './units.js'

const idPattern = /^[A-Za-z0-9_-]{1,64}$/
const id = z.string().regex(idPattern, 'Expected 1 to 64 letters, digits, "_" or "-"')

/** A duration such as "10s", read as milliseconds. */
const duration = (fallback: string) =>
  z
    .union([z.string(), z.number()], 'Expected a duration such as 500ms, 10s, 15m or 24h')
    .default(fallback)
    .transform((value, context) => {
      const ms = typeof value === 'string' ? parseDuration(value) : null
      if (ms !== null) return ms
      context.addIssue(`Expected a duration such as 500ms, 10s, 15m or 24h but received ${value}`)
      return z.NEVER
    })

/** A size such as "256MiB", read as bytes. */
const bytes = z
  .union([z.string(), z.number()], 'Expected a size such as 64MiB or 2GiB')
  .transform((value, context) => {
    const size = typeof value === 'number' ? value : parseBytes(value)
    if (size !== null && Number.isInteger(size) && size > 0) return size
    context.addIssue(`Expected a size such as 64MiB or 2GiB but received ${value}`)
    return z.NEVER
  })

/** "host:port"; IPv6 in brackets. */
const listen = (fallback: string) =>
  z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:[\]\s]+):\d{1,5}$/, {
      error: 'Expected host:port such as 127.0.0.1:8080',
      abort: true,
    })
    .refine(
      value => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65535,
      'Expected a port up to 65535',
    )
    .default(fallback)

const fraction = z.number().min(0).max(1)
const path = z.string().min(1)

/** Keys that the contract names and this version does not have yet: said plainly instead of being ignored. */
const notYet = (what: string) =>
  z.null(`${what} is not in this version; leave the key out or null`).default(null)

/** Left, top, right, bottom as fractions of the upright picture. */
export const box = z
  .tuple([fraction, fraction, fraction, fraction])
  .refine(
    ([x0, y0, x1, y1]) => x0 < x1 && y0 < y1,
    'Expected [left, top, right, bottom] with left < right and top < bottom',
  )

/** Blacked out: a box, or the points of a closed line. */
const shape = z.union(
  [
    box,
    z
      .array(z.tuple([fraction, fraction]))
      .min(3)
      .max(64),
  ],
  'Expected [left, top, right, bottom] or at least three points [x, y], all from 0 to 1',
)

const camera = z.strictObject({
  id,
  source: z.string().min(1),
  roi: box.default([0, 0, 1, 1]),
  rotate: z.literal([0, 90, 180, 270]).default(0),
  fps: z.number().min(0.1).max(120).default(10),
  mode: z.enum(['single', 'tray', 'stream', 'shadow']).default('single'),
  mask: z.array(shape).max(32).nullable().default(null),
})

/** Several classifiers of the same products that answer together. */
const ensemble = z.strictObject({
  vote: z.enum(['soft', 'hard']).default('soft'),
  members: z
    .array(z.strictObject({ model: path, weight: z.number().gt(0).max(1000).default(1) }))
    .refine(list => list.length >= 2 && list.length <= 8, 'Expected 2 to 8 members'),
})

export const verbs = [
  'recognise',
  'confirm',
  'session',
  'verify',
  'resend',
  'model',
  'enrol',
  'forget',
  'snapshot',
  'pause',
  'resume',
  'catalogue',
] as const
/** What a till may do unless the configuration says otherwise: it changes no model and teaches nothing. */
const defaultVerbs = ['recognise', 'confirm', 'session', 'resend'] as const
const topic = z
  .string()
  .min(1)
  .max(200)
  .refine(value => !/[+#\0]/.test(value), 'Expected a topic without + or #')
  .refine(
    value => !value.startsWith('/') && !value.endsWith('/'),
    'Expected a topic without / at its ends',
  )

export const configSchema = z.strictObject({
  kiosk: z
    .strictObject({
      id: id.default('kiosk-1'),
      site: z.string().nullable().default(null),
      timezone: z.string().default('UTC'),
    })
    .prefault({}),
  cameras: z
    .array(camera)
    .max(16)
    .default([])
    .refine(
      list => new Set(list.map(one => one.id)).size === list.length,
      'Expected a different id for each camera',
    ),
  models: z
    .strictObject({
      classifier: path.default('grocery81'),
      detector: path.default('grocery-detector'),
      embedder: path.nullable().default(null),
      text: z
        .strictObject({
          detector: path.default('pp-ocr-detector'),
          recogniser: path.default('pp-ocr-recogniser'),
        })
        .nullable()
        .default(null),
      ensemble: ensemble.nullable().default(null),
      keys: z
        .array(
          z
            .string()
            .regex(
              /^RW[Q-T][A-Za-z0-9+/]{53}$/,
              'Expected a minisign public key such as RWQ… of 56 characters',
            ),
        )
        .max(16)
        .default([]),
      revoked: z
        .array(
          z
            .string()
            .regex(/^[0-9A-F]{16}$/, 'Expected a key id of 16 hex digits, as minisign shows it'),
        )
        .default([]),
    })
    .prefault({}),
  catalogue: path.nullable().default(null),
  catalogueHosts: z
    .array(
      z
        .string()
        .regex(
          /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/,
          'Expected a host such as backoffice.shop or 192.0.2.7:8443',
        ),
    )
    .max(16)
    .default([]),
  runtime: z
    .strictObject({
      prefer: z.enum(['auto', 'openvino', 'onnxruntime']).default('auto'),
      device: z.string().min(1).default('CPU'),
      threads: z.int().min(0).max(256).default(0),
      streams: z.int().min(1).max(64).default(1),
      cache: z.boolean().default(true),
      pinning: z.boolean().nullable().default(null),
    })
    .prefault({}),
  memory: z
    .strictObject({
      gpuFraction: z.number().gt(0).max(1).default(0.15),
      gpuBytes: bytes.nullable().default(null),
      hostBytes: bytes.nullable().default(null),
    })
    .prefault({}),
  recognition: z
    .strictObject({
      top: z.int().min(1).max(20).default(4),
      sure: fraction.nullable().default(null),
      unknown: fraction.nullable().default(null),
      margin: fraction.nullable().default(null),
      autoAdd: z.boolean().default(false),
      priors: path.nullable().default(null),
      priorWeight: fraction.default(1),
      barcodes: z.boolean().default(true),
    })
    .prefault({}),
  counter: z
    .strictObject({
      needSession: z.boolean().default(true),
      settle: duration('3s'),
      stable: duration('300ms'),
      giveUp: duration('1500ms'),
      gone: duration('400ms'),
      orphanAfter: duration('15m'),
      consensus: fraction.default(0.6),
      motion: fraction.default(0.02),
      emptyContrast: fraction.default(0.03),
      dark: fraction.default(0.03),
    })
    .prefault({}),
  gallery: notYet('gallery'),
  mqtt: z
    .strictObject({
      url: z
        .string()
        .regex(/^(embedded|(mqtts?|wss?|tcp|ssl):\/\/[^\s@]+)$/, {
          // What holds an @ is not shown: these words reach logs.
          error: ({ input }) =>
            String(input).includes('@')
              ? 'Expected mqtt.url without user and password but received one with @: use mqtt.username and mqtt.passwordFile'
              : 'Expected mqtt://host:port, mqtts://host:port or embedded',
        })
        .default('mqtt://127.0.0.1:1883'),
      listen: listen('127.0.0.1:1883'),
      version: z.literal([4, 5]).default(5),
      topic: topic.nullable().default(null),
      tls: z
        .strictObject({
          ca: path.nullable().default(null),
          cert: path.nullable().default(null),
          key: path.nullable().default(null),
        })
        .prefault({}),
      username: z.string().nullable().default(null),
      passwordFile: path.nullable().default(null),
      keepalive: duration('15s'),
      commands: z.array(z.enum(verbs)).default([...defaultVerbs]),
      homeAssistant: z.boolean().default(false),
    })
    .prefault({}),
  http: z
    .strictObject({
      listen: listen('127.0.0.1:8080'),
      tokenFile: path.nullable().default(null),
    })
    .prefault({}),
  outbox: z
    .strictObject({
      dir: path.default('/var/lib/grocerd'),
      maxBytes: bytes.prefault('256MiB'),
      maxAge: duration('7d'),
      minFree: z.number().min(0).max(0.9).default(0.05),
      dailyWrites: bytes.nullable().prefault('1GiB'),
      confirm: z.enum(['broker', 'pos']).default('broker'),
      ackTimeout: duration('10s'),
      resendFor: duration('15m'),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default('info') }).prefault({}),
})

/** The configuration after validation: durations in ms, sizes in bytes, every default filled in. */
export type Config = z.infer<typeof configSchema>
export type CameraConfig = Config['cameras'][number]

export type EnsembleConfig = z.infer<typeof ensemble>

/** What an ensemble is called, from the names of its members. */
export const ensembleName = (members: readonly string[]): string => `ensemble(${members.join('+')})`

/** The model as the configuration names it, for messages before it is loaded. */
export const modelName = ({ classifier, ensemble }: Config['models']): string =>
  ensemble ? ensembleName(ensemble.members.map(one => one.model)) : classifier

/** The prefix of every topic: mqtt.topic, else grocerd/<kiosk id>. */
export const topicPrefix = (config: Pick<Config, 'kiosk' | 'mqtt'>): string =>
  config.mqtt.topic ?? `grocerd/${config.kiosk.id}`
