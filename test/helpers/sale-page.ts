// docs/14-one-sale.md from a sale that was really played: ids and times by their kind, so that every run gives the same page.
import { isDeepStrictEqual } from 'node:util'
import type { Step } from '../../src/cli/till-sim/scripts.js'
import type { Passed, Sold } from './sale.js'

const head = `# 14. One sale, message by message

\`grocerd till-sim\` played this sale against a daemon whose camera, in mode \`tray\`, sees studio photographs on a drawn counter, with mosquitto between them. The page
is written from that run (\`npm run docs:sale\`), and a test holds it against another. \`>\` is what the till says, \`<\` what the kiosk says, with topics
below the prefix. Ids, times and scores are shown as \`…\`, things as \`thing-1\`; of an event only what a till decides by. [4-mqtt.md](4-mqtt.md) has the rules.

Play it yourself: \`npx grocerd till-sim --url mqtt://127.0.0.1:1883 --topic grocerd/<kiosk id> --script sale\` says what to lay down and
waits for Enter. \`--json\` prints every message whole, \`--dir\` keeps its book, so that it goes on after \`kill -9\`.
`

const titles: Record<string, [title: string, words: string]> = {
  open: ['The session', 'After each connection of its own the till asks for what it missed.'],
  scan: [
    'A scanned pack',
    'The till sold it by itself. The kiosk never offers what it was told of, should it see it.',
  ],
  cover: [
    'It is put on the other thing, and hides it',
    'The pack crosses the camera: it is told of as sold, and never offered. What lies under it is not `removed`: the basket lists it, and is not complete.',
  ],
  uncover: ['It is taken away again', 'What lay under it is the thing that it was.'],
  verify: [
    'Does it lie there?',
    'A till may ask of any line whether what it sold is what lies there.',
  ],
  void: ['A line is taken back', 'Only the till does that.'],
  pay: ['Paid', ''],
  close: ['The end', 'What still lies there would be `leftover`.'],
}

/** The basket that says of the first what is shown: two things, one of them hidden; or the one that is left. */
const basketOf = (passed: Passed[], count: number, complete: boolean): Passed[] =>
  passed
    .filter(({ topic, payload }) => topic === 'basket' && payload.items?.length === count)
    .filter(({ payload }) => payload.view === 'ok' && payload.complete === complete)
    .slice(-1)

/** Everything of a thing, from laying it down to lifting it, is one section; so is each other step. */
function sectionsOf(sold: Sold): { title: string; words: string; passed: Passed[] }[] {
  const sections: { title: string; words: string; passed: Passed[] }[] = []
  const begin = (title: string, words: string) => sections.push({ title, words, passed: [] })
  begin(...titles.open!)
  let thing = 0
  for (const [index, { step, from }] of sold.steps.entries()) {
    const to = sold.steps[index + 1]?.from ?? sold.passed.length
    const named = titles[step.do]
    const isApart = step.do === 'lift' && sold.steps[index - 1]?.step.do === 'verify'
    if (step.do === 'lay') thing = begin(`${step.what}, ${step.grams} g`, wordsOf(step)) - 1
    else if (isApart) begin('It is lifted off', '')
    else if (named && step.do !== 'open') begin(...named)
    const passed = sold.passed.slice(index === 0 ? 0 : from, to)
    for (const one of passed) {
      if (one.topic === 'basket') continue
      // What became of a thing may come while the next steps begin.
      const isLate = one.payload?.action === 'changed'
      sections.at(isLate ? thing : -1)!.passed.push(one)
    }
    // A basket may come a little later than the event.
    const later = sold.passed.slice(from, sold.steps[index + 2]?.from)
    if (step.do === 'cover') sections.at(-1)!.passed.push(...basketOf(later, 2, false))
    if (step.do === 'uncover') sections.at(-1)!.passed.push(...basketOf(later, 1, true))
  }
  return sections
}

const wordsOf = (step: Step & { do: 'lay' }): string =>
  step.what === 'vine-tomato'
    ? 'The scale stands still, the till asks, and shows what it may be; the shopper touches what it is, and now it is on the receipt. `removed` takes it off the counter, not off the receipt.'
    : ''

/** In the order of what follows from what, as two connections have none. */
function inOrder(passed: Passed[]): Passed[] {
  const sent = passed.filter(({ way, topic }) => way === 'sent' && topic !== 'till')
  const events = passed.filter(({ topic }) => topic === 'items')
  const of = (action: string) => events.filter(one => one.payload.action === action)
  const replyTo = ({ payload }: Passed) => {
    const reply = passed.find(
      one => one.topic.startsWith('reply/') && one.payload.requestId === payload.requestId,
    )
    return reply ? [reply] : []
  }
  const isZero = ({ topic, payload }: Passed) => topic === 'scale' && payload.grams === 0
  const baskets = passed.filter(({ topic }) => topic === 'basket')
  // The kiosk is asked again about what it has not seen for certain: the last time counts.
  const asked = sent.filter(({ topic }) => topic === 'cmd/recognise')
  const said = sent.filter(one => !asked.slice(0, -1).includes(one) && !isZero(one))
  return [
    ...of('placed'),
    ...said.flatMap(one => [one, ...replyTo(one)]),
    ...of('changed'),
    ...of('removed'),
    ...baskets,
    ...sent.filter(isZero),
  ]
}

export function salePage(sold: Sold): string {
  const things: string[] = []
  const session = sold.passed.find(({ topic }) => topic === 'cmd/session')!.payload.session
  const thing = (id: string | null) => {
    if (id === null) return null
    if (!things.includes(id)) things.push(id)
    return `thing-${things.indexOf(id) + 1}`
  }
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the kiosk says of a thing
  const itemOf = ({ itemId, sku, decision, quantity, disposition, lineId }: any) => ({
    ...{ itemId: thing(itemId), sku, decision, disposition, lineId },
    ...(quantity.value === null ? {} : { quantity: `${quantity.value} ${quantity.unit}` }),
  })
  const shown = ({ topic, payload }: Passed): object => {
    if (topic === 'items') {
      const { action, reason, session, item, replayed } = payload
      return { action, reason, session, item: itemOf(item), replayed }
    }
    if (topic === 'basket') {
      const { session, view, complete, items } = payload
      return { session, view, complete, items: items.map(itemOf) }
    }
    const told = structuredClone(payload)
    if (told.requestId) told.requestId = '…'
    if (told.itemId) told.itemId = thing(told.itemId)
    if (topic === 'reply/resend') return { ...told, result: '…' }
    if (topic === 'cmd/resend') return { ...told, fromSeq: '…' }
    if (!told.result) return told
    const { itemId, recognitionId, candidates, score, pictureAgeMs, ...rest } = told.result
    return {
      ...{ requestId: told.requestId, ok: told.ok },
      result: {
        ...(recognitionId && { recognitionId: '…' }),
        ...(itemId && { itemId: thing(itemId) }),
        ...rest,
        ...(score !== undefined && { score: '…' }),
        ...(candidates && { candidates: [{ sku: candidates[0]?.sku, score: '…' }, '…'] }),
        ...(pictureAgeMs !== undefined && { pictureAgeMs: '…' }),
      },
    }
  }
  const sections = sectionsOf(sold).flatMap(({ title, words, passed }) => {
    const told = inOrder(passed).map(one => ({ ...one, payload: shown(one) }))
    const news = told.filter((one, index) => !isDeepStrictEqual(one, told[index - 1]))
    const lines = news.map(({ way, topic, payload }) => {
      const text = JSON.stringify(payload).replaceAll('"…"', '…')
      return `${way === 'sent' ? '>' : '<'} ${topic.padEnd(15)} ${text}`
    })
    return [`## ${title}`, '', ...(words ? [words, ''] : []), '```text', ...lines, '```', '']
  })
  const receipt = sold.receipt.map(({ name, sku, grams }) => `${name} (${sku}), ${grams} g`)
  const text = [head, ...sections, '## The receipt', '', ...receipt.map(one => `- ${one}`), '']
  return text.join('\n').replaceAll(`${session}-`, 'line-').replaceAll(`"${session}"`, '"s1"')
}
