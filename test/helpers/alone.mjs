// Runs in a network namespace of its own with only a loopback: what tried to leave it, from the kernel's own counters.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'

execFileSync('ip', ['link', 'set', 'lo', 'up'])

/** A counter of the kernel: of /proc/net/snmp (a line of names, a line of values) or snmp6 (a name and a value a line). */
function counter(protocol, name) {
  const lines = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter(line => line.startsWith(`${protocol}:`))
    .map(line => line.split(' '))
  return Number(lines[1][lines[0].indexOf(name)])
}
const counter6 = name =>
  Number(
    new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(readFileSync('/proc/net/snmp6', 'utf8'))?.[1] ?? 0,
  )

/** Packets that found no way out; and datagrams, for nothing of ours sends any: a name that is asked for at a local resolver. */
const attempts = () => ({
  unreachable: counter('Ip', 'OutNoRoutes') + counter6('Ip6OutNoRoutes'),
  datagrams: counter('Udp', 'OutDatagrams') + counter6('Udp6OutDatagrams'),
})

async function demo() {
  const child = spawn(process.execPath, ['dist/main.js', 'demo'], {
    env: { ...process.env, GROCERD_MQTT_LISTEN: '127.0.0.1:0', GROCERD_HTTP_LISTEN: '127.0.0.1:0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let seen = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    seen += text
    if (/\bplaced\b[\s\S]*\bremoved\b/.test(seen)) child.kill('SIGINT')
  }
  if (child.exitCode === null) await once(child, 'exit')
  return seen
}

/** What the demo must not do: to speak to an address outside, and to ask for a name. */
async function address() {
  await once(connect(443, '192.0.2.1'), 'error').catch(() => {})
  return ''
}

async function name() {
  await lookup('telemetry.example').catch(() => {})
  return ''
}

const before = attempts()
const seen = await { demo, address, name }[process.argv[2]]()
const after = attempts()
const grown = Object.fromEntries(
  Object.entries(after).map(([name, value]) => [name, value - before[name]]),
)
console.log(JSON.stringify({ attempts: grown, seen: seen.slice(0, 2000) }))
