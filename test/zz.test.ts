import t from 'tap'
import { writeFileSync } from 'node:fs'
import { SaleShop } from './helpers/sale.js'
t.setTimeout(200000)
t.test('x', async t => {
  const shop = new SaleShop(t.testdir())
  try {
  const b = Date.now()
  await shop.start()
  console.error('started', Date.now() - b)
  const sold = await shop.sell('sale')
  console.error('sold', Date.now() - b)
  writeFileSync('/tmp/sim8-sold.json', JSON.stringify(sold, null, 1))
  t.same(shop.wrong, [])
  } finally { await shop.stop() }
})
