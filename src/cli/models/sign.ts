// grocerd models sign: a model folder and golden pictures to one signed archive.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { parseBytes, parseDuration } from '../../config/units.js'
import { GroceryError } from '../../errors.js'
import { labelRules } from '../../updates/bundle-manifest.js'
import type { GoldenPicture } from '../../updates/make-bundle.js'

interface Options {
  model: string
  key: string
  out?: string
  golden?: string
  agreement: number
  latency?: number
  memory?: number
  expires: number
  grocerd: string
  arch?: string[]
  devices?: string[]
  runtimes?: ('openvino' | 'onnxruntime')[]
  labels: (typeof labelRules)[number]
  json?: boolean
}

const usage = (what: string) => new GroceryError('USAGE', what)

const list = (text: string) => text.split(',').map(one => one.trim())

function share(text: string): number {
  const value = Number(text)
  if (value >= 0 && value <= 1) return value
  throw usage(`Expected a share from 0 to 1 for --agreement but received "${text}"`)
}

function milliseconds(text: string): number {
  const value = parseDuration(text)
  if (value !== null && value > 0) return value
  throw usage(`Expected a duration such as 200ms or 180d but received "${text}"`)
}

function size(text: string): number {
  const value = parseBytes(text)
  if (value !== null && value > 0) return value
  throw usage(`Expected a size such as 512MiB but received "${text}"`)
}

/** A folder per sku, or a CSV of path,sku rows without a header, as evaluate reads them. */
function readGolden(path: string): GoldenPicture[] {
  if (!existsSync(path)) throw usage(`Expected golden pictures at ${path} but nothing is there`)
  if (!statSync(path).isDirectory()) {
    const rows = readFileSync(path, 'utf8')
      .split(/\r?\n/)
      .filter(line => line.trim() !== '')
    return rows.map(row => {
      const [, file, sku] = /^(.+?),([^,]+)$/.exec(row.trim()) ?? []
      if (!file || !sku) throw usage(`${path}: Expected path,sku but received "${row}"`)
      return { file: resolve(dirname(path), file), sku }
    })
  }
  const folders = readdirSync(path, { withFileTypes: true }).filter(one => one.isDirectory())
  return folders.flatMap(({ name: sku }) =>
    readdirSync(join(path, sku))
      .filter(file => /\.(jpe?g|png)$/i.test(file))
      .sort()
      .map(file => ({ file: join(path, sku, file), sku })),
  )
}

async function sign(options: Options): Promise<void> {
  const { readKeyFile } = await import('./shared.js')
  const { parseSecretKey } = await import('../../updates/minisign.js')
  const { makeBundle, writeArchive } = await import('../../updates/make-bundle.js')
  const created = new Date()
  const { golden, agreement, latency = null, memory = null, grocerd, labels } = options
  const pictures = golden === undefined ? [] : readGolden(golden)
  const { manifest, files } = makeBundle({
    model: options.model,
    key: parseSecretKey(readKeyFile(options.key), options.key),
    created,
    expires: new Date(created.getTime() + options.expires),
    requires: {
      ...{ grocerd, labels, arch: options.arch ?? null },
      ...{ devices: options.devices ?? null, runtimes: options.runtimes ?? null },
    },
    golden: { pictures, agreement, latencyMs: latency, memoryBytes: memory },
  })
  const out = options.out ?? `${manifest.name}-${manifest.version}.bundle`
  writeArchive(out, files)
  const { name, version, expires } = manifest
  if (options.json) {
    console.log(
      JSON.stringify({
        bundle: out,
        name,
        version,
        expires,
        files: manifest.files.length,
        golden: pictures.length,
      }),
    )
    return
  }
  console.log(
    `${out}: ${name} ${version}, ${pictures.length} golden pictures, to be installed until ${expires}`,
  )
  if (pictures.length === 0)
    process.stderr.write('without --golden a kiosk only tests that the model loads\n')
}

export const signCommand = (): Command =>
  new Command('sign')
    .description('make a signed bundle of a model')
    .requiredOption(
      '--model <dir>',
      'a folder with model.json; its version must be higher than the last',
    )
    .requiredOption('--key <file>', 'the .key file of `grocerd models keygen` or `minisign -G -W`')
    .option('--out <file>', 'default: NAME-VERSION.bundle')
    .option('--golden <dir|csv>', 'pictures that it must know: a folder per sku, or path,sku rows')
    .option('--agreement <share>', 'of the golden pictures that must be right', share, 1)
    .option('--latency <duration>', 'that a picture may take on the kiosk, median', milliseconds)
    .option('--memory <size>', 'that a process with it alone may take', size)
    .addOption(
      new Option('--expires <duration>', 'how long from now it may be installed')
        .argParser(milliseconds)
        .default(180 * 86_400_000, '180d'),
    )
    .option('--grocerd <version>', 'the oldest grocerd that may use it', '0.1.0')
    .option('--arch <list>', 'processors such as x64,arm64; default: any', list)
    .option('--devices <list>', 'values of runtime.device; default: any', list)
    .option('--runtimes <list>', 'openvino,onnxruntime; default: any', list)
    .addOption(
      new Option(
        '--labels <rule>',
        'classes beside those of the model it replaces: same, more (all and others), any',
      )
        .choices([...labelRules])
        .default('more'),
    )
    .option('--json', 'print {bundle, name, version, expires, files, golden}')
    .action(sign)
