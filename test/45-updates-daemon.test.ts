// A model update on a running kiosk: asked for over MQTT and by the command line, kept over a restart, given up when broken.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { generateKey } from '../src/updates/minisign.js'
import { installedFolder, readActivation } from '../src/updates/records.js'
import { groceryArchive, installInto } from './helpers/bundles.js'
import { type Heard, Listener, pictureFolder, startDaemon } from './helpers/daemon.js'

t.setTimeout(180_000)

const hasModel = (version: number) => (one: Heard) =>
  one.topic === 'state' &&
  one.message.readiness === 'ready' &&
  one.message.model?.version === version

t.test(
  'activated between two sales, named by every event after it, and taken back by hand',
  async t => {
    const dir = t.testdir()
    const key = generateKey()
    const stateDir = join(dir, 'state')
    writeFileSync(join(dir, 'token'), 'a-token-of-this-test\n', { mode: 0o600 })
    for (const version of [3, 4])
      installInto(stateDir, groceryArchive(dir, key, version), key, 'grocery81')
    const config = {
      models: { keys: [key.public.text] },
      cameras: [
        {
          id: 'counter',
          source: `dir:${pictureFolder(join(dir, 'pictures'), 'banana')}?hold=1h`,
          fps: 10,
        },
      ],
      mqtt: { url: 'embedded', listen: '127.0.0.1:0', commands: ['session', 'model'] },
      http: { listen: '127.0.0.1:0', tokenFile: join(dir, 'token') },
    }
    let daemon = await startDaemon(dir, config)
    t.teardown(() => daemon.process.kill('SIGKILL'))
    let till = new Listener(daemon.mqttUrl)
    t.teardown(() => till.stop())
    const again = async () => {
      daemon.process.kill('SIGTERM')
      await daemon.ended
      await till.stop()
      daemon = await startDaemon(dir, config)
      till = new Listener(daemon.mqttUrl)
    }
    const command = async (...words: string[]) => {
      const url = `http://127.0.0.1:${daemon.httpPort}`
      const child = spawn(process.execPath, [
        'dist/main.js',
        'models',
        ...words,
        '--config',
        join(dir, 'grocerd.yaml'),
        '--url',
        url,
      ])
      let text = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (text += chunk))
      await once(child, 'close')
      return text
    }
    await till.until(hasModel(2), 'the model that ships')

    await till.ask('session', { op: 'open', session: 's1' })
    const first = await till.until(one => one.topic === 'items', 'the banana')
    t.equal(first.message.model.version, 2)
    const answer = await till.ask('model', { action: 'activate', name: 'grocery81', version: 3 })
    t.match(answer, { ok: true, result: { name: 'grocery81', version: 3, status: 'waiting' } })
    t.match(await till.ask('model', { action: 'activate', name: 'grocery81' }), {
      ok: false,
      error: { code: 'UPDATE_BUSY' },
    })
    t.equal(till.heard.filter(hasModel(3)).length, 0, 'not while a session is open')
    t.equal(readActivation(stateDir), null)
    const from = till.heard.length
    await till.ask('session', { op: 'close', session: 's1' })
    await till.until(hasModel(3), 'the new model', { from })
    await till.ask('session', { op: 'open', session: 's2' })
    const second = await till.until(
      one =>
        one.topic === 'items' && one.message.action === 'placed' && one.message.session === 's2',
      'the banana, seen by the new model',
      { from },
    )
    t.equal(second.message.model.version, 3)
    t.equal(second.message.item.alternatives[0].sku, 'banana')
    await till.ask('session', { op: 'close', session: 's2' })
    t.notOk(
      till.heard.some(
        one =>
          one.topic === 'state' &&
          one.message.reasons.some((reason: { code: string }) =>
            /VISION|LOADING/.test(reason.code),
          ) &&
          one.message.model,
      ),
      'vision never went away',
    )
    t.match(readActivation(stateDir), { current: 3, previous: null })

    t.equal(await command('activate', 'grocery81'), 'grocery81 4 answers\n')
    const metrics = await (await fetch(`http://127.0.0.1:${daemon.httpPort}/metrics`)).text()
    t.match(metrics, 'grocerd_model_changes_total{result="activated"} 2\n')
    t.match(metrics, /grocerd_model_info\{model="grocery81",version="4"/)
    t.match(
      await command('activate', 'grocery81', '9'),
      /^MODEL_NOT_INSTALLED: Expected an installed version of grocery81 \(4, 3\) but received 9\n/,
    )

    await again()
    await till.until(hasModel(4), 'the same model after a restart')
    t.match(readActivation(stateDir), { current: 4, previous: 3, trial: { starts: 1 } })
    t.equal(await command('rollback', 'grocery81'), 'grocery81 3 answers\n')
    await till.until(hasModel(3), 'the model before')

    // One flipped bit of a weight: no runtime would notice.
    const weights = join(installedFolder(stateDir, 'grocery81', 3), 'grocery81.int8.bin')
    const bytes = readFileSync(weights)
    bytes[1_000_000]! ^= 1
    writeFileSync(weights, bytes)
    await again()
    const broken = await till.until(one => one.topic === 'state' && one.message.model, 'a model')
    t.equal(broken.message.model.version, 2, 'that of the configuration')
    t.match(broken.message.reasons, [
      {
        code: 'MODEL_ROLLED_BACK',
        message:
          /^grocery81 3 cannot be used \(BUNDLE_INVALID: .*\); grocery81 of the configuration answers instead$/,
      },
    ])
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
  },
)

t.test('a till may not change the model unless it is allowed to', async t => {
  const dir = t.testdir()
  const daemon = await startDaemon(dir, {})
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  await till.until(one => one.topic === 'status' && one.message === 'online', 'online')
  t.match(await till.ask('model', { action: 'activate', name: 'grocery81' }), {
    ok: false,
    error: { code: 'COMMAND_DISABLED' },
  })
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
})
