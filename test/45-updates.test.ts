// Model updates without a daemon: keys, archives, what is refused and why, installation, records, and when a model goes back.
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { defaultConfig, loadConfig } from '../src/config/load.js'
import { Beside } from '../src/recognition/beside.js'
import type { ClassifierInfo, PictureClassifier } from '../src/recognition/classifier.js'
import { Exchangeable } from '../src/recognition/exchange.js'
import { openBundle, trustOf, verifyBundle } from '../src/updates/bundle.js'
import { openCandidate } from '../src/updates/candidate.js'
import { installBundle } from '../src/updates/install.js'
import {
  generateKey,
  isSignedBy,
  parsePublicKey,
  parseSecretKey,
  parseSignature,
  publicKeyText,
  secretKeyText,
  signContent,
} from '../src/updates/minisign.js'
import { type Proof, type ProofAnswer, prove, type Surroundings } from '../src/updates/prove.js'
import {
  installedFolder,
  modelsFolder,
  readActivation,
  readRatchet,
  writeActivation,
} from '../src/updates/records.js'
import { startChain } from '../src/updates/start-chain.js'
import { listInstalled, openInstalled } from '../src/updates/store.js'
import { add, hasDropped, noRate, type Rate } from '../src/updates/sure-rate.js'
import {
  archiveOf,
  archiveWith,
  type BundleWishes,
  expires,
  type Files,
  lineOf,
  makeArchive,
  makeFiles,
  makeShop,
  resigned,
  skus,
} from './helpers/bundles.js'
import { colourModel } from './helpers/colour-models.js'
import { failure } from './helpers/failure.js'

const cli = (cwd: string, ...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve('dist/main.js'), 'models', ...words],
    { cwd },
  )
  return { status, out: stdout.toString(), err: stderr.toString() }
}

const hasMinisign = spawnSync('minisign', ['-v']).error === undefined

t.test(
  'keys and signatures are minisign’s, both ways',
  { skip: hasMinisign ? false : 'minisign is not installed (apt install minisign)' },
  t => {
    const dir = t.testdir({ content: 'a manifest' })
    const run = (...words: string[]) => spawnSync('minisign', words, { cwd: dir })
    t.equal(run('-G', '-W', '-p', 'theirs.pub', '-s', 'theirs.key').status, 0)
    const read = (name: string) => readFileSync(join(dir, name), 'utf8')
    const content = Buffer.from('a manifest')

    const theirs = parseSecretKey(read('theirs.key'), 'theirs.key')
    t.same(theirs.public, parsePublicKey(read('theirs.pub'), 'theirs.pub'))
    t.equal(run('-S', '-s', 'theirs.key', '-m', 'content', '-t', 'their comment').status, 0)
    const signature = parseSignature(read('content.minisig'))!
    t.equal(signature.trustedComment, 'their comment')
    t.ok(isSignedBy(content, signature, theirs.public), 'what minisign signed holds here')

    const ours = generateKey()
    writeFileSync(join(dir, 'ours.pub'), publicKeyText(ours.public))
    writeFileSync(join(dir, 'ours.key'), secretKeyText(ours))
    writeFileSync(join(dir, 'content.minisig'), signContent(content, ours, 'our comment'))
    const verified = run('-Vm', 'content', '-p', 'ours.pub')
    t.match(
      String(verified.stdout),
      'Signature and comment signature verified\nTrusted comment: our comment',
    )
    t.equal(run('-S', '-s', 'ours.key', '-m', 'content').status, 0, 'minisign signs with our key')
    t.ok(isSignedBy(content, parseSignature(read('content.minisig'))!, ours.public))
    t.end()
  },
)

t.test('a signature holds for one content, one comment and one key', t => {
  const [key, other] = [generateKey(), generateKey()]
  const content = Buffer.from('a manifest')
  const text = signContent(content, key, 'version 3')
  const signature = parseSignature(text)!
  t.ok(isSignedBy(content, signature, key.public))
  t.notOk(isSignedBy(Buffer.from('a Manifest'), signature, key.public))
  t.notOk(isSignedBy(content, signature, other.public))
  t.notOk(isSignedBy(content, { ...signature, keyId: other.public.id }, other.public))
  t.notOk(isSignedBy(content, parseSignature(text.replace('version 3', 'version 4'))!, key.public))
  for (const wrong of [
    '',
    'text',
    text.replace('RU', 'RW'),
    text.split('\n').slice(0, 2).join('\n'),
  ])
    t.equal(parseSignature(wrong), null)

  const secret = secretKeyText(key)
  t.same(parseSecretKey(secret, 'a.key'), key)
  const bytes = Buffer.from(secret.split('\n')[1]!, 'base64')
  bytes[70]! ^= 1
  const broken = `\n${bytes.toString('base64')}`
  t.equal(
    failure(() => parseSecretKey(broken, 'a.key')),
    'KEY_INVALID a.key: Expected a whole secret key, but its halves do not belong together',
  )
  bytes.write('Sc', 2)
  t.equal(
    failure(() => parseSecretKey(`\n${bytes.toString('base64')}`, 'a.key')),
    'KEY_INVALID a.key: Expected a secret key without a password (minisign -G -W), but this one has one',
  )
  t.equal(
    failure(() => parsePublicKey('RWQ', 'a.pub')),
    'KEY_INVALID a.pub: Expected a minisign public key such as RWQ… of 56 characters',
  )
  t.end()
})

t.test('an archive is a tar that others read, and no other tar is an archive', async t => {
  const dir = t.testdir({})
  const shop = makeShop(dir)
  const { manifest, files } = await makeFiles(dir, shop.key, 2)
  const path = join(dir, 'a.bundle')
  writeFileSync(path, archiveOf(files))
  const listed = spawnSync('tar', ['-tf', path]).stdout.toString().trim().split('\n')
  t.same(
    listed,
    files.map(one => one.path),
  )
  t.same(verifyBundle(path, shop.options.trust).manifest, manifest)
  mkdirSync(join(dir, 'out'))
  t.equal(spawnSync('tar', ['-xf', path, '-C', join(dir, 'out')]).status, 0)
  t.same(
    verifyBundle(join(dir, 'out'), shop.options.trust).manifest,
    manifest,
    'its files in a folder are a bundle too',
  )
  t.end()
})

t.test('what has no business in a bundle is refused before anything is written', async t => {
  const dir = t.testdir({})
  const shop = makeShop(dir)
  const { files } = await makeFiles(dir, shop.key, 2)
  const path = join(dir, 'a.bundle')
  const at = archiveOf(files).length - 1024
  const name = (shown: string) =>
    `${path} at byte ${at}: Expected a name of letters, digits, "_", "." and "-" inside the bundle but received ${JSON.stringify(shown)}`
  const plain = (shown: string, what: string) =>
    `${path} at byte ${at}: Expected only plain files but "${shown}" is ${what}`
  const cases: [string, Buffer, string][] = [
    ['a way out', archiveWith(files, { path: '../evil' }), name('../evil')],
    ['a way out in the middle', archiveWith(files, { path: 'a/../../evil' }), name('a/../../evil')],
    ['an absolute name', archiveWith(files, { path: '/etc/passwd' }), name('/etc/passwd')],
    ['a hidden name', archiveWith(files, { path: '.bashrc' }), name('.bashrc')],
    [
      'a symbolic link',
      archiveWith(files, { path: 'link', kind: '2', link: '/etc/passwd' }),
      plain('link', 'a symbolic link'),
    ],
    [
      'a hard link',
      archiveWith(files, { path: 'link', kind: '1', link: 'm.onnx' }),
      plain('link', 'a hard link'),
    ],
    ['a FIFO', archiveWith(files, { path: 'pipe', kind: '6' }), plain('pipe', 'a FIFO')],
    ['a device', archiveWith(files, { path: 'null', kind: '3' }), plain('null', 'a device')],
    ['a folder', archiveWith(files, { path: 'golden', kind: '5' }), plain('golden', 'a folder')],
    [
      'a pax header',
      archiveWith(files, { path: 'x', kind: 'x' }),
      plain('x', 'an extension (pax)'),
    ],
    [
      'a GNU sparse file',
      archiveWith(files, { path: 'x', kind: 'S' }),
      plain('x', 'a sparse file'),
    ],
    [
      'a bomb of 8 GB',
      archiveWith(files, { path: 'bomb', bytes: 8 * 1024 ** 3 - 1 }),
      `${path} at byte ${at}: Expected bomb within the archive but it ends before`,
    ],
    [
      'a file that nobody signed',
      archiveWith(files, { path: 'more' }),
      `${path}: Expected only what the manifest names but there is more`,
    ],
    ['a file twice', archiveWith(files, { path: 'm.onnx' }), `${path}: Expected each file once`],
    [
      'bytes after the end',
      Buffer.concat([archiveOf(files), Buffer.alloc(512)]),
      `${path} at byte ${at}: Expected the archive to end here but it has ${at + 1536} bytes`,
    ],
    [
      'no end',
      archiveOf(files).subarray(0, -1024),
      `${path} at byte ${at}: Expected two empty blocks at the end but the archive ends before`,
    ],
    [
      'no manifest',
      archiveOf(files.filter(one => one.path !== 'manifest.json')),
      `${path}: Expected a manifest.json but it has none`,
    ],
    [
      'no signature',
      archiveOf(files.slice(1)),
      `${path}: Expected a manifest.json.minisig but it has none`,
    ],
    [
      'a signature of 1 MB',
      archiveOf([{ path: 'manifest.json.minisig', bytes: Buffer.alloc(1e6) }, ...files.slice(1)]),
      `${path}: Expected manifest.json.minisig to have at most 4096 bytes but it has 1000000`,
    ],
    [
      'text',
      Buffer.from('no archive'.repeat(100)),
      `${path} at byte 0: Expected a tar header but its checksum is wrong`,
    ],
    [
      'nothing in it',
      Buffer.alloc(0),
      `${path} at byte 0: Expected two empty blocks at the end but the archive ends before`,
    ],
  ]
  for (const [what, bytes, words] of cases) {
    writeFileSync(path, bytes)
    t.equal(
      failure(() => installBundle(path, shop.options)),
      `BUNDLE_INVALID ${words}`,
      what,
    )
  }
  t.notOk(existsSync(modelsFolder(shop.stateDir)), 'no folder was even made')

  const folder = join(dir, 'folder')
  const fresh = () => {
    rmSync(folder, { recursive: true, force: true })
    for (const { path: name, bytes } of files) {
      mkdirSync(join(folder, name, '..'), { recursive: true })
      writeFileSync(join(folder, name), bytes)
    }
  }
  const wrongFolders: [string, () => void, string][] = [
    [
      'a symbolic link',
      () => (rmSync(join(folder, 'm.onnx')), symlinkSync('/etc/hostname', join(folder, 'm.onnx'))),
      `${folder}: Expected only plain files but "m.onnx" is none`,
    ],
    [
      'a folder that is a link',
      () => (
        rmSync(join(folder, 'golden'), { recursive: true }),
        symlinkSync('/tmp', join(folder, 'golden'))
      ),
      `${folder}: Expected only plain files but "golden" is none`,
    ],
    [
      'a FIFO',
      () => (rmSync(join(folder, 'm.onnx')), spawnSync('mkfifo', [join(folder, 'm.onnx')])),
      `${folder}: Expected only plain files but "m.onnx" is none`,
    ],
    [
      'one file less',
      () => rmSync(join(folder, 'm.onnx')),
      `${folder}: Expected m.onnx but it is not there`,
    ],
    [
      'one file more',
      () => writeFileSync(join(folder, 'x'), ''),
      `${folder}: Expected only what the manifest names but there is x`,
    ],
    [
      'a longer file',
      () => writeFileSync(join(folder, 'labels.csv'), 'x'.repeat(30)),
      `${folder}: Expected labels.csv to have 17 bytes but it has 30`,
    ],
  ]
  for (const [what, change, words] of wrongFolders) {
    fresh()
    change()
    t.equal(
      failure(() => installBundle(folder, shop.options)),
      `BUNDLE_INVALID ${words}`,
      what,
    )
  }
  t.notOk(existsSync(modelsFolder(shop.stateDir)), 'no folder was even made')

  fresh()
  writeFileSync(join(folder, 'labels.csv'), 'tomato\nlime\nPLUM\n')
  t.match(
    failure(() => installBundle(folder, shop.options)),
    /^BUNDLE_INVALID .*folder: Expected labels.csv with sha256 \w{64} but received \w{64}$/,
  )
  t.same(listInstalled(shop.stateDir), [])
  const fifo = join(dir, 'fifo')
  spawnSync('mkfifo', [fifo])
  t.equal(
    failure(() => installBundle(fifo, shop.options)),
    `BUNDLE_INVALID ${fifo}: Expected a plain file but it is none`,
    'and nobody waits for its writer',
  )
  t.equal(
    failure(() => installBundle(join(dir, 'none'), shop.options)),
    `BUNDLE_INVALID ${join(dir, 'none')}: Expected a bundle but nothing is there`,
  )
})

t.test('a manifest that is signed is still held to its schema', async t => {
  const dir = t.testdir({})
  const shop = makeShop(dir)
  const { files } = await makeFiles(dir, shop.key, 2)
  const path = join(dir, 'a.bundle')
  type Manifest = Record<string, unknown> & {
    files: { path: string; bytes: number }[]
    golden: { pictures: { path: string }[] }
  }
  const cases: [string, (manifest: Manifest) => void, string][] = [
    [
      '2^53',
      m => (m.version = 2 ** 53),
      'version: Too big: expected int to be <=9007199254740991; version: Too big: expected number to be <=1000000000',
    ],
    [
      'a jump to the end',
      m => (m.version = 1_000_000_001),
      'version: Too big: expected number to be <=1000000000',
    ],
    [
      'a way out',
      m => (m.files[0]!.path = '../m.onnx'),
      'files.0.path: Expected a name of letters, digits, "_", "." and "-" inside the bundle',
    ],
    [
      'itself',
      m => (m.files[0]!.path = 'manifest.json'),
      'files.0.path: Expected a file beside the manifest, not the manifest itself',
    ],
    ['a file twice', m => m.files.push(m.files[0]!), 'files: Expected each path once'],
    [
      'a file as a folder',
      m => m.files.push({ ...m.files[0]!, path: 'm.onnx/x' }),
      'files: Expected m.onnx/x in a folder but a file has its name',
    ],
    [
      '3 GB',
      m => m.files.push({ ...m.files[0]!, path: 'big', bytes: 3 * 1024 ** 3 }),
      'files.4.bytes: Too big: expected number to be <=536870912; files: Expected at most 536870912 bytes but received 3221226115',
    ],
    [
      'another picture',
      m => (m.golden.pictures[0]!.path = 'golden/x.png'),
      'golden: Expected golden/x.png among the files',
    ],
    ['an unknown key', m => (m.script = 'rm'), 'Unrecognized key: "script"'],
    ['a later format', m => (m.format = 2), 'format: Invalid input: expected 1'],
  ]
  for (const [what, change, words] of cases) {
    const wrong = resigned(files as Files, shop.key, manifest => change(manifest as Manifest))
    writeFileSync(path, archiveOf(wrong))
    t.equal(
      failure(() => openBundle(path, shop.options.trust)),
      `BUNDLE_INVALID ${path}: manifest.json: ${words}`,
      what,
    )
  }
})

t.test('only the signature of a trusted key is believed', async t => {
  const dir = t.testdir({})
  const shop = makeShop(dir)
  const [key, stranger] = [shop.key, generateKey()]
  const { files } = await makeFiles(dir, key, 2)
  const path = join(dir, 'a.bundle')
  const refused = (bytes: Files, trust = shop.options.trust) => {
    writeFileSync(path, archiveOf(bytes))
    return failure(() => installBundle(path, { ...shop.options, trust })).replace(`${path}: `, '')
  }
  const { id } = key.public
  t.equal(
    refused(resigned(files, stranger, () => {})),
    `BUNDLE_UNTRUSTED Expected a signature of a key in models.keys (${id}) but it is of ${stranger.public.id}`,
  )
  t.equal(
    refused(files, { keys: [key.public], revoked: [id] }),
    `BUNDLE_UNTRUSTED Expected another key than ${id}, which is revoked`,
  )
  t.equal(
    refused(files, { keys: [], revoked: [] }),
    `BUNDLE_UNTRUSTED Expected a signature of a key in models.keys (none) but it is of ${id}`,
  )
  const [signature, manifest, ...rest] = files as [Files[0], Files[0], ...Files]
  const changed = {
    ...manifest,
    bytes: Buffer.from(manifest.bytes.toString().replace('"version": 2', '"version": 9')),
  }
  t.equal(
    refused([signature, changed, ...rest]),
    `BUNDLE_UNTRUSTED Expected a signature of ${id} over this manifest.json but it is of another content`,
  )
  // The id of a trusted key over the signature of another one.
  const faked = signContent(
    manifest.bytes,
    { ...stranger, public: { ...stranger.public, id } },
    'x',
  )
  t.equal(
    refused([{ ...signature, bytes: Buffer.from(faked) }, manifest, ...rest]),
    `BUNDLE_UNTRUSTED Expected a signature of ${id} over this manifest.json but it is of another content`,
  )
  t.equal(
    refused([{ ...signature, bytes: Buffer.from('text') }, manifest, ...rest]),
    'BUNDLE_UNTRUSTED Expected a minisign signature in manifest.json.minisig',
  )
})

t.test(
  'versions rise, age counts where the clock is kept, hardware and labels must fit',
  async t => {
    const dir = t.testdir({})
    const shop = makeShop(dir)
    const { key, options, stateDir } = shop
    const bundle = (version: number, wishes = {}) => makeArchive(dir, key, version, wishes)
    const [two, three, four] = [await bundle(2), await bundle(3), await bundle(4)]
    const late = { now: expires.getTime() + 1, synced: true }
    const never = { now: Date.parse('1970-01-01'), synced: false }
    const { id } = key.public

    t.equal(
      failure(() => installBundle(three, { ...options, clock: late })),
      'BUNDLE_EXPIRED shop 3: Expected it before it expires at 2027-05-24T00:00:00.000Z but it is 2027-05-24T00:00:00.001Z',
    )
    t.match(
      installBundle(three, { ...options, clock: { ...late, synced: false } }),
      { version: 3, already: false },
      'a clock that nobody keeps says nothing of the age',
    )
    t.match(installBundle(three, { ...options, clock: never }), { version: 3, already: true })
    t.equal(
      failure(() => installBundle(two, { ...options, clock: never })),
      `BUNDLE_OUTDATED shop 2: Expected version 3 or newer, which key ${id} gave before`,
    )
    t.equal(
      failure(() => installBundle(two, options)),
      `BUNDLE_OUTDATED shop 2: Expected version 3 or newer, which key ${id} gave before`,
    )
    const sameVersion = await bundle(3, { weights: [1, 2, 3] })
    t.match(
      failure(() => installBundle(sameVersion, options)),
      /^BUNDLE_OUTDATED shop 3: Expected the manifest \w{64} of this version but received \w{64}$/,
    )
    rmSync(installedFolder(stateDir, 'shop', 3), { recursive: true })
    t.match(
      failure(() => installBundle(two, options)),
      /Expected version 3 or newer/,
      'also when the folder is gone',
    )
    t.match(installBundle(three, options), { already: false }, 'the same bundle may come back')
    t.equal(
      failure(() =>
        installBundle(two, {
          ...options,
          place: { ...options.place, shipped: { name: 'shop', version: 2 } },
        }),
      ),
      'BUNDLE_OUTDATED shop 2: Expected a version above 2, that of the configured model',
    )

    // The ratchet is of one key: a key that was stolen and sent the highest number of all is revoked, and another goes on.
    const second = generateKey()
    const high = await bundle(1_000_000_000)
    t.match(installBundle(high, options), { version: 1_000_000_000 })
    t.match(
      failure(() => installBundle(four, options)),
      /Expected version 1000000000 or newer/,
    )
    const trust = { keys: [key.public, second.public], revoked: [id] }
    const fromSecond = await makeArchive(dir, second, 5)
    t.match(installBundle(fromSecond, { ...options, trust }), {
      version: 5,
      keyId: second.public.id,
    })
    t.same(Object.keys(readRatchet(stateDir).keys), [id, second.public.id])

    const other = makeShop(join(dir, 'other'), key)
    const refuse = async (wishes: object, place = {}) => {
      const path = await bundle(7, wishes)
      return failure(() =>
        installBundle(path, { ...other.options, place: { ...other.options.place, ...place } }),
      )
    }
    t.equal(
      await refuse({ requires: { arch: ['arm64'] } }),
      'BUNDLE_INCOMPATIBLE shop 7: Expected the processor arm64 but here is x64',
    )
    t.equal(
      await refuse({ requires: { devices: ['CUDA', 'TensorRT'] } }),
      'BUNDLE_INCOMPATIBLE shop 7: Expected runtime.device CUDA or TensorRT but here is CPU',
    )
    t.equal(
      await refuse({ requires: { grocerd: '0.10.0' } }, { grocerd: '0.9.9' }),
      'BUNDLE_INCOMPATIBLE shop 7: Expected grocerd 0.10.0 or newer but here is 0.9.9',
    )
    t.equal(
      await refuse({ skus: ['tomato', 'lime', 'pear'] }),
      'BUNDLE_INCOMPATIBLE shop 7: Expected the classes of the model that answers now, or more but 1 are missing (plum)',
    )
    t.equal(
      await refuse({ skus: ['tomato', 'lime', 'pear'], requires: { labels: 'same' } }),
      'BUNDLE_INCOMPATIBLE shop 7: Expected the classes of the model that answers now but 1 are missing (plum) and 1 are new (pear)',
    )
    t.same(listInstalled(other.stateDir), [], 'none of them is there')
    t.equal(
      await refuse({ skus: ['tomato', 'lime', 'pear'], requires: { labels: 'any' } }),
      '',
      'the till knows of it',
    )
    const candidate = {
      stateDir: other.stateDir,
      name: 'shop',
      version: undefined,
      trust: other.options.trust,
      place: other.options.place,
      clock: late,
    }
    t.match(
      failure(() => openCandidate(candidate)),
      /^BUNDLE_EXPIRED/,
      'age counts again when it is activated',
    )
  },
)

t.test('the model inside must be the one that was announced, and whole in itself', async t => {
  const dir = t.testdir({})
  const shop = makeShop(dir)
  const { files } = await makeFiles(dir, shop.key, 2)
  const path = join(dir, 'a.bundle')
  const replaced = (name: string, change: (text: string) => string) => {
    const next = files.map(one =>
      one.path === name ? { ...one, bytes: Buffer.from(change(one.bytes.toString())) } : one,
    )
    writeFileSync(
      path,
      archiveOf(resigned(next, shop.key, manifest => (manifest.files = next.slice(2).map(lineOf)))),
    )
    return failure(() => installBundle(path, shop.options))
  }
  t.equal(
    replaced('model.json', text => text.replace('"version":2', '"version":1')),
    `BUNDLE_INVALID ${path}: Expected model.json of shop 2 (classifier) but it is of shop 1 (classifier)`,
  )
  t.match(
    replaced('model.json', text => text.replace(/"sha256":"../, '"sha256":"00')),
    /^MODEL_HASH_MISMATCH/,
  )
  t.match(
    replaced('model.json', () => '{}'),
    /^MANIFEST_INVALID/,
  )
  t.match(
    replaced('labels.csv', () => 'a\na\n'),
    /^LABELS_INVALID/,
  )
  t.same(
    readdirSync(modelsFolder(shop.stateDir)).filter(one => !one.startsWith('.')),
    [],
  )
  t.match(installBundle(await makeArchive(dir, shop.key, 2), shop.options), { already: false })
  t.same(
    readdirSync(modelsFolder(shop.stateDir)).sort(),
    ['ratchet.json', 'shop-2'],
    'what was left half is gone',
  )
})

t.test('old versions go, but never one that answers or would be next', async t => {
  const dir = t.testdir({})
  const { key, options, stateDir } = makeShop(dir)
  for (let version = 2; version <= 3; version++)
    installBundle(await makeArchive(dir, key, version), options)
  const record = { name: 'shop', at: '', trial: null, watch: null, rolledBack: null }
  writeActivation(stateDir, { ...record, current: 3, previous: 2 })
  for (let version = 4; version <= 8; version++)
    installBundle(await makeArchive(dir, key, version), options)
  t.same(
    listInstalled(stateDir).map(one => one.version),
    [8, 7, 6, 3, 2],
  )
})

t.test('records carry a format; what is newer or torn is refused with a code', async t => {
  const dir = t.testdir({})
  const { key, options, stateDir } = makeShop(dir)
  t.equal(readActivation(stateDir), null)
  const two = await makeArchive(dir, key, 2)
  installBundle(two, options)
  const file = join(modelsFolder(stateDir), 'ratchet.json')
  writeFileSync(file, '{"format": 2}')
  t.equal(
    failure(() => installBundle(two, options)),
    `ACTIVATION_INVALID ${file}: Expected format 1 but received 2, of a newer grocerd`,
  )
  writeFileSync(file, '{"format": 1, "ke')
  t.match(
    failure(() => readRatchet(stateDir)),
    /^ACTIVATION_INVALID .*ratchet.json: Expected JSON but /,
  )
  writeFileSync(file, '{"format": 1}')
  t.match(
    failure(() => readRatchet(stateDir)),
    /^ACTIVATION_INVALID .*ratchet.json: keys: /,
  )
  rmSync(file)
  mkdirSync(file)
  t.equal(
    failure(() => installBundle(two, options)),
    `ACTIVATION_INVALID ${file}: Expected a file that this user can read but received EISDIR`,
  )
})

t.test(
  'a start uses the active version, the one before, or that of the configuration, and says why',
  async t => {
    const dir = t.testdir({})
    const { key, options, stateDir, folder } = makeShop(dir)
    const { trust } = options
    for (const version of [2, 3]) installBundle(await makeArchive(dir, key, version), options)
    const record = {
      format: 1 as const,
      name: 'shop',
      current: 3,
      previous: 2,
      at: '',
      trial: null,
      watch: null,
      rolledBack: null,
    }
    const versions = (change = {}, believed = trust) => {
      const { choices, broken } = startChain(stateDir, { ...record, ...change }, folder, believed)
      return [choices.map(one => one.version), broken]
    }
    t.same(versions(), [[3, 2, null], null])
    t.same(versions({ trial: { starts: 2 } }), [[3, 2, null], null])
    t.same(versions({ trial: { starts: 3 } }), [
      [2, null],
      'grocerd began 3 times with shop 3 and never ran for long',
    ])
    const [, why] = versions({}, { keys: [key.public], revoked: [key.public.id] })
    t.match(
      why,
      /^BUNDLE_UNTRUSTED .*|^BUNDLE_UNTRUSTED: .*revoked/,
      'a key that was revoked holds no longer',
    )
    const weights = join(installedFolder(stateDir, 'shop', 3), 'm.onnx')
    const bytes = readFileSync(weights)
    bytes[100]! ^= 1
    writeFileSync(weights, bytes)
    t.match(versions(), [[2, null], /^BUNDLE_INVALID: .*shop-3: Expected m.onnx with sha256/])
    rmSync(installedFolder(stateDir, 'shop', 2), { recursive: true })
    t.match(versions(), [[null], /^BUNDLE_INVALID/])
    cpSync(installedFolder(stateDir, 'shop', 3), installedFolder(stateDir, 'shop', 9), {
      recursive: true,
    })
    t.match(
      failure(() => openInstalled(stateDir, 'shop', 4, trust)),
      'MODEL_NOT_INSTALLED Expected an installed version of shop (9, 3) but received 4',
    )
  },
)

t.test('a drop of the sure-rate is seen, and chance is not taken for one', t => {
  const rate = (sure: number, items: number): Rate => ({ sure, items })
  t.ok(hasDropped(rate(90, 100), rate(10, 30)))
  t.notOk(hasDropped(rate(90, 100), rate(9, 29)), 'too few items of the new one')
  t.notOk(hasDropped(rate(26, 29), rate(10, 100)), 'too few of the old one')
  t.notOk(
    hasDropped(rate(9000, 10_000), rate(7600, 10_000)),
    'sure enough, but a shop feels no tenth',
  )
  t.ok(hasDropped(rate(9000, 10_000), rate(7400, 10_000)))
  // A thousand shops in which nothing changed, looked at after every item of three hundred.
  let seed = 1
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const goesBack = (was: number, is: number) => {
    let [before, after] = [noRate, noRate]
    for (let item = 0; item < 200; item++) before = add(before, random() < was)
    for (let item = 1; item <= 300; item++) {
      after = add(after, random() < is)
      if (hasDropped(before, after)) return item
    }
    return null
  }
  const alarms = Array.from({ length: 1000 }, () => goesBack(0.6, 0.6)).filter(
    one => one !== null,
  ).length
  t.ok(alarms <= 5, `${alarms} of 1000 shops went back for nothing`)
  const found = Array.from({ length: 200 }, () => goesBack(0.6, 0.3))
  t.ok(found.filter(one => one !== null).length >= 198, 'half as sure is found')
  t.ok(found.every(one => one === null || one >= 30))
  t.end()
})

const surroundings: Surroundings = {
  shop: { catalogue: null, site: null, recognition: defaultConfig().recognition },
  ...{ runtime: defaultConfig().runtime, memory: defaultConfig().memory, cacheDir: null },
}
const { signal } = new AbortController()
const words = (proof: Promise<Proof>): Promise<string> =>
  proof.then(
    ({ attempt, wrong }) => `attempt ${attempt}, ${wrong.length} wrong`,
    error => `${error.code} ${error.message}`,
  )

t.test(
  'a self-test holds a model against its golden pictures, in a process of its own',
  async t => {
    const dir = t.testdir({ 'catalogue.csv': 'sku,name,active\npear,Pear,true\n' })
    const { key, options, stateDir } = makeShop(dir)
    const start = () =>
      fork('dist/updates/prove-child.js', [], { serialization: 'advanced', execArgv: [] })
    const run = async (version: number, wishes: BundleWishes, catalogue: string | null = null) => {
      installBundle(await makeArchive(dir, key, version, wishes), options)
      const installed = openInstalled(stateDir, 'shop', version, options.trust)
      const shop = { ...surroundings.shop, catalogue }
      return words(prove(installed, { ...surroundings, shop }, signal, start))
    }
    t.equal(await run(2, {}), 'attempt 0, 0 wrong')
    t.equal(
      await run(3, { red: 'lime' }),
      'SELF_TEST_FAILED shop 3: Expected 1 of the golden pictures to be right but 0 of 1 are: golden/001.png is lime and was answered tomato',
    )
    t.equal(await run(4, { red: 'lime', golden: { agreement: 0 } }), 'attempt 0, 1 wrong')
    t.match(
      await run(5, { golden: { latencyMs: 0.0001 } }),
      /^SELF_TEST_FAILED shop 5: Expected a picture to take 0.0001 ms but it takes [\d.]+$/,
    )
    t.match(
      await run(6, { golden: { memoryBytes: 1024 } }),
      /^SELF_TEST_FAILED shop 6: Expected at most 1024 bytes of memory but \d+ were used$/,
    )
    t.match(
      await run(7, {}, join(dir, 'catalogue.csv')),
      /^CATALOGUE_INVALID shop 7: .*catalogue.csv: Expected products of the model but none/,
      'a shop that sells nothing of it',
    )
  },
)

/** A self-test whose process answers as a test wants it. */
const child = (...answers: (ProofAnswer | 'dies')[]) => {
  const asked: number[] = []
  const start = () => {
    const process = Object.assign(new EventEmitter(), {
      send: ({ attempt }: { attempt: number }) => {
        asked.push(attempt)
        const answer = answers.shift()!
        if (answer === 'dies') setImmediate(() => process.emit('exit', null, 'SIGSEGV'))
        else setImmediate(() => process.emit('message', answer))
      },
      kill: () => true,
    })
    return process as unknown as ChildProcess
  }
  return { asked, start }
}

t.test(
  'whatever the process of a self-test dies of is an answer, and other ways to load are tried',
  async t => {
    const dir = t.testdir({})
    const { key, options, stateDir } = makeShop(dir)
    const wishes = { requires: { runtimes: ['openvino' as const] }, golden: { latencyMs: 20 } }
    installBundle(await makeArchive(dir, key, 2, wishes), options)
    const installed = openInstalled(stateDir, 'shop', 2, options.trust)
    const run = async (...answers: Parameters<typeof child>) => {
      const { asked, start } = child(...answers)
      return [await words(prove(installed, surroundings, signal, start)), asked]
    }
    const good = {
      ...{ ok: true as const, pictures: 1, wrong: [], latencyMs: 5 },
      ...{ hostBytes: 1, modelBytes: 1, gpuBytes: 0 },
      runtime: { name: 'openvino', version: '', device: 'CPU' },
    }
    const tight = {
      ...{ ok: false as const, code: 'MEMORY_BUDGET_EXCEEDED', message: 'too much', fallbacks: 1 },
    }
    t.same(await run(good), ['attempt 0, 0 wrong', [0]])
    t.same(await run(tight, good), ['attempt 1, 0 wrong', [0, 1]])
    t.same(await run(tight, { ...tight, fallbacks: 0 }), [
      'MEMORY_BUDGET_EXCEEDED shop 2: too much',
      [0, 1],
    ])
    t.same(await run('dies'), [
      'SELF_TEST_FAILED shop 2: Expected an answer of the self-test but it ended with SIGSEGV',
      [0],
    ])
    t.same(await run({ ...tight, code: 'ENOENT', message: 'gone' }), [
      'SELF_TEST_FAILED shop 2: gone',
      [0],
    ])
    t.same(await run({ ...good, latencyMs: 21 }), [
      'SELF_TEST_FAILED shop 2: Expected a picture to take 20 ms but it takes 21.0',
      [0],
    ])
    t.same(await run({ ...good, runtime: { ...good.runtime, name: 'onnxruntime' } }), [
      'BUNDLE_INCOMPATIBLE shop 2: Expected the runtime openvino but here is onnxruntime',
      [0],
    ])
  },
)

t.test('an exchange of the classifier leaves no picture without an answer', async t => {
  const log: string[] = []
  const held: (() => void)[] = []
  const make = (name: string) =>
    ({
      classify: () => {
        log.push(`${name} asked`)
        return new Promise(resolve => held.push(() => resolve(name as never)))
      },
      stop: async () => void log.push(`${name} stops`),
    }) as unknown as PictureClassifier
  const both = new Exchangeable(make('old'))
  const input = {} as Parameters<PictureClassifier['classify']>[0]
  const first = both.classify(input)
  const exchanged = both.exchange(make('new'))
  const second = both.classify(input)
  held[1]!()
  t.equal(await second, 'new')
  t.same(log, ['old asked', 'new asked'], 'the old one has an answer to give and is not stopped')
  held[0]!()
  t.equal(await first, 'old')
  await exchanged
  t.same(log, ['old asked', 'new asked', 'old stops'])
  await both.stop()
  t.same(log.at(-1), 'new stops')
})

t.test('of all models that are prepared only the last is kept, however late it loads', async t => {
  const log: string[] = []
  const loads = new Map<string, () => void>()
  const make = (name: string) => ({
    start: () =>
      new Promise<ClassifierInfo>(resolve => loads.set(name, () => resolve({} as ClassifierInfo))),
    classify: () => Promise.reject(new Error('nobody asks it')),
    stop: async () => void log.push(`${name} stops`),
  })
  const settle = () => new Promise<void>(resolve => setImmediate(resolve))
  const beside = new Beside()
  const begin = async (change: number, name: string) => {
    const done = beside.load(change, make(name))
    await settle()
    return { done, end: loads.get(name)! }
  }
  const late = await begin(1, 'late')
  const next = await begin(2, 'next')
  next.end()
  t.equal(await next.done, true)
  late.end()
  t.equal(await late.done, false)
  t.same(log, ['late stops'])
  t.equal(beside.take(1), null, 'nor is the one of another change taken for it')
  const again = await begin(3, 'again')
  t.same(log, ['late stops', 'next stops'], 'nobody took it')
  again.end()
  t.equal(await again.done, true)
  const given = await begin(4, 'given up')
  await beside.drop()
  given.end()
  t.equal(await given.done, false)
  t.same(log.slice(2), ['again stops', 'given up stops'])
  t.equal(beside.take(4), null)
  const taken = await begin(5, 'taken')
  taken.end()
  await taken.done
  t.ok(beside.take(5))
  await beside.drop()
  t.equal(log.length, 4, 'who took it stops it')
})

t.test(
  'grocerd models: from a key to a model that answers at the next start, and back',
  async t => {
    const dir = t.testdir({ gold: { tomato: {} } })
    const folder = colourModel(dir, 'shop', { skus, weights: [20, 20, 20] })
    const next = colourModel(join(dir, 'next'), 'shop', {
      skus: [...skus.slice(0, 2), 'plum'],
      weights: [30, 30, 30],
      version: 2,
    })
    const { files } = await makeFiles(dir, generateKey(), 2)
    writeFileSync(join(dir, 'gold', 'tomato', 'a.png'), files.at(-1)!.bytes)

    const made = cli(dir, 'keygen', 'fleet', '--json')
    const { id, publicKey } = JSON.parse(made.out)
    t.match(cli(dir, 'keygen', 'fleet'), {
      status: 78,
      err: /^KEY_INVALID: fleet.key: Expected to write a new key but it is there already\n/,
    })
    writeFileSync(
      join(dir, 'c.yaml'),
      JSON.stringify({
        models: { classifier: folder, keys: [publicKey] },
        outbox: { dir: 'state' },
      }),
    )
    t.same(trustOf(loadConfig(join(dir, 'c.yaml'), {}).models).keys[0]!.id, id)
    const config = ['--config', 'c.yaml']
    const wrong = cli(dir, 'sign', '--model', next, '--key', 'fleet.key', '--golden', 'nowhere')
    t.match(wrong, {
      status: 2,
      err: /^USAGE: Expected golden pictures at nowhere but nothing is there/,
    })
    const signed = cli(
      dir,
      'sign',
      '--model',
      next,
      '--key',
      'fleet.key',
      '--golden',
      'gold',
      '--json',
    )
    t.match(JSON.parse(signed.out), {
      bundle: 'shop-2.bundle',
      name: 'shop',
      version: 2,
      files: 4,
      golden: 1,
    })
    t.match(
      cli(dir, 'verify', '--key', 'fleet.pub', 'shop-2.bundle').out,
      `shop-2.bundle: whole, shop 2, signed by ${id}`,
    )
    t.match(cli(dir, 'verify', 'shop-2.bundle'), {
      status: 2,
      err: /^USAGE: Expected either --config or --key/,
    })
    t.match(cli(dir, 'activate', ...config, 'shop'), {
      status: 1,
      err: /^MODEL_NOT_INSTALLED: Expected an installed version of shop but there is none/,
    })
    t.match(
      cli(dir, 'install', ...config, 'shop-2.bundle').out,
      `shop 2, signed by ${id}: installed at ${join(dir, 'state/models/shop-2')}`,
    )
    t.match(JSON.parse(cli(dir, 'install', ...config, 'shop-2.bundle', '--json').out), {
      already: true,
    })
    t.match(cli(dir, 'activate', ...config, 'pears'), {
      status: 1,
      err: /^MODEL_NOT_INSTALLED: Expected the model of the configuration \(shop\) but received pears/,
    })
    t.match(cli(dir, 'rollback', ...config, 'shop'), {
      status: 1,
      err: /^MODEL_NOT_ACTIVE: Expected an activated model to go back from but shop is that of the configuration/,
    })
    t.match(JSON.parse(cli(dir, 'activate', ...config, 'shop', '--json').out), {
      name: 'shop',
      version: 2,
      status: 'atStart',
    })
    const states = () =>
      JSON.parse(cli(dir, 'list', ...config, '--json').out).models.map(
        (one: { version: number; state: string }) => `${one.version} ${one.state}`,
      )
    t.same(states(), ['2 active', 'null previous'])
    t.match(
      cli(dir, 'rollback', ...config, 'shop').out,
      'shop of the configuration answers from the next start on; no daemon runs',
    )
    t.same(states(), ['2 installed', 'null active'])
  },
)
