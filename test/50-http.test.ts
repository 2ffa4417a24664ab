// Health, metrics and the HTTP server: every route, every guard and limit, over a real socket.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { GroceryError } from '../src/errors.js'
import { createLog } from '../src/log.js'
import { Health } from '../src/observe/health.js'
import { routes } from '../src/observe/http/routes.js'
import { HttpServer } from '../src/observe/http/server.js'
import { Metrics } from '../src/observe/metrics.js'
import { appleEvent, appleFrame, FakeView } from './helpers/fake-view.js'

const log = createLog('test', 'silent')
const token = 'a-long-random-token'

interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** One request whose Host, path and headers are sent exactly as given. */
function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false as const }
    const request = httpRequest(options, response => {
      let text = ''
      response.setEncoding('utf8').on('data', part => {
        text += part
      })
      response.once('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: text })
      })
    })
    request.once('error', reject)
    request.end(body)
  })
}

/** Bytes as they are, and all that comes back until the server closes. */
function sendRaw(port: number, text: string): Promise<string> {
  return new Promise(resolve => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', part => {
      received += part
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(received))
  })
}

async function serve(
  t: Test,
  options: { listen?: string; token?: string | null } = {},
): Promise<{ port: number; view: FakeView; metrics: Metrics; server: HttpServer }> {
  const view = new FakeView()
  const metrics = new Metrics({ version: '0.1.0' })
  const server = new HttpServer({ listen: '127.0.0.1:0', token, ...options, view, metrics, log })
  const { port } = await server.start()
  t.teardown(() => server.stop())
  return { port, view, metrics, server }
}

t.test('health says one status and the oldest reason first', async t => {
  let now = Date.UTC(2026, 0, 1)
  const health = new Health({ wall: () => now, mono: () => now })
  const told: string[] = []
  const end = health.onChange(({ status }) => told.push(status))
  t.same(health.readiness(), { status: 'starting', reasons: [] })
  health.set('vision', { code: 'MODEL_LOADING', message: 'loading' })
  health.started()
  t.equal(health.readiness().status, 'degraded')
  now += 1000
  health.set('mqtt', { code: 'MQTT_DISCONNECTED', message: 'refused' })
  health.set('mqtt', { code: 'MQTT_DISCONNECTED', message: 'refused' })
  now += 1000
  health.set('mqtt', { code: 'MQTT_DISCONNECTED', message: 'timed out' })
  t.same(health.readiness().reasons, [
    { code: 'MODEL_LOADING', message: 'loading', since: '2026-01-01T00:00:00.000Z' },
    { code: 'MQTT_DISCONNECTED', message: 'timed out', since: '2026-01-01T00:00:01.000Z' },
  ])
  health.set('vision', { code: 'VISION_CRASHED', message: 'signal SIGKILL' })
  t.equal(health.readiness().reasons[1]?.code, 'VISION_CRASHED', 'a new fault is the newest')
  health.set('vision', null)
  health.set('vision', null)
  health.set('mqtt', null)
  t.same(health.readiness(), { status: 'ready', reasons: [] })
  health.stopping()
  health.started()
  t.equal(health.readiness().status, 'stopping', 'nothing makes it ready again')
  const degraded = Array(5).fill('degraded')
  t.same(told, ['starting', ...degraded, 'ready', 'stopping'], 'told of changes only')
  end()
})

t.test('metrics count frames, stages, events and totals that start again', async t => {
  const metrics = new Metrics({ version: '0.1.0' })
  metrics.start()
  t.teardown(() => metrics.stop())
  metrics.frame({ ...appleFrame, capturedAt: 0, ageMs: 31 })
  metrics.event({ action: 'placed', decision: 'sure' })
  metrics.published(412)
  metrics.setReadiness({
    status: 'degraded',
    reasons: [{ code: 'MQTT_DISCONNECTED', message: '', since: '' }],
  })
  for (const connected of [true, true, false, true]) metrics.setMqtt(connected)
  metrics.setOutbox({ depth: 3, dropped: 1, replayed: 2, writtenBytes: 8192 })
  metrics.setIncoming({
    commands: { accepted: 5, refused: 1, repeated: 0, limited: 7 },
    ignored: 4,
  })
  for (const status of ['connecting', 'dark', 'live'] as const)
    metrics.setCamera({ camera: 'lane', status })
  metrics.setModel(
    { name: 'grocery81', version: 1, sha256: 'abc', kind: 'classifier', classes: 81 },
    { name: 'openvino', version: '2026.4', device: 'CPU' },
  )
  const vision = (dropped: number) => ({
    type: 'metrics' as const,
    rssBytes: 5e8,
    memory: {
      host: { budgetBytes: 4e8, usedBytes: 2e8, peakBytes: 3e8 },
      gpu: { device: 'CUDA', budgetBytes: 9e8, usedBytes: 7e8, peakBytes: 8e8 },
    },
    inferences: 10,
    cameras: [{ camera: 'lane', frames: 12, dropped, failed: 0 }],
  })
  metrics.setVision(vision(4))
  metrics.setVision(vision(6))
  metrics.visionRestarted()
  metrics.setVision(vision(1))
  metrics.memoryExceeded()
  const text = await metrics.text()
  for (const line of [
    `grocerd_build_info{version="0.1.0",node="${process.version}"} 1`,
    'grocerd_readiness{status="degraded"} 1',
    'grocerd_readiness{status="ready"} 0',
    'grocerd_reasons{code="MQTT_DISCONNECTED"} 1',
    'grocerd_camera_up{camera="lane"} 1',
    'grocerd_camera_status{camera="lane",status="live"} 1',
    'grocerd_camera_status{camera="lane",status="dark"} 0',
    'grocerd_camera_faults_total{camera="lane",status="dark"} 1',
    'grocerd_frames_total{camera="lane",result="object"} 1',
    'grocerd_frames_total{camera="lane",result="dropped"} 7',
    'grocerd_stage_seconds_sum{stage="infer"} 0.0054',
    'grocerd_capture_to_result_seconds_count{camera="lane"} 1',
    'grocerd_capture_to_publish_seconds_sum 0.412',
    'grocerd_events_total{action="placed",decision="sure"} 1',
    'grocerd_outbox_depth 3',
    'grocerd_outbox_dropped_total 1',
    'grocerd_outbox_replayed_total 2',
    'grocerd_commands_total{result="accepted"} 5',
    'grocerd_commands_total{result="limited"} 7',
    'grocerd_mqtt_ignored_total 4',
    'grocerd_mqtt_connected 1',
    'grocerd_mqtt_connections_total 2',
    'grocerd_vision_restarts_total 1',
    'grocerd_vision_resident_memory_bytes 500000000',
    'grocerd_memory_budget_bytes{kind="host"} 400000000',
    'grocerd_memory_used_bytes{kind="host"} 200000000',
    'grocerd_memory_peak_bytes{kind="gpu"} 800000000',
    'grocerd_memory_budget_exceeded_total 1',
    'grocerd_inferences_total 10',
  ]) {
    t.ok(text.includes(`${line}\n`), line)
  }
  t.match(text, /grocerd_model_info\{model="grocery81",version="1",sha256="abc",runtime="openvino"/)
  t.match(text, /^nodejs_eventloop_lag_seconds /m)
  t.match(text, /^process_resident_memory_bytes /m)
})

t.test('routes and methods are those of docs/api/openapi.yaml', async t => {
  const document = parse(
    await readFile(new URL('../docs/api/openapi.yaml', import.meta.url), 'utf8'),
  )
  const listed = Object.entries(document.paths as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item).map(method => `${method.toUpperCase()} ${path}`),
  )
  t.same(routes.map(({ method, path }) => `${method} ${path}`).sort(), listed.sort())
  const files = [...JSON.stringify(document).matchAll(/"\$ref":"(schemas\/[^"#]+)"/g)]
  t.ok(files.length > 0)
  for (const [, file = ''] of files)
    t.ok(existsSync(new URL(`../docs/api/${file}`, import.meta.url)), file)
})

t.test('answers what is asked', async t => {
  const { port, view } = await serve(t)
  const ready = { status: 'ready', reasons: [] }
  const table: [path: string, status: number, type: string, body: string | RegExp][] = [
    ['/healthz', 200, 'text/plain; charset=utf-8', 'ok'],
    ['/healthz?verbose=1', 200, 'text/plain; charset=utf-8', 'ok'],
    ['/readyz', 200, 'application/json; charset=utf-8', JSON.stringify(ready)],
    ['/v2/health/live', 200, 'application/json; charset=utf-8', '{"live":true}'],
    ['/v2/health/ready', 200, 'application/json; charset=utf-8', '{"ready":true}'],
    ['/metrics', 200, 'text/plain; version=0.0.4; charset=utf-8', /^grocerd_build_info\{/m],
    ['/', 200, 'text/html; charset=utf-8', /<title>grocerd<\/title>/],
    ['/page.css', 200, 'text/css; charset=utf-8', /prefers-color-scheme/],
    ['/page.js', 200, 'text/javascript; charset=utf-8', /EventSource/],
    ['/camera.js', 200, 'text/javascript; charset=utf-8', /CameraCard/],
    ['/dom.js', 200, 'text/javascript; charset=utf-8', /createElement/],
    ['/things.js', 200, 'text/javascript; charset=utf-8', /boxLabels/],
    ['/words.js', 200, 'text/javascript; charset=utf-8', /statusWords/],
    ['/api/v1/state', 200, 'application/json; charset=utf-8', JSON.stringify(view.nowState)],
    ['/api/v1/basket', 200, 'application/json; charset=utf-8', JSON.stringify(view.nowBasket)],
    [
      '/api/v1/events',
      200,
      'application/json; charset=utf-8',
      JSON.stringify({ events: [appleEvent] }),
    ],
    [
      '/api/v1/cameras',
      200,
      'application/json; charset=utf-8',
      JSON.stringify({ cameras: view.nowCameras }),
    ],
    [
      '/api/v1/frames',
      200,
      'application/json; charset=utf-8',
      JSON.stringify({ frames: [appleFrame] }),
    ],
    [
      '/api/v1/products',
      200,
      'application/json; charset=utf-8',
      JSON.stringify({ products: view.products() }),
    ],
    ['/api/v1/cameras/lane/frame.jpg', 200, 'image/jpeg', 'a picture'],
  ]
  for (const [path, status, type, body] of table) {
    const got = await ask(port, 'GET', path)
    t.equal(got.status, status, `GET ${path}`)
    t.equal(got.headers['content-type'], type)
    if (typeof body === 'string') t.equal(got.body, body)
    else t.match(got.body, body)
    t.equal(got.headers['cache-control'], 'no-store')
    t.equal(got.headers['x-content-type-options'], 'nosniff')
    t.equal(got.headers['cross-origin-resource-policy'], 'same-origin')
    t.match(got.headers['content-security-policy'], /^default-src 'none'; script-src 'self';/)
    const head = await ask(port, 'HEAD', path)
    t.same([head.status, head.body], [status, ''], `HEAD ${path}`)
  }
  const picture = await ask(port, 'GET', '/api/v1/cameras/lane/frame.jpg')
  t.equal(picture.headers['x-captured-at'], '2026-11-22T10:15:30.000Z')
})

t.test('says why it is not ready, and what to do', async t => {
  const { port, view } = await serve(t)
  const since = '2026-11-22T10:00:00.000Z'
  view.nowReady = {
    status: 'degraded',
    reasons: [
      { code: 'VISION_CRASHED', message: 'The vision process ended by SIGKILL', since },
      { code: 'ELSEWHERE', message: 'A code of another table', since },
    ],
  }
  const got = await ask(port, 'GET', '/readyz')
  t.equal(got.status, 503)
  t.same(JSON.parse(got.body), {
    status: 'degraded',
    reasons: [
      {
        code: 'VISION_CRASHED',
        message: 'The vision process ended by SIGKILL',
        since,
        remedy: 'Nothing at once; if it repeats, read the log and run `grocerd doctor`.',
      },
      { code: 'ELSEWHERE', message: 'A code of another table', since, remedy: null },
    ],
  })
  const kserve = await ask(port, 'GET', '/v2/health/ready')
  t.same([kserve.status, kserve.body], [503, '{"ready":false}'])
  t.equal((await ask(port, 'GET', '/healthz')).body, 'ok', 'alive all the same')
})

t.test('refuses attacks with exact words', async t => {
  const { port, view } = await serve(t)
  const own = `127.0.0.1:${port}`
  const bearer = { authorization: `Bearer ${token}` }
  const good = { ...bearer, 'content-type': 'application/json' }
  const cmd = '/api/v1/cmd/recognise'
  const table: [string, string, string, Record<string, string>, string, number, string, string][] =
    [
      [
        'a foreign Host',
        'GET',
        '/healthz',
        { host: 'evil.example' },
        '',
        421,
        'HTTP_HOST_FOREIGN',
        'Expected the Host localhost, 127.0.0.1, ::1 but received "evil.example"',
      ],
      [
        'a foreign Host with our port',
        'GET',
        '/',
        { host: `evil.example:${port}` },
        '',
        421,
        'HTTP_HOST_FOREIGN',
        `Expected the Host localhost, 127.0.0.1, ::1 but received "evil.example:${port}"`,
      ],
      [
        'a Host with a user',
        'GET',
        '/',
        { host: 'localhost@evil.example' },
        '',
        421,
        'HTTP_HOST_FOREIGN',
        'Expected the Host localhost, 127.0.0.1, ::1 but received "localhost@evil.example"',
      ],
      [
        'another IP literal',
        'GET',
        '/',
        { host: '10.0.0.1' },
        '',
        421,
        'HTTP_HOST_FOREIGN',
        'Expected the Host localhost, 127.0.0.1, ::1 but received "10.0.0.1"',
      ],
      [
        'an unknown path',
        'GET',
        '/admin',
        {},
        '',
        404,
        'HTTP_NOT_FOUND',
        'There is nothing at "/admin"',
      ],
      [
        'a path that climbs',
        'GET',
        '/../../etc/passwd',
        {},
        '',
        404,
        'HTTP_NOT_FOUND',
        'There is nothing at "/../../etc/passwd"',
      ],
      [
        'a path that climbs encoded',
        'GET',
        '/%2e%2e/%2e%2e/etc/passwd',
        {},
        '',
        404,
        'HTTP_NOT_FOUND',
        'There is nothing at "/%2e%2e/%2e%2e/etc/passwd"',
      ],
      [
        'a zero byte',
        'GET',
        '/page.js%00.html',
        {},
        '',
        404,
        'HTTP_NOT_FOUND',
        'There is nothing at "/page.js%00.html"',
      ],
      [
        'a camera that climbs',
        'GET',
        '/api/v1/cameras/..%2Flane/frame.jpg',
        {},
        '',
        404,
        'HTTP_NOT_FOUND',
        'There is nothing at "/api/v1/cameras/..%2Flane/frame.jpg"',
      ],
      [
        'a dot that is not one',
        'GET',
        '/api/v1/cameras/lane/frameXjpg',
        {},
        '',
        404,
        'HTTP_NOT_FOUND',
        'There is nothing at "/api/v1/cameras/lane/frameXjpg"',
      ],
      [
        'an unknown camera',
        'GET',
        '/api/v1/cameras/attic/frame.jpg',
        {},
        '',
        404,
        'CAMERA_UNKNOWN',
        'Expected one of the cameras lane but received attic',
      ],
      [
        'a wrong method',
        'DELETE',
        '/api/v1/state',
        {},
        '',
        405,
        'HTTP_METHOD_WRONG',
        'Expected GET, HEAD for "/api/v1/state" but received DELETE',
      ],
      [
        'a command by GET',
        'GET',
        cmd,
        good,
        '',
        405,
        'HTTP_METHOD_WRONG',
        'Expected POST for "/api/v1/cmd/recognise" but received GET',
      ],
      [
        'a preflight',
        'OPTIONS',
        cmd,
        { origin: 'http://evil.example' },
        '',
        405,
        'HTTP_METHOD_WRONG',
        'Expected POST for "/api/v1/cmd/recognise" but received OPTIONS',
      ],
      [
        'a cross-site post',
        'POST',
        cmd,
        { ...good, 'sec-fetch-site': 'cross-site' },
        '{}',
        403,
        'HTTP_CROSS_SITE',
        'Expected Sec-Fetch-Site same-origin or none but received "cross-site"',
      ],
      [
        'a post of another port',
        'POST',
        cmd,
        { ...good, 'sec-fetch-site': 'same-site' },
        '{}',
        403,
        'HTTP_CROSS_SITE',
        'Expected Sec-Fetch-Site same-origin or none but received "same-site"',
      ],
      [
        'a foreign Origin',
        'POST',
        cmd,
        { ...good, origin: 'http://evil.example' },
        '{}',
        403,
        'HTTP_CROSS_SITE',
        `Expected an Origin of ${own} but received "http://evil.example"`,
      ],
      [
        'a hidden Origin',
        'POST',
        cmd,
        { ...good, origin: 'null' },
        '{}',
        403,
        'HTTP_CROSS_SITE',
        `Expected an Origin of ${own} but received "null"`,
      ],
      [
        'no token',
        'POST',
        cmd,
        { 'content-type': 'application/json' },
        '{}',
        401,
        'HTTP_TOKEN_WRONG',
        'Expected the header Authorization: Bearer TOKEN but received none of that form',
      ],
      [
        'a password',
        'POST',
        cmd,
        { ...good, authorization: 'Basic YTpi' },
        '{}',
        401,
        'HTTP_TOKEN_WRONG',
        'Expected the header Authorization: Bearer TOKEN but received none of that form',
      ],
      [
        'a wrong token',
        'POST',
        cmd,
        { ...good, authorization: 'Bearer nearly' },
        '{}',
        401,
        'HTTP_TOKEN_WRONG',
        'Expected the token of http.tokenFile but received another',
      ],
      [
        'half a token',
        'POST',
        cmd,
        { ...good, authorization: `Bearer ${token.slice(0, 9)}` },
        '{}',
        401,
        'HTTP_TOKEN_WRONG',
        'Expected the token of http.tokenFile but received another',
      ],
      [
        'a form',
        'POST',
        cmd,
        { ...bearer, 'content-type': 'application/x-www-form-urlencoded' },
        'a=b',
        415,
        'HTTP_NOT_JSON',
        'Expected Content-Type application/json but received "application/x-www-form-urlencoded"',
      ],
      [
        'text',
        'POST',
        cmd,
        { ...bearer, 'content-type': 'text/plain' },
        '{}',
        415,
        'HTTP_NOT_JSON',
        'Expected Content-Type application/json but received "text/plain"',
      ],
      [
        'no type',
        'POST',
        cmd,
        bearer,
        '{}',
        415,
        'HTTP_NOT_JSON',
        'Expected Content-Type application/json but received ""',
      ],
      [
        'no JSON',
        'POST',
        cmd,
        good,
        '{"top":',
        400,
        'HTTP_BODY_INVALID',
        'Expected a JSON object but received no JSON',
      ],
      [
        'nothing',
        'POST',
        cmd,
        good,
        '',
        400,
        'HTTP_BODY_INVALID',
        'Expected a JSON object but received no JSON',
      ],
      [
        'an array',
        'POST',
        cmd,
        good,
        '[]',
        400,
        'HTTP_BODY_INVALID',
        'Expected a JSON object but received an array',
      ],
      [
        'null',
        'POST',
        cmd,
        good,
        'null',
        400,
        'HTTP_BODY_INVALID',
        'Expected a JSON object but received null',
      ],
      [
        'a number',
        'POST',
        cmd,
        good,
        '7',
        400,
        'HTTP_BODY_INVALID',
        'Expected a JSON object but received a number',
      ],
      [
        'a body one byte too long',
        'POST',
        cmd,
        good,
        'x'.repeat(65_537),
        413,
        'HTTP_BODY_TOO_LARGE',
        'Expected a body of at most 65536 bytes but received 65537',
      ],
      [
        'a body of 8 MB',
        'POST',
        cmd,
        good,
        'x'.repeat(8e6),
        413,
        'HTTP_BODY_TOO_LARGE',
        'Expected a body of at most 65536 bytes but received 8000000',
      ],
      [
        'a long body in chunks',
        'POST',
        cmd,
        { ...good, 'transfer-encoding': 'chunked' },
        'x'.repeat(200_000),
        413,
        'HTTP_BODY_TOO_LARGE',
        'Expected a body of at most 65536 bytes but received more',
      ],
      [
        'a verb that is none',
        'POST',
        '/api/v1/cmd/a.b',
        good,
        '{}',
        404,
        'HTTP_NOT_FOUND',
        'There is nothing at "/api/v1/cmd/a.b"',
      ],
    ]
  for (const [name, method, path, headers, body, status, code, message] of table) {
    const got = await ask(port, method, path, headers, body)
    t.same([got.status, JSON.parse(got.body)], [status, { code, message }], name)
    t.equal(got.headers['x-content-type-options'], 'nosniff')
    if (status === 401) t.equal(got.headers['www-authenticate'], 'Bearer')
    if (status === 405) t.ok(got.headers.allow)
  }
  t.same(view.dispatched, [], 'none of them reached the kiosk')

  const closed = await serve(t, { token: null })
  const off = await ask(closed.port, 'POST', cmd, good, '{}')
  t.same(
    [off.status, JSON.parse(off.body)],
    [
      403,
      {
        code: 'HTTP_COMMANDS_OFF',
        message: 'State-changing calls are off: the configuration has no http.tokenFile',
      },
    ],
  )
})

t.test('knows its own names', async t => {
  const cases: [listen: string, host: string, status: number][] = [
    ['127.0.0.1:0', 'localhost', 200],
    ['127.0.0.1:0', 'LOCALHOST:8080', 200],
    ['127.0.0.1:0', '[::1]:8080', 200],
    ['localhost:0', 'localhost:1', 200],
    ['localhost:0', hostname(), hostname() === 'localhost' ? 200 : 421],
    ['0.0.0.0:0', '192.168.7.9:8080', 200],
    ['0.0.0.0:0', '[fe80::1]', 200],
    ['0.0.0.0:0', hostname(), 200],
    ['0.0.0.0:0', 'evil.example', 421],
    ['0.0.0.0:0', '10.0.0.1.evil.example', 421],
  ]
  for (const [listen, host, status] of cases) {
    const { port, server } = await serve(t, { listen })
    t.equal((await ask(port, 'GET', '/healthz', { host })).status, status, `${listen} as ${host}`)
    await server.stop()
  }
})

t.test('refuses what is no proper request, in time', async t => {
  const { port } = await serve(t)
  const error = (code: string, message: string): string => JSON.stringify({ code, message })
  const [garbage, tls, large, slow, silent, slowBody] = await Promise.all([
    sendRaw(port, 'hello\r\n\r\n'),
    sendRaw(port, '\x16\x03\x01\x02\x00\x01\x00'),
    sendRaw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(9000)}\r\n\r\n`),
    timed(sendRaw(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A:')),
    timed(sendRaw(port, '')),
    timed(
      sendRaw(
        port,
        `POST /api/v1/cmd/recognise HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
          'Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{"a":',
      ),
    ),
  ])
  const invalid = error('HTTP_REQUEST_INVALID', 'Expected an HTTP/1.1 request')
  t.match(garbage, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.ok(garbage.endsWith(invalid))
  t.match(garbage, /X-Content-Type-Options: nosniff/)
  t.ok(tls.endsWith(invalid), 'TLS on the plain port')
  t.match(large, /^HTTP\/1\.1 431 /)
  t.ok(large.endsWith(error('HTTP_HEADERS_TOO_LARGE', 'Expected headers of at most 8 KiB')))
  const late = error(
    'HTTP_TIMED_OUT',
    'Expected the headers within 2 s and the whole request within 5 s',
  )
  t.match(slow.value, /^HTTP\/1\.1 408 /)
  t.ok(slow.value.endsWith(late))
  t.ok(slow.ms > 1500 && slow.ms < 5000, `slow headers cut after ${slow.ms} ms`)
  t.ok(silent.ms < 5000, `a silent connection cut after ${silent.ms} ms`)
  t.ok(slowBody.value.endsWith(late))
  t.ok(slowBody.ms > 4000 && slowBody.ms < 8000, `a slow body cut after ${slowBody.ms} ms`)
})

async function timed<T>(promise: Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now()
  const value = await promise
  return { value, ms: Math.round(performance.now() - begun) }
}

t.test('two hundred silent connections do not lock the health probe out', async t => {
  const { port } = await serve(t)
  let closed = 0
  const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.once('close', () => closed++)
  await Promise.all(
    sockets.map(socket => new Promise(done => socket.on('error', () => {}).once('connect', done))),
  )
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => ask(port, 'GET', '/healthz').then(({ body }) => body)),
  )
  t.same(new Set(answers), new Set(['ok']))
  t.ok(closed >= 200 - 64, `${closed} silent connections made room`)
})

t.test(
  'who sends requests without waiting for answers is cut off, before they are all made',
  async t => {
    const { port, metrics } = await serve(t)
    const request = `GET /page.css HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
    const few = await sendRaw(
      port,
      request.repeat(7) + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    )
    t.equal(few.match(/^HTTP\/1\.1 200/gm)?.length, 8, 'eight at once are answered')
    t.equal(await sendRaw(port, request.repeat(2000)), '', 'two thousand are not')
    t.match(
      await metrics.text(),
      /http_requests_total\{route="\/page\.css",status="200"\} (8|1[0-6])\n/,
    )
    t.equal((await ask(port, 'GET', '/healthz')).body, 'ok')
  },
)

t.test('runs commands and maps refusals to a status', async t => {
  const { port, view } = await serve(t)
  const headers = {
    authorization: `bearer ${token}`,
    'content-type': 'application/json; charset=utf-8',
    origin: `http://127.0.0.1:${port}`,
    'sec-fetch-site': 'same-origin',
  }
  const post = (payload: object) =>
    ask(port, 'POST', '/api/v1/cmd/confirm', headers, JSON.stringify(payload))
  const done = await post({ requestId: 'r1', sku: 'apple' })
  t.same([done.status, JSON.parse(done.body)], [200, view.reply])
  t.same(view.dispatched, [{ verb: 'confirm', payload: { requestId: 'r1', sku: 'apple' } }])
  for (const [code, status] of [
    ['COMMAND_INVALID', 400],
    ['COMMAND_DISABLED', 403],
    ['ITEM_GONE', 409],
    ['COMMAND_EXPIRED', 410],
    ['TIMED_OUT', 504],
    ['INTERNAL', 500],
    ['NO_CAMERA', 503],
  ] as const) {
    view.reply = { requestId: null, ok: false, error: { code, message: 'no' }, result: null }
    const got = await post({})
    t.same([got.status, JSON.parse(got.body)], [status, view.reply], code)
  }
})

t.test('says plainly when there is no picture, and nothing of an error of ours', async t => {
  const { port, view } = await serve(t)
  const message = 'Expected a picture of camera lane within 2000 ms but none came'
  view.picture = () => Promise.reject(new GroceryError('TIMED_OUT', message))
  const late = await ask(port, 'GET', '/api/v1/cameras/lane/frame.jpg')
  t.same([late.status, JSON.parse(late.body)], [504, { code: 'TIMED_OUT', message }])
  view.picture = () => Promise.reject(new GroceryError('VISION_CRASHED', 'signal SIGKILL'))
  const gone = await ask(port, 'GET', '/api/v1/cameras/lane/frame.jpg')
  const crash = { code: 'VISION_CRASHED', message: 'signal SIGKILL' }
  t.same([gone.status, JSON.parse(gone.body)], [503, crash])
  view.state = () => {
    throw new Error('secret detail')
  }
  const broken = await ask(port, 'GET', '/api/v1/state')
  t.same(
    [broken.status, JSON.parse(broken.body)],
    [500, { code: 'INTERNAL', message: 'An unexpected error; the log has its details' }],
  )
})

/** A client of the stream that collects kinds; paused: it never reads. */
function openStream(port: number): Promise<{
  next(): Promise<[string, unknown]>
  close(): void
  status: number
  ended: Promise<void>
}> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/api/v1/stream', agent: false })
    request.once('error', reject)
    request.once('response', response => {
      const queue: [string, unknown][] = []
      let wake = (): void => {}
      let rest = ''
      response.setEncoding('utf8').on('data', part => {
        const blocks = (rest + part).split('\n\n')
        rest = blocks.pop()!
        for (const block of blocks) {
          const match = /^event: (\w+)\ndata: (.*)$/.exec(block)
          if (match) queue.push([match[1]!, JSON.parse(match[2]!)])
        }
        wake()
      })
      response.on('error', () => {})
      resolve({
        status: response.statusCode!,
        ended: new Promise(done => response.once('close', done)),
        close: () => request.destroy(),
        async next() {
          while (queue.length === 0)
            await new Promise<void>(done => {
              wake = done
            })
          return queue.shift()!
        },
      })
    })
    request.end()
  })
}

t.test('streams what is and then what changes, to a bounded number', async t => {
  const { port, view, server } = await serve(t)
  const stream = await openStream(port)
  t.equal(stream.status, 200)
  const kinds: string[] = []
  for (let i = 0; i < 5; i++) kinds.push((await stream.next())[0])
  t.same(kinds, ['kiosk', 'state', 'basket', 'frame', 'event'])
  t.equal(view.listeners.size, 1)
  view.tell('event', { ...appleEvent, seq: 42 })
  t.match(await stream.next(), ['event', { seq: 42 }])
  view.nowReady = { status: 'stopping', reasons: [] }
  view.tell('state', { readiness: 'stopping' })
  t.match(await stream.next(), [
    'kiosk',
    { readiness: { status: 'stopping' }, broker: { connected: true } },
  ])
  t.same(await stream.next(), ['state', { readiness: 'stopping' }])
  for (let frame = 1; frame <= 30; frame++) view.tell('frame', { ...appleFrame, frame })
  t.match(await stream.next(), ['frame', { frame: 30 }], 'only the newest frame')
  view.tell('basket', { items: [] })
  t.same(await stream.next(), ['basket', { items: [] }])

  const others = await Promise.all(Array.from({ length: 15 }, () => openStream(port)))
  t.equal(view.listeners.size, 1, 'one subscription for all')
  const full = await ask(port, 'GET', '/api/v1/stream')
  t.same(
    [full.status, JSON.parse(full.body)],
    [
      503,
      {
        code: 'HTTP_STREAMS_FULL',
        message: 'Expected at most 16 live streams at a time but received one more',
      },
    ],
  )
  for (const other of others) other.close()
  await server.stop()
  await stream.ended
  t.equal(view.listeners.size, 0, 'the subscription ends with the last client')
})

t.test('drops a stream that never reads, and only that', async t => {
  const { port, view } = await serve(t)
  const reader = await openStream(port)
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await new Promise(done => socket.once('readable', done))
  socket.pause()
  let cut = false
  socket
    .on('error', () => {})
    .once('close', () => {
      cut = true
    })
  const large = { ...appleEvent, text: 'x'.repeat(100_000) }
  for (let i = 0; i < 5; i++) await reader.next()
  for (let seq = 0; seq < 200; seq++) {
    view.tell('event', { ...large, seq })
    t.match((await reader.next())[1], { seq })
  }
  socket.resume()
  await new Promise<void>(done => (cut ? done() : socket.once('close', () => done())))
  t.pass('the slow one was cut')
  view.tell('basket', { items: [] })
  t.equal((await reader.next())[0], 'basket')
  reader.close()
})

t.test('says which key to change when it cannot listen', async t => {
  const { port, metrics, view } = await serve(t)
  const start = (listen: string) => new HttpServer({ listen, token, view, metrics, log }).start()
  await t.rejects(start(`127.0.0.1:${port}`), {
    code: 'ADDRESS_IN_USE',
    message: `Expected http.listen 127.0.0.1:${port} to be free but another program listens there`,
  })
  await t.rejects(start('192.0.2.1:8080'), {
    code: 'CONFIG_INVALID',
    message:
      'Expected http.listen to be an address of this machine but received 192.0.2.1:8080 (EADDRNOTAVAIL)',
  })
})

t.test('counts its answers by route, never by what a client made up', async t => {
  const { port, metrics } = await serve(t)
  await ask(port, 'GET', '/healthz')
  await ask(port, 'GET', '/api/v1/cameras/lane/frame.jpg')
  await ask(port, 'GET', '/made/up')
  const text = await metrics.text()
  t.match(text, 'grocerd_http_requests_total{route="/healthz",status="200"} 1')
  t.match(
    text,
    'grocerd_http_requests_total{route="/api/v1/cameras/{id}/frame.jpg",status="200"} 1',
  )
  t.match(text, 'grocerd_http_requests_total{route="none",status="404"} 1')
})

t.test('stops with an answer under way and a stream open', async t => {
  const { port, view, server } = await serve(t)
  const stream = await openStream(port)
  view.picture = () => new Promise(() => {})
  const hanging = ask(port, 'GET', '/api/v1/cameras/lane/frame.jpg').catch(() => 'cut')
  while (view.previews === 0) await new Promise(setImmediate)
  const { ms } = await timed(server.stop())
  t.ok(ms < 3000, `stopped after ${ms} ms`)
  t.equal(await hanging, 'cut')
  await stream.ended
  await server.stop()
  t.pass('stop twice is no error')
})
