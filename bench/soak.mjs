// `npm run soak`: test/89-soak.test.ts for an hour, or as many minutes as are given; its figures go to bench/soak.json.
import { spawnSync } from 'node:child_process'

const minutes = process.argv[2] ?? '60'
const run = spawnSync('npx', ['tap', '--timeout=0', '--reporter=tap', 'test/89-soak.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, GROCERD_SOAK: minutes },
})
process.exitCode = run.status ?? 1
