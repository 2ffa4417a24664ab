// manifest.json of a bundle: its schema and its limits. What it says is believed only with its signature (bundle.ts).
import { z } from 'zod'
import { pathPattern } from './tar.js'

export const manifestName = 'manifest.json'
export const signatureName = 'manifest.json.minisig'
/** Bytes; both are read whole before anybody is known to have signed them. */
export const maxManifestBytes = 1024 * 1024
export const maxSignatureBytes = 4096
const maxFiles = 500
/** Of all files together; a model for a kiosk has some tens of MB, and the daemon reads all of it in one go. */
export const maxBundleBytes = 512 * 1024 ** 2
/** Versions count one by one: what jumps to the end of all numbers would end all updates. */
export const maxVersion = 1_000_000_000

const path = z
  .string()
  .regex(pathPattern, 'Expected a name of letters, digits, "_", "." and "-" inside the bundle')
  .refine(
    value => value !== manifestName && value !== signatureName,
    'Expected a file beside the manifest, not the manifest itself',
  )
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'Expected a sha256 in lower-case hex')
const at = z.iso.datetime({ offset: true })

const file = z.strictObject({ path, bytes: z.int().min(0).max(maxBundleBytes), sha256 })

/** How the classes may differ from those of the model that it takes the place of. */
export const labelRules = ['same', 'more', 'any'] as const

const requires = z.strictObject({
  /** The oldest grocerd that knows what to do with it. */
  grocerd: z.string().regex(/^\d+\.\d+\.\d+$/, 'Expected a version such as 0.2.0'),
  /** Processors, as Node names them; null: any. */
  arch: z.array(z.string()).min(1).nullable(),
  /** Values of runtime.device; null: any. */
  devices: z.array(z.string()).min(1).nullable(),
  /** Which runtimes it was tested with; null: any. */
  runtimes: z
    .array(z.enum(['openvino', 'onnxruntime']))
    .min(1)
    .nullable(),
  /** same: the same skus; more: all of them and perhaps others; any: the till knows of it. */
  labels: z.enum(labelRules),
})

const golden = z.strictObject({
  /** Pictures with what must be seen on them. */
  pictures: z.array(z.strictObject({ path, sku: z.string().min(1).max(128) })).max(300),
  /** The share of them that must be answered so. */
  agreement: z.number().min(0).max(1),
  /** Of one picture, decoding included: the median must not be above; null: any. */
  latencyMs: z.number().gt(0).nullable(),
  /** Private memory of a process that does nothing else, at its peak; null: any. */
  memoryBytes: z.int().min(1).nullable(),
})

export const bundleSchema = z
  .strictObject({
    format: z.literal(1),
    name: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/, 'Expected 1 to 64 letters, digits, "_" or "-"'),
    version: z.int().min(1).max(maxVersion),
    kind: z.literal('classifier'),
    created: at,
    /** After this nobody should install it any more: an attacker may hold back what came later. */
    expires: at,
    files: z.array(file).min(1).max(maxFiles),
    requires,
    golden,
  })
  .superRefine(({ files, golden: { pictures } }, context) => {
    const paths = files.map(one => one.path)
    const known = new Set(paths)
    if (known.size < paths.length) context.addIssue('files: Expected each path once')
    const total = files.reduce((sum, one) => sum + one.bytes, 0)
    if (total > maxBundleBytes)
      context.addIssue(`files: Expected at most ${maxBundleBytes} bytes but received ${total}`)
    for (const one of paths) {
      const above = one.split('/').slice(0, -1)
      if (above.some((_, index) => known.has(above.slice(0, index + 1).join('/'))))
        context.addIssue(`files: Expected ${one} in a folder but a file has its name`)
    }
    const missing = pictures.find(one => !known.has(one.path))
    if (missing) context.addIssue(`golden: Expected ${missing.path} among the files`)
  })

export type BundleManifest = z.infer<typeof bundleSchema>
export type Requires = BundleManifest['requires']
export type Golden = BundleManifest['golden']
