// grocerd till-sim against a real daemon and mosquitto: a whole sale is right, and docs/14-one-sale.md is what it gives.
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { hasMosquitto } from './helpers/brokers.js'
import { hasFfmpeg } from './helpers/clip.js'
import { SaleShop } from './helpers/sale.js'
import { salePage } from './helpers/sale-page.js'
import { loadValidators } from './helpers/till.js'

t.setTimeout(240_000)
const page = 'docs/14-one-sale.md'
const skip = hasMosquitto && hasFfmpeg ? false : 'mosquitto or ffmpeg is not installed'

t.test(
  'a scripted till sells what the shopper laid down, and every message is as the schemas say',
  { skip },
  async t => {
    const shop = new SaleShop(t.testdir())
    t.teardown(() => shop.stop())
    await shop.start()
    const sold = await shop.sell('sale')
    t.same(
      sold.receipt.map(({ sku, grams }) => [sku, grams]),
      [
        ['vine-tomato', 412],
        ['green-bell-pepper', 164],
        ['solid-potato', 350],
      ],
    )
    t.same(
      sold.lines.filter(({ voided }) => voided).map(({ sku }) => sku),
      ['bravo-orange-juice'],
    )
    t.equal(sold.touches, 3, 'one for each loose thing')
    const itemIds = sold.receipt.map(({ itemId }) => itemId)
    t.equal(new Set(itemIds).size, 3, 'each line is about another thing')
    t.notOk(itemIds.includes(null))

    const validators = loadValidators()
    const schemaOf = (topic: string) =>
      topic
        .replace(/^items$/, 'item')
        .replace(/^cmd\//, 'cmd-')
        .replace(/^reply\//, 'reply-')
    const names = new Set<string>()
    for (const { topic, payload } of sold.passed) {
      const validate = validators.get(schemaOf(topic))
      names.add(schemaOf(topic))
      if (!validate) t.fail(`${topic} has no schema`)
      else if (!validate(payload)) t.fail(`${topic}: ${JSON.stringify(validate.errors)}`)
    }
    t.ok(names.size >= 10, [...names].join(', '))

    const text = salePage(sold)
    if (process.env.WRITE_SALE) writeFileSync(page, text)
    t.equal(text, readFileSync(page, 'utf8'), '`npm run docs:sale` writes it anew')

    const short = await shop.sell('short', null, ['--mqtt', '3.1.1'])
    t.same(
      short.receipt.map(({ sku, grams }) => [sku, grams]),
      [['vine-tomato', 412]],
      'MQTT 3.1.1',
    )
    t.same(shop.wrong, [])
  },
)
