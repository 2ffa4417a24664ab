// `npm run torture`: every fault its full number of times, then the table; with --table only the table of the last run.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const folder = 'bench/torture'
const groups = process.argv.slice(2).filter(word => !word.startsWith('--'))

const files = readdirSync('test').filter(
  name =>
    /^8\d-torture-.*\.test\.ts$/.test(name) &&
    (groups.length === 0 || groups.some(group => name.includes(group))),
)
if (!process.argv.includes('--table')) {
  const run = spawnSync(
    'npx',
    ['tap', '--timeout=0', '--jobs=1', '--reporter=tap', ...files.map(name => `test/${name}`)],
    { stdio: 'inherit', env: { ...process.env, GROCERD_TORTURE: 'full' } },
  )
  process.exitCode = run.status ?? 1
}

const ms = value => (value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`)
const recovery = found =>
  !found || found.max === null ? '–' : `${ms(found.p50)}, at most ${ms(found.max)}`
const lines = []
for (const name of readdirSync(folder)
  .filter(name => name.endsWith('.json'))
  .sort()) {
  const { group, date, machine, rows } = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
  lines.push(
    `### ${group}`,
    '',
    `${date}, ${machine}.`,
    '',
    '| fault | times | lost | duplicated | time to recover (median, most) | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      row =>
        `| ${row.fault} | ${row.times} | ${row.lost} | ${row.duplicated} | ${recovery(row.recoverMs)} | ${[row.note, ...row.wrong].filter(Boolean).join('; ')} |`,
    ),
    '',
  )
}
const text = lines.join('\n').trimEnd()
console.log(text)
const page = 'bench/torture.md'
const before = readFileSync(page, 'utf8')
writeFileSync(page, before.replace(/(<!-- table -->\n)[\s\S]*(<!-- \/table -->)/, `$1${text}\n$2`))
