// Faults that a technician meets, made on purpose and looked at by doctor: the page of them is written from what it says.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { findingLine } from '../src/cli/doctor/finding.js'
import { type Machine, thisMachine } from '../src/cli/doctor/machine.js'
import { hasMosquitto, startMosquitto } from './helpers/brokers.js'
import { Authority, hasOpenssl } from './helpers/certificates.js'
import { findings, kiosk } from './helpers/doctor-machine.js'
import { noRtspServer, rtspServer } from './helpers/rtsp-server.js'
import { noRuntime } from './helpers/runtimes.js'

interface Fault {
  /** What the technician sees or has done. */
  happened: string
  /** Which of the findings tells it. */
  what: string
  /** Where a test cannot make the rest of it: only this kind of its lines. */
  only?: 'warn'
  /** The lines of the configuration beside the folder of the outbox; makes the fault. */
  make: (test: Test, root: string) => string | Promise<string>
  /** What doctor asks of the machine, for real or put in by the test. */
  machine?: Partial<Machine>
  /** The hardware is not here: the test answers for it. */
  putIn?: true
}

interface Section {
  title: string
  words: string
  faults: Fault[]
}

const pictures = 'cameras: [{id: counter, source: "dir:frames"}]\n'
const camera = (source: string) => `cameras: [{id: counter, source: "${source}"}]\n`
const { tryBroker, tryListen, tryModels } = thisMachine()
const MiB = 1024 ** 2
const usb: Partial<Machine> = {
  deviceFile: path => ({ path, driver: null, group: 'video', mayUse: true }),
  v4l2: async () => null,
}

/** A real mosquitto for the time of a test. */
async function broker(test: Test, root: string, lines: string[]): Promise<number> {
  const { port, stop } = await startMosquitto(root, lines)
  test.teardown(stop)
  return port
}

const sections: Section[] = [
  {
    title: 'It does not start',
    words: `\`systemctl status grocerd\` says \`status=78/CONFIG\` for a configuration that cannot be used (it is not tried again: mend it, then \`systemctl restart
grocerd\`) and \`status=75\` where another grocerd holds the state directory (a demo or a \`grocerd run\` in another window). \`journalctl -u grocerd -n 20\` has the reason.`,
    faults: [
      {
        happened: 'A key is misspelt, a value is of the wrong kind',
        what: 'configuration',
        make: () => `${pictures}kiosk: {id: kiosk-1, sitte: north}\ncounter: {stable: soon}\n`,
      },
      {
        happened: 'The catalogue has a row that says nothing',
        what: 'configuration',
        make: (_test, root) => {
          writeFileSync(join(root, 'shop.csv'), 'sku,plu,name\napple,4011,Apple\n,4012,Pear\n')
          return `${pictures}catalogue: shop.csv\n`
        },
      },
      {
        happened: 'Another program has the port',
        what: 'http.listen',
        machine: { tryListen },
        make: async (test, _root) => {
          const server = createServer().listen(0, '127.0.0.1')
          await new Promise(resolve => server.once('listening', resolve))
          test.teardown(() => server.close())
          const { port } = server.address() as { port: number }
          return `${pictures}http: {listen: "127.0.0.1:${port}"}\n`
        },
      },
      {
        happened: 'The disk is nearly full',
        what: 'outbox.dir',
        make: () => pictures,
        machine: {
          disk: () => ({ freeBytes: 9 * MiB, totalBytes: 7300 * MiB, isMemory: false }),
        },
        putIn: true,
      },
    ],
  },
  {
    title: 'It is not ready: no picture',
    words: `\`/readyz\` and the state say \`CAMERA_…\`; every status is in [5-operations.md](5-operations.md), every kind of camera in [12-cameras.md](12-cameras.md). A camera
is tried again for ever: plug it in and it is there.`,
    faults: [
      {
        happened: 'The folder or file is not there',
        what: 'camera counter',
        make: () => camera('dir:frames/monday'),
      },
      {
        happened: 'The USB camera is plugged out, or has another number since the restart',
        what: 'camera counter',
        make: () => camera('v4l2:/dev/video77'),
        machine: { deviceFile: () => null, v4l2: async () => null },
      },
      {
        happened: 'The service may not open it',
        what: 'camera counter',
        only: 'warn',
        make: (_test, root) => {
          writeFileSync(join(root, 'usb-cam'), '')
          return camera(`v4l2:${root}/usb-cam`)
        },
        machine: { ...usb, deviceFile: path => ({ ...usb.deviceFile!(path)!, mayUse: false }) },
        putIn: true,
      },
      {
        happened: 'The network camera wants a password',
        what: 'camera counter',
        make: async test => {
          const server = await rtspServer({ kind: 'digest', user: 'till', password: 'right' })
          test.teardown(() => server.process.kill())
          return camera(server.url)
        },
      },
      {
        happened: 'Nobody answers at its address',
        what: 'camera counter',
        make: () => camera('rtsp://127.0.0.1:1/stream'),
      },
      {
        happened: 'A program that reads it is missing',
        what: 'ffmpeg',
        make: () => camera('file:clip.mp4'),
        machine: { program: async () => null },
        putIn: true,
      },
    ],
  },
  {
    title: 'The till hears nothing',
    words: `First whether the kiosk reaches the broker, with the findings below; then, with \`grocerd watch\`, whether it has something to say. Events
that could not be sent wait on the disk, for days: nothing is lost meanwhile.`,
    faults: [
      {
        happened: 'It sees the goods and announces nothing: somebody paused the camera',
        what: 'camera counter',
        only: 'warn',
        make: (_test, root) => {
          mkdirSync(join(root, 'state'), { recursive: true })
          const since = '2026-01-31T20:15:00.000Z'
          const paused = { format: 1, cameras: { counter: since, gone: since } }
          writeFileSync(join(root, 'state', 'paused.json'), JSON.stringify(paused))
          return pictures
        },
      },
      {
        happened: 'No broker at that address',
        what: 'broker',
        machine: { tryBroker },
        make: () => `${pictures}mqtt: {url: "mqtt://127.0.0.1:1"}\n`,
      },
      {
        happened: 'The broker refuses the login',
        what: 'broker',
        machine: { tryBroker },
        make: async (test, root) => {
          spawnSync('mosquitto_passwd', ['-b', '-c', `${root}/users`, 'kiosk-1', 'right'])
          const port = await broker(test, root, [
            'allow_anonymous false',
            `password_file ${root}/users`,
          ])
          writeFileSync(join(root, 'password'), 'wrong\n', { mode: 0o600 })
          const login = 'username: kiosk-1, passwordFile: password'
          return `${pictures}mqtt: {url: "mqtt://127.0.0.1:${port}", ${login}}\n`
        },
      },
      {
        happened: "The broker's certificate is of another authority",
        what: 'broker',
        machine: { tryBroker },
        make: async (test, root) => {
          const { ca, cert, key } = new Authority(root, 'shop').issue('broker', '127.0.0.1')
          const port = await broker(test, root, [
            ...[`cafile ${ca}`, `certfile ${cert}`, `keyfile ${key}`, 'allow_anonymous true'],
          ])
          const other = new Authority(root, 'other').ca
          return `${pictures}mqtt: {url: "mqtts://127.0.0.1:${port}", tls: {ca: ${JSON.stringify(other)}}}\n`
        },
      },
      {
        happened: 'Its certificate is over, or the clock is wrong',
        what: 'broker certificate',
        make: () => `${pictures}mqtt: {url: "mqtts://broker.shop:8883", username: kiosk-1}\n`,
        machine: {
          tryBroker: async () => ({
            tls: { protocol: 'TLSv1.3', validTo: new Date('2026-01-31T00:00:00Z') },
          }),
        },
        putIn: true,
      },
      {
        happened: 'Events say `clockSynced: false`',
        what: 'clock',
        make: () => pictures,
        machine: { clockSynced: async () => false },
        putIn: true,
      },
    ],
  },
  {
    title: 'It sees pictures and answers nothing, or slowly',
    words: `\`MODEL_…\` and \`ENGINE_…\` in the state: the model is not loaded. Slow: \`grocerd_stage_seconds\` of /metrics says which stage, \`grocerd bench\` what this box can do.`,
    faults: [
      {
        happened: 'A file of the model is damaged (a copy that was cut short)',
        what: 'model',
        machine: { tryModels },
        make: (_test, root) => {
          cpSync('models/grocery81', join(root, 'own'), { recursive: true })
          const manifest = JSON.parse(readFileSync(join(root, 'own', 'model.json'), 'utf8'))
          for (const { file, bin } of manifest.weights)
            writeFileSync(join(root, 'own', bin?.file ?? file), 'cut short')
          return `${pictures}models: {classifier: ${JSON.stringify(join(root, 'own'))}}\n`
        },
      },
      {
        happened: 'The folder of the model is not there',
        what: 'model',
        machine: { tryModels },
        make: (_test, root) =>
          `${pictures}models: {classifier: ${JSON.stringify(join(root, 'own'))}}\n`,
      },
      {
        happened: 'Its budget is too small for the model',
        what: 'model',
        machine: { tryModels },
        make: () => `${pictures}memory: {hostBytes: 8MiB}\n`,
      },
      {
        happened: 'There is a GPU, and the service may not use it',
        what: 'accelerator',
        make: () => pictures,
        machine: {
          acceleratorFiles: () => [
            { path: '/dev/dri/renderD128', driver: 'i915', group: 'render', mayUse: false },
          ],
        },
        putIn: true,
      },
      {
        happened: 'An old processor',
        what: 'cpu',
        make: () => pictures,
        machine: { cpu: () => ({ model: 'Celeron J1900', cores: 4, flags: new Set() }) },
        putIn: true,
      },
      {
        happened: 'Pictures are decoded slowly',
        what: 'libturbojpeg',
        make: () => pictures,
        machine: { probeTurboJpeg: async () => ({ found: false, tried: [] }) },
        putIn: true,
      },
      {
        happened: 'Vision is ended again and again (`VISION_CRASHED`)',
        what: 'memory',
        make: () => pictures,
        machine: { memory: () => ({ totalBytes: 1024 * MiB, availableBytes: 100 * MiB }) },
        putIn: true,
      },
    ],
  },
]

const missing =
  noRuntime || noRtspServer || (!hasMosquitto && 'no mosquitto') || (!hasOpenssl && 'no openssl')

/** What doctor says of a fault, as it would on a kiosk: where its files lie, and ports that always are the same. */
async function said(test: Test, { make, machine, what, only }: Fault): Promise<string> {
  const { root, file } = await kiosk(test)
  writeFileSync(file, `outbox: {dir: state}\n${await make(test, root)}`)
  const all = (await findings(machine ?? {}, file)).filter(one => one.what === what)
  const wrong = all.filter(({ status }) => status === only || (!only && status !== 'ok'))
  test.ok(wrong.length > 0, `${what} is found`)
  return (
    wrong
      .map(findingLine)
      .join('\n')
      .replaceAll(/\n? +-> /g, '\n      -> ')
      .replaceAll(/\S*\/kiosk\.yaml/g, '/etc/grocerd/grocerd.yaml')
      .replaceAll(root, '/etc/grocerd')
      .replaceAll(relative('.', root), '/etc/grocerd')
      .replaceAll(/127\.0\.0\.1:\d{2,5}/g, '127.0.0.1:8080')
      // What differs from one machine to the next.
      .replaceAll(/[\d.]+ MiB are used/g, '… MiB are used')
      .replaceAll(/\b([0-9a-f]{6})[0-9a-f]{58}\b/g, '$1…')
      .replaceAll(/\/dev holds .*/g, '/dev holds no video device')
  )
}

const path = 'docs/18-troubleshooting.md'
// What is above the first section is written by hand.
const byHand = readFileSync(path, 'utf8').split(`\n## ${sections[0]!.title}\n`)[0]!.trimEnd()
// The configuration knows no such variable.
const { GROCERD_WRITE_DOCS: write } = process.env
delete process.env.GROCERD_WRITE_DOCS

t.test(
  'every fault of the page is found by doctor, in the words of the page',
  { skip: missing },
  async t => {
    const page = [byHand]
    for (const { title, words, faults } of sections) {
      page.push(`## ${title}`, words)
      for (const fault of faults) {
        await t.test(fault.happened, async t => {
          mkdirSync(t.testdir(), { recursive: true })
          page.push(
            `**${fault.happened}**${fault.putIn ? ' (put in by the test)' : ''}\n\n\`\`\`text\n${await said(t, fault)}\n\`\`\``,
          )
        })
      }
    }
    const written = `${page.join('\n\n')}\n`
    if (write) writeFileSync(path, written)
    t.equal(readFileSync(path, 'utf8'), written, 'else run this test with GROCERD_WRITE_DOCS=1')
  },
)
