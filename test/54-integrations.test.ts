// What others build upon: the two example tills against the demo, the Prometheus rules and the dashboard against real /metrics.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import ts from 'typescript'

t.setTimeout(120_000)

const noProm = spawnSync('promtool', ['--version']).status === 0 ? false : 'promtool is wanted'
const noServer =
  spawnSync('prometheus', ['--version']).status === 0 ? false : 'prometheus is wanted'
const python = process.env.GROCERD_REFERENCE_PYTHON ?? 'python3'
const noPaho =
  spawnSync(python, ['-c', 'from paho.mqtt.client import CallbackAPIVersion']).status === 0
    ? false
    : 'paho-mqtt 2 is wanted (GROCERD_REFERENCE_PYTHON)'

/** Resolves when the words of a process have all that is wanted. */
function until(child: ChildProcess, wanted: RegExp[], what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let words = ''
    const timer = setTimeout(() => reject(new Error(`no ${what} in: ${words}`)), 60_000)
    const hear = (chunk: Buffer) => {
      words += chunk
      if (!wanted.every(pattern => pattern.test(words))) return
      clearTimeout(timer)
      resolve(words)
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
  })
}

async function demo(t: Test): Promise<{ port: string; http: string }> {
  const state = mkdtempSync(join(tmpdir(), 'grocerd-demo-'))
  const child = spawn(process.execPath, ['dist/main.js', 'demo'], {
    env: {
      ...process.env,
      // Another demo may be running in this checkout.
      GROCERD_OUTBOX_DIR: state,
      GROCERD_MQTT_LISTEN: '127.0.0.1:0',
      GROCERD_HTTP_LISTEN: '127.0.0.1:0',
    },
  })
  t.teardown(() => {
    child.kill('SIGKILL')
    rmSync(state, { recursive: true, force: true, maxRetries: 5 })
  })
  const words = await until(child, [/-p \d+/, /http:\/\/[^\s:]+:\d+/], 'addresses')
  return { port: /-p (\d+)/.exec(words)![1]!, http: /http:\/\/[^\s:]+:\d+/.exec(words)![0] }
}

/** A sure thing is confirmed, and the kiosk answers with an event of that. */
const sold = [/kiosk online/, /placed sure \S+/, /changed sure \S+/]

/** The command that the second line of an example names, with other words after the program's name. */
function command(file: string, words: string[]): ChildProcess {
  const line = readFileSync(file, 'utf8').split('\n')[1]!
  const [program, ...rest] = line.replace(/^(\/\/|#) /, '').split(' ')
  const script = rest.slice(0, rest.indexOf(file) + 1)
  return spawn(program === 'python3' ? python : program!, [...script, ...words], { detached: true })
}

/** Stands before a broker and knows which protocol level the first CONNECT has: 5, or 4 for MQTT 3.1.1. */
async function relay(t: Test, port: string): Promise<{ port: string; level: () => number }> {
  let level = 0
  const server = createServer(till => {
    const broker = connect(Number(port), '127.0.0.1')
    till.once('data', packet => {
      level = packet[packet.indexOf('MQTT') + 4]!
    })
    till.pipe(broker).pipe(till)
    for (const socket of [till, broker]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { port: String((server.address() as AddressInfo).port), level: () => level }
}

for (const [file, skip] of [
  ['examples/till.ts', false],
  ['examples/till.py', noPaho],
] as const) {
  for (const [version, level] of [
    ['5', 5],
    ['3.1.1', 4],
  ] as const) {
    t.test(`${file} sells from the demo over MQTT ${version}`, { skip }, async t => {
      t.ok(readFileSync(file, 'utf8').split('\n').length <= 52, `it is short`)
      const broker = await relay(t, (await demo(t)).port)
      const address = file.endsWith('.ts')
        ? [`mqtt://127.0.0.1:${broker.port}`]
        : ['127.0.0.1', broker.port]
      const till = command(file, [...address, 'grocerd/demo', version])
      t.teardown(() => process.kill(-till.pid!, 'SIGKILL'))
      t.notMatch(await until(till, sold, 'sale'), /refused|Traceback|Error/)
      t.equal(broker.level(), level, 'it speaks the protocol that it was told')
    })
  }
}

t.test('the rules are right, and what they and the dashboard name is measured', async t => {
  const { http } = await demo(t)
  const metrics = await (await fetch(`${http}/metrics`)).text()
  const rules = readFileSync('deploy/grafana/rules.yml', 'utf8')
  const dashboard = JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8'))
  const queries = JSON.stringify(dashboard) + rules
  const named = new Set([...queries.matchAll(/grocerd_[a-z_]+/g)].map(([name]) => name))
  t.ok(named.size > 10)
  for (const name of named) {
    const family = name.replace(/_(bucket|sum|count)$/, '')
    t.match(metrics, new RegExp(`^# TYPE (${name}|${family}) `, 'm'), name)
  }
  t.equal(new Set(dashboard.panels.map((one: { id: number }) => one.id)).size, 10)
  const script = join(t.testdir(), 'dashboard.ts')
  const typed = `import type { Dashboard } from '@grafana/schema'\nexport const dashboard: Dashboard = `
  writeFileSync(script, typed + JSON.stringify(dashboard))
  const { Bundler } = ts.ModuleResolutionKind
  const program = ts.createProgram([script], {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
    ...{ module: ts.ModuleKind.ESNext, moduleResolution: Bundler },
  })
  const complaints = ts.getPreEmitDiagnostics(program)
  t.same(
    complaints.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
    [],
    "the dashboard is what Grafana's own types say",
  )
  if (noProm) {
    t.comment(noProm)
    return
  }
  const checked = spawnSync('promtool', ['check', 'rules', 'deploy/grafana/rules.yml'])
  t.equal(checked.status, 0, String(checked.stdout) + checked.stderr)
  const lint = spawnSync('promtool', ['check', 'metrics'], { input: metrics })
  const ours = `${lint.stdout}${lint.stderr}`.split('\n').filter(line => /grocerd_/.test(line))
  t.same(ours, [], 'promtool has no complaint of ours')
})

t.test(
  'a real Prometheus has data for every panel and evaluates every rule',
  { skip: noServer },
  async t => {
    const { http } = await demo(t)
    const dir = t.testdir({ data: {} })
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [resolve('deploy/grafana/rules.yml')],
      scrape_configs: [
        { job_name: 'grocerd', static_configs: [{ targets: [new URL(http).host] }] },
      ],
    }
    writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config))
    const free = createServer()
    await new Promise<void>(resolve => free.listen(0, '127.0.0.1', resolve))
    const { port } = free.address() as AddressInfo
    await new Promise(resolve => free.close(resolve))
    const address = `127.0.0.1:${port}`
    const server = spawn('prometheus', [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=${address}`,
    ])
    t.teardown(() => server.kill('SIGKILL'))
    await until(server, [/Server is ready to receive web requests/], 'start of Prometheus')
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- read as Grafana reads it
    const ask = async (path: string): Promise<any> =>
      ((await (await fetch(`http://${address}/api/v1/${path}`)).json()) as { data: unknown }).data
    const { panels } = JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8'))
    for (const { title, targets } of panels) {
      const [{ expr, legendFormat }] = targets
      const query = `query?query=${encodeURIComponent(expr.replaceAll('$instance', '.*'))}`
      let series: { metric: Record<string, string> }[] = []
      for (let tries = 0; series.length === 0 && tries < 240; tries++) {
        series = (await ask(query))?.result ?? []
        // Where all is well there are no reasons.
        if (title === 'Reasons' && tries > 4) break
        if (series.length === 0) await new Promise(resolve => setTimeout(resolve, 250))
      }
      if (title !== 'Reasons') t.ok(series.length > 0, `${title} has data`)
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        for (const { metric } of series) t.ok(label! in metric, `${title}: ${label}`)
    }
    type Rule = { name: string; health: string; lastError?: string }
    const { groups } = await ask('rules')
    const rules: Rule[] = groups.flatMap((group: { rules: Rule[] }) => group.rules)
    t.ok(rules.length > 3)
    for (const { name, health, lastError } of rules)
      t.equal(health, 'ok', `${name} ${lastError ?? ''}`)
  },
)
