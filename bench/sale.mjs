// `npm run sale`: the figures of scripted shops, a thousand shoppers on a tray and as many on a scale; --write puts them into bench/sale.md.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const percent = share => `${(100 * share).toFixed(1)} %`
const seconds = ms => `${(ms / 1000).toFixed(1)} s`

const run = spawnSync(
  'npx',
  ['tap', '--reporter=tap', '--timeout=0', 'test/39-situations.test.ts'],
  {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, GROCERD_SHOPS: process.env.GROCERD_SHOPS ?? '100' },
  },
)
const all = run.stdout
  .split('\n')
  .filter(line => /^ *# \{"mode"/.test(line))
  .map(line => JSON.parse(line.slice(line.indexOf('{'))))
if (all.length !== 2) throw new Error(`the shops gave no figures:\n${run.stdout.slice(-2000)}`)

const row = (what, aim, of) => `| ${what} | ${aim} | ${all.map(of).join(' | ')} |`
const lines = [
  `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}`,
  '',
  `| | aim | ${all.map(one => one.mode).join(' | ')} |`,
  `| --- | --- | ${all.map(() => '---').join(' | ')} |`,
  row('sessions', '', one => one.sessions),
  row('loose things, scanned packs', '', one => `${one.loose}, ${one.packs}`),
  row('touches a loose thing', '1.1', one => one.touchesPerLoose.toFixed(2)),
  row("the same without the `alternatives` of `unknown` above the till's menu", '', one =>
    one.touchesIfHidden.toFixed(2),
  ),
  row(
    'from stable weight to the list, median and p95',
    '1.0 s',
    one => `${seconds(one.toListP50Ms)}, ${seconds(one.toListP95Ms)}`,
  ),
  row(
    'loose things that never came into the list',
    '',
    one => `${one.unlisted} (${percent(one.unlisted / one.loose)})`,
  ),
  row('announced twice before they were sold', '0', one => one.announcedTwice),
  row('announced after they were scanned or sold', '0', one => one.announcedAfterSold),
  row('told of again under another id, as sold', '', one => one.toldAgainAsSold),
  row('ghosts in 1,000 sessions', '1', one => one.ghostsPerThousand.toFixed(1)),
  row('sessions that needed an attendant because of us', '1 %', one => percent(one.attendedForUs)),
  row('because of what the shopper did', '', one => percent(one.attendedForThem)),
]
console.log(lines.join('\n'))
if (process.argv.includes('--write')) {
  const page = join(root, 'bench', 'sale.md')
  const [before, after] = readFileSync(page, 'utf8').split(/<!-- table -->[\s\S]*<!-- \/table -->/)
  writeFileSync(page, `${before}<!-- table -->\n${lines.join('\n')}\n<!-- /table -->${after}`)
}
process.exitCode = run.status ?? 1
