// The commands of README and docs, run by a shell as they are written; of each that is not, the page or this table says why.
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import mqtt from 'mqtt'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { commandSchemas } from '../src/publish/command-messages.js'
import { hasMosquitto, startMosquitto } from './helpers/brokers.js'
import { hasOpenssl } from './helpers/certificates.js'
import { noRuntime } from './helpers/runtimes.js'

t.setTimeout(300_000)

const root = resolve('.')
const packageTest = 'deploy/package-test/run.sh'

/** Commands that another test runs: what stands there to be run. */
const elsewhere: [command: RegExp, file: string, there: string | RegExp][] = [
  [/^npm ci && npm run package$/, packageTest, 'npm run package'],
  [/grocerd commission --config/, 'test/65-commission.test.ts', "'commission'"],
  [/^npm ci && npm start$/, '.ci/run', 'npm ci || return 1'],
  [/^npm test$/, '.ci/run', 'npm test -- '],
  [/^npx grocerd run --config/, 'test/helpers/daemon.ts', "'dist/main.js', 'run', '--config'"],
  [/^(npx tsx|python3) examples\/till\./, 'test/54-integrations.test.ts', 'examples/till.ts'],
  [
    /^(sudo )?grocerd commission --config \S+$/,
    'test/helpers/commissioning.ts',
    "'dist/main.js', 'commission'",
  ],
  [/--scale 1 picture\.jpg$/, 'test/21-recognition.test.ts', 'labels'],
  [/^apt install \.\/grocerd_\S+\.deb$/, packageTest, '/srv/grocerd.deb'],
  [/^apt install --allow-downgrades /, packageTest, '--allow-downgrades /srv/grocerd.deb'],
  [
    /^systemctl daemon-reload && systemctl restart grocerd$/,
    packageTest,
    'systemctl daemon-reload',
  ],
  [/^systemctl restart grocerd$/, packageTest, 'systemctl restart grocerd'],
  [/systemctl reload grocerd$/, packageTest, 'systemctl reload grocerd'],
  [/^systemctl status grocerd$/, packageTest, 'status_says'],
  [/^journalctl -u grocerd/, packageTest, 'journalctl -u grocerd'],
  [/^(mkdir -p|cp \S+) \/?.*grocerd\.service\.d/, packageTest, 'grocerd.service.d'],
  [/^install -m 600 \/dev\/stdin/, packageTest, 'credentials/mqtt-password'],
  [/^curl .*127\.0\.0\.1:8080\/readyz$/, packageTest, 'readyz'],
]
/** For people, and for hardware. */
const never: [RegExp, string][] = [
  [/^editor /, 'a person writes there'],
  [
    /^docker |^cd deploy\/docker$|mqtt-password$/,
    'wants an engine for containers: the page says that it was not run',
  ],
]
/** Commands that may say no: doctor finds no broker here. */
const mayFail = /grocerd doctor/

interface Page {
  path: string
  commands: string[]
}

const pages: Page[] = [
  'README.md',
  ...readdirSync('docs').map(name => join('docs', name)),
  'deploy/mosquitto/README.md',
]
  .filter(path => path.endsWith('.md'))
  .map(path => {
    const fences = [...readFileSync(path, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)]
    const lines = fences.flatMap(([, text]) => text!.replaceAll(/ *\\\n */g, ' ').split('\n'))
    // A comment behind the command, not a topic's #.
    const commands = lines.map(line => line.replace(/(^|\s+)# .*$/, '').trim()).filter(Boolean)
    return { path, commands }
  })
  .filter(({ commands }) => commands.length > 0)

const pictures = 'deploy/demo/pictures'
const known: Record<string, string> = {
  banana: '01-banana.jpg',
  lime: '05-lime.jpg',
  pineapple: '09-pineapple.jpg',
}
const added: Record<string, string> = { sandwich: '22-watermelon.jpg', sushi: '21-leek.jpg' }

/** A folder a class, with so many pictures, each a little different: of another part, turned, lighter or darker. */
async function photographs(folder: string, of: Record<string, string>, count: number) {
  for (const [sku, picture] of Object.entries(of)) {
    mkdirSync(join(folder, sku), { recursive: true })
    cpSync(join(pictures, picture), join(folder, sku, '0.jpg'))
    for (let n = 1; n < count; n++) {
      await sharp(join(pictures, picture))
        .rotate(3 * n, { background: 'grey' })
        .modulate({ brightness: 0.8 + 0.02 * n })
        .resize(240 + n)
        .jpeg()
        .toFile(join(folder, sku, `${n}.jpg`))
    }
  }
}

/** The shipped classifier under another name. */
function modelAt(folder: string, version: number): void {
  cpSync('models/grocery81', folder, { recursive: true })
  const file = join(folder, 'model.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...manifest, name: 'own', version }))
}

/** A folder with what the pages suppose to be there. */
async function folderFor(test: Test, path: string): Promise<string> {
  const folder = test.testdir({ bin: {}, etc: { grocerd: {} }, state: {}, models: {} })
  const at = (...names: string[]) => join(folder, ...names)
  const toTrain = path.endsWith('learning.md') ? 20 : 2
  symlinkSync(join(root, 'deploy'), at('deploy'))
  symlinkSync(join(root, 'models/grocery81'), at('old'))
  symlinkSync(join(root, 'models/grocery81'), at('models/grocery81'))
  modelAt(at('models/own'), 3)
  modelAt(at('models/before'), 2)
  for (const name of ['quince.jpg', 'counter.jpg', 'picture.jpg'])
    cpSync(join(pictures, '10-god-morgon-orange-juice.jpg'), at(name))
  await photographs(at('golden'), known, 1)
  await photographs(at('photos'), known, toTrain)
  await photographs(at('new-photos'), known, 2)
  await photographs(at('new-things'), added, toTrain)
  const [, ...labels] = readFileSync('models/grocery81/labels.csv', 'utf8').trim().split('\n')
  const prices = labels.map(line => `${line.split(',')[1]},1.99`)
  writeFileSync(at('prices.csv'), ['sku,price EUR', ...prices, ''].join('\n'))
  const config = `cameras: [{id: counter, source: "dir:${at('photos/lime')}"}]\noutbox: {dir: "${at('state')}"}\n`
  for (const name of ['etc/grocerd.yaml', 'etc/grocerd/grocerd.yaml', 'my.yaml'])
    writeFileSync(at(name), config)
  return folder
}

/** What a page asks of the reader between two commands. */
const then: [command: RegExp, done: (folder: string) => void][] = [
  [
    /models keygen fleet$/,
    folder => {
      const key = readFileSync(join(folder, 'fleet.pub'), 'utf8').split('\n')[1]
      const models = `models: {classifier: "${folder}/models/before", keys: [${key}]}\n`
      appendFileSync(join(folder, 'etc/grocerd.yaml'), models)
    },
  ],
]

/** Programs of the pages that are this tree's own here, or must know a port and an end. */
function programsIn(folder: string, port: number): string {
  const programs: Record<string, string> = {
    npx: `[ "$1" = grocerd ] || exit 127; shift; exec node ${root}/dist/main.js "$@"`,
    // It would change this tree.
    npm: 'exit 127',
    grocerd: `exec node ${root}/dist/main.js "$@"`,
    mosquitto_pub: `exec /usr/bin/env -i PATH=/usr/bin mosquitto_pub -h 127.0.0.1 -p ${port} "$@"`,
    mosquitto_sub: `exec /usr/bin/env -i PATH=/usr/bin mosquitto_sub -h 127.0.0.1 -p ${port} -C 1 -W 10 "$@"`,
  }
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  return join(folder, 'bin')
}

function run(
  command: string,
  folder: string,
  bin: string,
): Promise<{ code: number | null; text: string }> {
  const here = command.replaceAll(
    /(?<=\s)\/(etc|var\/lib\/grocerd)\b/g,
    (_all, name: string) => `${folder}/${name === 'etc' ? 'etc' : 'state'}`,
  )
  const child = spawn('bash', ['-c', here], {
    cwd: folder,
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: folder,
      ORT_DISABLE_TELEMETRY: '1',
      GROCERD_OUTBOX_DIR: join(folder, 'state'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (text += chunk))
  return new Promise(done => child.on('exit', code => done({ code, text })))
}

const missing = noRuntime || (!hasMosquitto && 'no mosquitto') || (!hasOpenssl && 'no openssl')

for (const { path, commands } of pages) {
  t.test(path, { skip: missing }, async t => {
    const folder = await folderFor(t, path)
    const { port, stop } = await startMosquitto(folder, ['allow_anonymous true'])
    const till = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`)
    const said: [string, string][] = []
    till.on('message', (topic, payload) => said.push([topic, payload.toString()]))
    await till.subscribeAsync('grocerd/+/cmd/#')
    await till.publishAsync('grocerd/demo/status', 'online', { retain: true })
    t.teardown(async () => {
      await till.endAsync()
      await stop()
    })
    const bin = programsIn(folder, port)
    for (const command of commands) {
      if (never.some(([which]) => which.test(command))) continue
      const other = elsewhere.find(([which]) => which.test(command))
      if (other) {
        const [, file, there] = other
        t.match(readFileSync(file, 'utf8'), there, `${file} runs ${command}`)
        continue
      }
      const { code, text } = await run(command, folder, bin)
      const isWell = code === 0 || (code === 1 && mayFail.test(command))
      t.ok(isWell, command, { code, text: text.slice(-2000) })
      then.find(([which]) => which.test(command))?.[1](folder)
    }
    const published = commands.filter(one => one.startsWith('mosquitto_pub'))
    while (said.length < published.length)
      await new Promise(resolve => till.once('message', resolve))
    for (const [topic, payload] of said) {
      const verb = basename(topic) as keyof typeof commandSchemas
      const { error } = commandSchemas[verb].safeParse(JSON.parse(payload))
      t.equal(error, undefined, `${verb} is a command as it should be`)
    }
  })
}

t.test('the pages have commands, and each exception is of one', async t => {
  const all = pages.flatMap(({ commands }) => commands)
  t.ok(all.length > 40, `${all.length} commands`)
  for (const [which] of [...elsewhere, ...never])
    t.ok(
      all.some(one => which.test(one)),
      `${which} is of a command`,
    )
})
