// The live page: shows what the stream tells, in plain words. It decides nothing and changes nothing.
import { CameraCard } from './camera.js'
import { byId, make, write } from './dom.js'
import {
  actionWords,
  decisionWords,
  mebibytes,
  milliseconds,
  percent,
  reasonWords,
  sentence,
  statusWords,
  timeOfDay,
} from './words.js'

const cards = new Map()
const shownEvents = 50
let kiosk = null
let state = {}
let basket = {}

function setStatus([words, tone]) {
  write(byId('status'), words)
  byId('status').dataset.tone = tone
}

function showKiosk(news) {
  kiosk = news
  setStatus(statusWords[news.readiness.status] ?? [news.readiness.status, 'wait'])
  const calm = ['starting', 'stopping'].includes(news.readiness.status)
  byId('reasons').hidden = news.readiness.reasons.length === 0
  byId('reasons').replaceChildren(...news.readiness.reasons.map(reason => reasonCard(reason, calm)))
  for (const [id, card] of cards) {
    if (news.cameras.some(camera => camera.id === id)) continue
    card.stop()
    cards.delete(id)
  }
  for (const camera of news.cameras) cardOf(camera.id).setHealth(camera)
  byId('no-camera').hidden = news.cameras.length > 0
  write(byId('no-camera'), 'The configuration has no camera.')
  showSystem()
}

function reasonCard({ code, message, since, remedy }, calm) {
  return make(
    'div',
    { class: 'reason', 'data-tone': calm ? 'ask' : 'bad' },
    make('strong', {}, message),
    remedy ? make('p', { class: 'remedy' }, ...withCode(remedy)) : null,
    make(
      'p',
      { class: 'code' },
      make('code', {}, code),
      make('br'),
      since ? `since ${timeOfDay(since)}` : '',
    ),
  )
}

/** `words` between backticks are commands to type. */
const withCode = text => text.split('`').map((part, i) => (i % 2 ? make('code', {}, part) : part))

function cardOf(id) {
  if (!cards.has(id)) {
    const card = new CameraCard(id)
    cards.set(id, card)
    card.start(byId('cameras'))
  }
  return cards.get(id)
}

const chip = decision => {
  const [words, tone] = decisionWords[decision] ?? [sentence(decision), 'wait']
  return make('span', { class: 'chip', 'data-tone': tone }, words)
}

const plainChip = words => make('span', { class: 'chip', 'data-tone': 'wait' }, words)

const none = words => make('li', { class: 'none' }, words)

function showBasket(news) {
  basket = news
  write(byId('session'), basket.session ? `Session ${basket.session}` : 'No session')
  showNote()
  const items = basket.items ?? []
  byId('basket').replaceChildren(
    ...(items.length ? items.map(basketRow) : [none('Nothing lies here.')]),
  )
}

function showNote() {
  byId('basket-note').hidden = basket.complete !== false
  write(byId('basket-note'), `${whyIncomplete()}: the list may be incomplete.`)
}

function whyIncomplete() {
  const leads = ({ mode }) => mode === 'single' || mode === 'tray'
  const leading = kiosk?.cameras.find(leads)
  const isPaused = ({ id, pausedSince }) => id === leading?.id && pausedSince
  if (state.cameras?.some(isPaused)) return 'The camera is paused'
  return basket.view === 'many'
    ? 'More things than a tray is counted with'
    : 'Something is hidden or moving'
}

/** How many, where somebody has counted or weighed. */
const countOf = ({ value, unit }) => (unit === 'g' ? `${value} g` : `${value} ×`)

function basketRow(item) {
  const isCounted = (item.quantity?.value ?? null) !== null
  return make(
    'li',
    {},
    isCounted ? make('span', { class: 'count' }, countOf(item.quantity)) : null,
    make('span', { class: 'name' }, item.name ?? 'Not recognised'),
    item.disposition === 'sold' ? plainChip('Sold') : chip(item.decision),
  )
}

function showEvent(event) {
  const list = byId('events')
  // The stream begins with what is known already; after a reconnect most of it is here.
  if (list.querySelector(`[data-id="${CSS.escape(event.id)}"]`)) return
  list.querySelector('.none')?.remove()
  list.prepend(eventRow(event))
  while (list.children.length > shownEvents) list.lastElementChild.remove()
  write(byId('events-note'), `Event ${event.seq}`)
}

function eventRow({ id, action, reason, item, capturedAt, latencyMs }) {
  const small = (name, text) => make('span', { class: `small ${name}` }, text)
  return make(
    'li',
    { 'data-id': id, 'data-action': action },
    make('span', { class: 'name' }, item.name ?? 'Not recognised'),
    action === 'removed' ? plainChip(reasonWords[reason] ?? '') : chip(item.decision),
    make(
      'span',
      { class: 'meta' },
      make('time', { class: 'small time', datetime: capturedAt }, timeOfDay(capturedAt)),
      make('span', { class: 'action' }, actionWords[action] ?? sentence(action)),
      small('number', percent(item.score)),
      small('number latency', milliseconds(latencyMs)),
    ),
  )
}

function showSystem() {
  const { model, runtime, memory, outbox, clock } = state
  const broker = kiosk?.broker
  // Term, value, detail, and whether it is as it should be; what is null is left out.
  const facts = [
    [
      'MQTT',
      broker && (broker.connected ? 'Connected' : 'Not connected'),
      broker?.url,
      broker?.connected,
    ],
    [
      'Outbox',
      outbox && `${outbox.depth} waiting`,
      `${outbox?.dropped} lost`,
      outbox?.dropped === 0,
    ],
    [
      'Model',
      model && `${model.name} ${model.version}`,
      model && `sha256 ${model.sha256.slice(0, 12)}`,
    ],
    ['Runtime', runtime && `${runtime.name} ${runtime.version}`],
    ['Device', state.device],
    ['Memory', memory && mebibytes(memory.usedBytes), memory && memoryDetail(memory)],
    ['Gallery', state.gallery && `Version ${state.gallery}`],
    ['Catalogue', state.catalogue],
    ['Clock', clock && (clock.synced ? 'Synchronised' : 'Not synchronised'), null, clock?.synced],
    ['grocerd', state.version, state.bootId && `boot ${state.bootId.slice(0, 8)}`],
  ]
  byId('system').replaceChildren(...facts.filter(([, value]) => value).map(factBlock))
}

const memoryDetail = ({ peakBytes, budgetBytes }) =>
  `peak ${mebibytes(peakBytes)}${budgetBytes ? ` of ${mebibytes(budgetBytes)}` : ''}`

function factBlock([term, value, detail, good]) {
  const dot =
    good === undefined ? null : make('span', { class: 'dot', 'data-tone': good ? 'good' : 'bad' })
  const words = make('dd', {}, dot, `${value}`.trim(), detail ? make('small', {}, detail) : null)
  return make('div', {}, make('dt', {}, term), words)
}

function showState(news) {
  state = news
  write(byId('kiosk'), news.kiosk ?? '')
  document.title = news.kiosk ? `${news.kiosk}: grocerd` : 'grocerd'
  showNote()
  showSystem()
}

const show = {
  kiosk: showKiosk,
  state: showState,
  basket: showBasket,
  frame: frame => cardOf(frame.camera).setFrame(frame),
  event: showEvent,
}

byId('events').append(none('No event yet.'))
listen()
setInterval(() => {
  for (const card of cards.values()) card.tick()
}, 500)

/** A cut stream comes back by itself; a refused one (too many are open) is asked for again. */
function listen() {
  const stream = new EventSource('api/v1/stream')
  for (const [kind, handle] of Object.entries(show)) {
    stream.addEventListener(kind, message => handle(JSON.parse(message.data)))
  }
  stream.addEventListener('open', () => {
    delete document.body.dataset.lost
    // The events of before arrive first and are no news to be read aloud.
    setTimeout(() => byId('events').removeAttribute('aria-busy'), 1000)
  })
  stream.addEventListener('error', () => {
    document.body.dataset.lost = ''
    setStatus(['No connection', 'bad'])
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000)
  })
}
