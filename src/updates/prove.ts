// Proves a model before anybody relies on it: a throw-away process loads it and answers its golden pictures.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config/schema.js'
import { type ErrorCode, errorTable, GroceryError } from '../errors.js'
import type { RuntimeState } from '../protocol.js'
import type { Golden } from './bundle-manifest.js'
import type { Installed } from './store.js'

/**
 * How long a model may take to load on a device. Another one than the CPU builds the model for itself first, which takes
 * TensorRT minutes; the build is kept.
 */
export const loadPatienceMs = (device: string | undefined): number =>
  (device ?? 'CPU') === 'CPU' ? 60_000 : 1_800_000

/** What of the configuration a model must get along with. */
export interface Surroundings {
  shop: {
    catalogue: string | null
    site: string | null
    recognition: Config['recognition']
  }
  runtime: Config['runtime']
  memory: Config['memory']
  cacheDir: string | null
}

export interface ProofRequest extends Surroundings {
  folder: string
  golden: Golden
  /** How many ways of loading the model did not fit into the memory before this one. */
  attempt: number
}

export interface Measured {
  pictures: number
  /** Pictures that were answered wrongly, in words. */
  wrong: string[]
  /** Median of a picture, decoding included. */
  latencyMs: number
  /** Private memory of the process at its peak, bytes. */
  hostBytes: number
  /** What of it came with the model. */
  modelBytes: number
  gpuBytes: number
  runtime: RuntimeState
}

export type ProofAnswer =
  ({ ok: true } & Measured) | { ok: false; code: string; message: string; fallbacks: number }

export interface Proof extends Measured {
  /** The way of loading it that fits into the memory. */
  attempt: number
}

const forkChild = (): ChildProcess =>
  fork(fileURLToPath(new URL('./prove-child.js', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: [],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  })

/** One process, one answer; whatever it dies of is an answer too. */
function ask(
  request: ProofRequest,
  signal: AbortSignal,
  start: () => ChildProcess,
): Promise<ProofAnswer> {
  return new Promise(resolve => {
    const child = start()
    const failed = (message: string): ProofAnswer => ({
      ok: false,
      code: 'SELF_TEST_FAILED',
      message,
      fallbacks: 0,
    })
    const end = (answer: ProofAnswer) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      child.kill('SIGKILL')
      resolve(answer)
    }
    const patience = loadPatienceMs(request.runtime.device)
    const abort = () => end(failed('Expected an end of the self-test but it was given up'))
    const timer = setTimeout(
      () => end(failed(`Expected an end of the self-test within ${patience} ms but it runs on`)),
      patience,
    )
    signal.addEventListener('abort', abort)
    child.once('message', answer => end(answer as ProofAnswer))
    child.once('error', error => end(failed(`the self-test cannot be started: ${error.message}`)))
    child.once('exit', (code, by) => {
      end(failed(`Expected an answer of the self-test but it ended with ${by ?? `code ${code}`}`))
    })
    child.send(request, () => {})
    if (signal.aborted) abort()
  })
}

function judge({ manifest }: Installed, found: Measured): void {
  const { golden, requires } = manifest
  const failed = (what: string) => {
    throw new GroceryError('SELF_TEST_FAILED', `${manifest.name} ${manifest.version}: ${what}`)
  }
  const { pictures, wrong, latencyMs, hostBytes, runtime } = found
  const agreement = pictures === 0 ? 1 : (pictures - wrong.length) / pictures
  if (agreement < golden.agreement) {
    failed(
      `Expected ${golden.agreement} of the golden pictures to be right but ${pictures - wrong.length} of ${pictures} are: ${wrong.slice(0, 3).join('; ')}`,
    )
  }
  if (golden.latencyMs !== null && latencyMs > golden.latencyMs)
    failed(`Expected a picture to take ${golden.latencyMs} ms but it takes ${latencyMs.toFixed(1)}`)
  if (golden.memoryBytes !== null && hostBytes > golden.memoryBytes)
    failed(`Expected at most ${golden.memoryBytes} bytes of memory but ${hostBytes} were used`)
  if (requires.runtimes && !requires.runtimes.some(one => one === runtime.name)) {
    throw new GroceryError(
      'BUNDLE_INCOMPATIBLE',
      `${manifest.name} ${manifest.version}: Expected the runtime ${requires.runtimes.join(' or ')} but here is ${runtime.name}`,
    )
  }
}

/**
 * Loads the model as vision would and holds what it does against the floor of its manifest. Where it does not fit into the
 * memory its other ways are tried, each in a process of its own.
 * @throws SELF_TEST_FAILED, BUNDLE_INCOMPATIBLE, MEMORY_BUDGET_EXCEEDED and the codes of a load
 */
export async function prove(
  installed: Installed,
  surroundings: Surroundings,
  signal: AbortSignal,
  start = forkChild,
): Promise<Proof> {
  const { golden, name, version } = installed.manifest
  for (let attempt = 0; ; attempt++) {
    const request = { ...surroundings, folder: installed.folder, golden, attempt }
    const answer = await ask(request, signal, start)
    if (answer.ok) {
      judge(installed, answer)
      return { ...answer, attempt }
    }
    const { code, message, fallbacks } = answer
    if (code === 'MEMORY_BUDGET_EXCEEDED' && fallbacks > 0) continue
    const known = (code in errorTable ? code : 'SELF_TEST_FAILED') as ErrorCode
    throw new GroceryError(known, `${name} ${version}: ${message}`)
  }
}
