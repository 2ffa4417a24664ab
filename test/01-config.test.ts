// The configuration: defaults, overrides, and every wrong line told with its place.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { defaultConfig, loadConfig, parseConfig } from '../src/config/load.js'
import { modelName, topicPrefix } from '../src/config/schema.js'
import { readSecret } from '../src/config/secret.js'
import { parseBytes, parseDuration } from '../src/config/units.js'
import { GroceryError } from '../src/errors.js'

const problemsOf = (text: string, env: Record<string, string> = {}): string[] => {
  try {
    parseConfig(text, 'k.yaml', env)
    return []
  } catch (error) {
    if (!(error instanceof GroceryError) || error.code !== 'CONFIG_INVALID') throw error
    return error.details as string[]
  }
}

t.test('the sample configuration is the defaults', async t => {
  const sample = parseConfig(readFileSync('deploy/grocerd.yaml', 'utf8'), 'deploy/grocerd.yaml')
  t.same(sample, parseConfig('{}', 'defaults'))
})

t.test('the demo configuration is right', async t => {
  const config = loadConfig('deploy/demo/grocerd.yaml', {})
  t.equal(config.outbox.dir, resolve('state/demo'), 'paths are relative to the file')
  t.equal(config.cameras[0]?.source, `dir:${resolve('deploy/demo/tray')}?loop=1`)
  t.equal(topicPrefix(config), 'grocerd/demo')
})

t.test('durations and sizes are read with their units', async t => {
  t.same(
    ['500ms', '10s', '15m', '24h', '7d', '1.5s'].map(parseDuration),
    [500, 1e4, 9e5, 864e5, 6048e5, 1500],
  )
  t.same(['10', 's', '-1s', '1 week', ''].map(parseDuration), [null, null, null, null, null])
  t.same(['64MiB', '1kB', '2GiB', '12B'].map(parseBytes), [67108864, 1000, 2147483648, 12])
  t.equal(parseBytes('12 bytes'), null)
})

t.test('each wrong line is told with its place and what was expected', async t => {
  const cases: [string, string, string[]][] = [
    [
      'an unknown key',
      'kiosk:\n  idd: a',
      ['k.yaml:2:3 kiosk: Unknown key "idd"; did you mean "id"?'],
    ],
    ['an unknown section', 'mqt: {}', ['k.yaml:1:1 Unknown key "mqt"; did you mean "mqtt"?']],
    [
      'a wrong type',
      'recognition:\n  top: x',
      ['k.yaml:2:8 recognition.top: Expected number but received "x"'],
    ],
    [
      'a threshold of 1.7',
      'recognition: {sure: 1.7}',
      ['k.yaml:1:21 recognition.sure: Expected at most 1 but received 1.7'],
    ],
    [
      'a negative threshold',
      'recognition: {sure: -0.1}',
      ['k.yaml:1:21 recognition.sure: Expected at least 0 but received -0.1'],
    ],
    [
      'a threshold that is no number',
      'recognition: {sure: .nan}',
      ['k.yaml:1:21 recognition.sure: Expected number but received NaN'],
    ],
    [
      'a topic with #',
      'mqtt: {topic: a/#}',
      ['k.yaml:1:15 mqtt.topic: Expected a topic without + or # but received "a/#"'],
    ],
    [
      'a topic with +',
      'mqtt: {topic: a/+/b}',
      ['k.yaml:1:15 mqtt.topic: Expected a topic without + or # but received "a/+/b"'],
    ],
    [
      'a camera id with a blank',
      'cameras:\n  - {id: a b, source: "dir:x"}',
      ['k.yaml:2:10 cameras.0.id: Expected 1 to 64 letters, digits, "_" or "-" but received "a b"'],
    ],
    [
      'a camera without source',
      'cameras:\n  - id: a',
      ['k.yaml:2:5 cameras.0.source: Expected string but received nothing'],
    ],
    [
      'a mode that is not there',
      'cameras: [{id: a, source: "dir:x", mode: trya}]',
      [
        'k.yaml:1:42 cameras.0.mode: Expected one of single, tray, stream, shadow but received "trya"',
      ],
    ],
    [
      'two cameras of one id',
      'cameras: [{id: a, source: "dir:x"}, {id: a, source: "dir:y"}]',
      [
        'k.yaml:1:10 cameras: Expected a different id for each camera but received [{"id":"a","source":"dir:x"},{"id":"a","source":"dir:y"}]',
      ],
    ],
    [
      'a region inside out',
      'cameras: [{id: a, source: "dir:x", roi: [0.5, 0, 0.4, 1]}]',
      [
        'k.yaml:1:41 cameras.0.roi: Expected [left, top, right, bottom] with left < right and top < bottom but received [0.5,0,0.4,1]',
      ],
    ],
    [
      'a duration without unit',
      'outbox: {maxAge: 5}',
      [
        'k.yaml:1:18 outbox.maxAge: Expected a duration such as 500ms, 10s, 15m or 24h but received 5',
      ],
    ],
    [
      'a size in words',
      'outbox: {maxBytes: lots}',
      ['k.yaml:1:20 outbox.maxBytes: Expected a size such as 64MiB or 2GiB but received lots'],
    ],
    [
      'a listen address without port',
      'http: {listen: foo}',
      ['k.yaml:1:16 http.listen: Expected host:port such as 127.0.0.1:8080 but received "foo"'],
    ],
    [
      'a port too high',
      'http: {listen: "127.0.0.1:99999"}',
      ['k.yaml:1:16 http.listen: Expected a port up to 65535 but received "127.0.0.1:99999"'],
    ],
    [
      'a broker without scheme',
      'mqtt: {url: broker}',
      [
        'k.yaml:1:13 mqtt.url: Expected mqtt://host:port, mqtts://host:port or embedded but received "broker"',
      ],
    ],
    [
      'MQTT 3',
      'mqtt: {version: 3}',
      ['k.yaml:1:17 mqtt.version: Expected one of 4, 5 but received 3'],
    ],
    [
      'a GPU share of nothing',
      'memory: {gpuFraction: 0}',
      ['k.yaml:1:23 memory.gpuFraction: Expected more than 0 but received 0'],
    ],
    [
      'a key of a later version',
      'gallery: x',
      [
        'k.yaml:1:10 gallery: gallery is not in this version; leave the key out or null (received "x")',
      ],
    ],
    [
      'an ensemble of one',
      'models:\n  ensemble: {members: [{model: a}]}',
      ['k.yaml:2:23 models.ensemble.members: Expected 2 to 8 members but received [{"model":"a"}]'],
    ],
    [
      'a member without a model, and one of no weight',
      'models:\n  ensemble:\n    vote: loud\n    members:\n      - modle: a\n      - {model: b, weight: 0}',
      [
        'k.yaml:3:11 models.ensemble.vote: Expected one of soft, hard but received "loud"',
        'k.yaml:5:9 models.ensemble.members.0.model: Expected string but received nothing',
        'k.yaml:5:9 models.ensemble.members.0: Unknown key "modle"; did you mean "model"?',
        'k.yaml:6:28 models.ensemble.members.1.weight: Expected more than 0 but received 0',
      ],
    ],
    [
      'a prior that weighs more than it says',
      'recognition: {priors: p.csv, priorWeight: 2}',
      ['k.yaml:1:43 recognition.priorWeight: Expected at most 1 but received 2'],
    ],
    ['a prototype', '__proto__: {a: 1}', ['k.yaml:1:1 Unknown key "__proto__"']],
    [
      'a list instead of a map',
      '- a',
      ['k.yaml:1:1 Expected a map of keys such as kiosk: and cameras: but received ["a"]'],
    ],
    [
      'an empty file',
      '',
      ['k.yaml:1:1 Expected a map of keys such as kiosk: and cameras: but received nothing'],
    ],
    [
      'broken YAML',
      'kiosk: {id: a',
      ['k.yaml:1:14 Flow map in block collection must be sufficiently indented and end with a }'],
    ],
    ['a key that stands twice', 'kiosk: {}\nkiosk: {}', ['k.yaml:2:1 Map keys must be unique']],
  ]
  for (const [name, text, expected] of cases) t.same(problemsOf(text), expected, name)
})

t.test('all errors are told at once', async t => {
  const problems = problemsOf('kiosk: {id: "a b"}\nrecognition: {sure: 2}\nhttpp: {}')
  t.equal(problems.length, 3)
  t.throws(() => parseConfig('a: 1\nb: 2', 'k.yaml'), {
    code: 'CONFIG_INVALID',
    message: '2 errors in k.yaml\nk.yaml:1:1 Unknown key "a"\nk.yaml:2:1 Unknown key "b"',
    exitCode: 78,
  })
})

t.test(
  'errors come in the order of the file, and what later stages know comes with them',
  async t => {
    const source = (uri: string) => (uri.startsWith('dir:') ? null : `no ${uri}`)
    const text =
      'mqtt: {topic: "#"}\ncameras:\n  - {id: a, source: foo}\n  - {id: b, source: "dir:x"}\nkisok: {}'
    t.throws(() => parseConfig(text, 'k.yaml', {}, { source }), {
      message: [
        '3 errors in k.yaml',
        'k.yaml:1:15 mqtt.topic: Expected a topic without + or # but received "#"',
        'k.yaml:3:21 cameras.0.source: no foo',
        'k.yaml:5:1 Unknown key "kisok"; did you mean "kiosk"?',
      ].join('\n'),
    })
  },
)

t.test('an alias bomb is refused, not expanded', async t => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x]']
  for (const pair of ['ba', 'cb', 'dc', 'ed', 'fe']) {
    bomb.push(`${pair[0]}: &${pair[0]} [${Array(8).fill(`*${pair[1]}`).join(', ')}]`)
  }
  t.match(problemsOf(bomb.join('\n'))[0], /Excessive alias count/)
})

t.test('the environment goes before the file, and is validated as it', async t => {
  const env = {
    GROCERD_MEMORY_GPU_FRACTION: '0.2',
    GROCERD_MQTT_LISTEN: '127.0.0.1:0',
    GROCERD_KIOSK_ID: '0042',
    GROCERD_CAMERAS_0_ID: 'c',
    GROCERD_CAMERAS_0_SOURCE: 'dir:/x',
    GROCERD_MQTT_COMMANDS: '[session]',
    GROCERD_MODELS_CLASSIFIER: 'other',
    GROCERD_OPENVINO_DIR: '/not/a/key',
  }
  const config = parseConfig('memory: {gpuFraction: 0.5}', 'k.yaml', env)
  t.equal(config.memory.gpuFraction, 0.2)
  t.equal(config.mqtt.listen, '127.0.0.1:0')
  t.equal(config.kiosk.id, '0042', 'a text stays a text')
  t.match(config.cameras, [{ id: 'c', source: 'dir:/x', fps: 10 }])
  t.same(config.mqtt.commands, ['session'])
  t.equal(config.models.classifier, 'other')
  t.same(problemsOf('{}', { GROCERD_MEMORY_GPU_FRACTON: '1' }), [
    'environment GROCERD_MEMORY_GPU_FRACTON: Unknown variable; did you mean "GROCERD_MEMORY_GPU_FRACTION"?',
  ])
  t.same(problemsOf('{}', { GROCERD_MEMORY_GPU_FRACTION: '3' }), [
    'environment GROCERD_MEMORY_GPU_FRACTION memory.gpuFraction: Expected at most 1 but received 3',
  ])
  t.equal(defaultConfig().kiosk.id, 'kiosk-1')
})

t.test('an ensemble has its defaults, its variables, and paths relative to the file', async t => {
  const dir = t.testdir({
    'k.yaml':
      'models: {ensemble: {members: [{model: grocery81, weight: 2}, {model: ./own}]}}\nrecognition: {priors: p.csv}',
  })
  const config = loadConfig(`${dir}/k.yaml`, {})
  const members = [
    { model: 'grocery81', weight: 2 },
    { model: `${dir}/own`, weight: 1 },
  ]
  t.same(config.models.ensemble, { vote: 'soft', members })
  t.equal(modelName(config.models), `ensemble(grocery81+${dir}/own)`)
  t.equal(config.recognition.priors, `${dir}/p.csv`)
  const env = {
    GROCERD_MODELS_ENSEMBLE_VOTE: 'hard',
    GROCERD_MODELS_ENSEMBLE_MEMBERS_0_MODEL: 'a',
    GROCERD_MODELS_ENSEMBLE_MEMBERS_1_MODEL: 'b',
    GROCERD_MODELS_ENSEMBLE_MEMBERS_1_WEIGHT: '0.5',
    GROCERD_RECOGNITION_PRIOR_WEIGHT: '0.5',
  }
  const set = parseConfig('{}', 'k.yaml', env)
  t.same(set.models.ensemble, {
    vote: 'hard',
    members: [
      { model: 'a', weight: 1 },
      { model: 'b', weight: 0.5 },
    ],
  })
  t.equal(set.recognition.priorWeight, 0.5)
  t.equal(modelName(parseConfig('{}', 'k.yaml').models), 'grocery81')
})

t.test('a file that cannot be read is told with its path', async t => {
  const dir = t.testdir({ big: `# ${'x'.repeat(1024 * 1024)}` })
  t.throws(() => loadConfig(`${dir}/none.yaml`, {}), {
    code: 'CONFIG_NOT_FOUND',
    message: `Expected a configuration file at ${dir}/none.yaml but reading it failed: ENOENT`,
  })
  t.throws(() => loadConfig(`${dir}/big`, {}), { code: 'CONFIG_INVALID', message: /at most 1 MiB/ })
})

t.test('a secret that others can read is refused', async t => {
  const dir = t.testdir({ open: 'a', shut: 'secret\n' })
  const { chmodSync } = await import('node:fs')
  chmodSync(`${dir}/open`, 0o644)
  chmodSync(`${dir}/shut`, 0o600)
  t.equal(readSecret(`${dir}/shut`, 'http.tokenFile'), 'secret')
  t.throws(() => readSecret(`${dir}/open`, 'http.tokenFile'), {
    code: 'CONFIG_INVALID',
    message: `http.tokenFile: Expected ${dir}/open to be readable by its owner only but its mode is 0644; run chmod 600 on it`,
  })
  t.throws(() => readSecret(`${dir}/none`, 'http.tokenFile'), {
    message: `http.tokenFile: Expected a secret at ${dir}/none but reading it failed: ENOENT`,
  })
})
