// What the mistakes would cost a shop.
import type { Product } from '../../recognition/types.js'
import type { Charge, Confusion, Money } from '../money.js'
import { money, weightWords } from '../words.js'
import { type Html, html } from './html.js'
import { table } from './table.js'

export function moneySection(costs: Money, labels: readonly Product[]): Html {
  const names = new Map(labels.map(label => [label.sku, label.name]))
  const amount = (value: number) => money(value, costs.currency)
  const bare = (value: number) => value.toFixed(2)
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${bare(Math.abs(value))}`
  // In the head, not in each cell: numbers are narrow enough for a phone then.
  const inCurrency = (head: string) => (costs.currency ? `${head}, ${costs.currency}` : head)
  const line = (name: string, { mistakes, overcharge, undercharge }: Charge) =>
    [name, mistakes, bare(overcharge), bare(undercharge)] as const
  const dear = (title: string, dearest: readonly Confusion[]) =>
    dearest.length > 0 &&
    html`<h3>${title}</h3>
      ${table(
        ['It was', 'Sold as', 'Times', 'For one', inCurrency('For 1,000')],
        dearest.map(one => [
          names.get(one.truth) ?? one.truth,
          names.get(one.predicted) ?? one.predicted,
          one.count,
          signed(one.perItem),
          signed(one.per1000),
        ]),
        { words: 2 },
      )}`
  const weights = weightWords(costs)
  return html`<section id="money">
    <h2>What mistakes cost</h2>
    <p>
      Amounts are for 1,000 items, which should bring ${amount(costs.due)}. The first line is what
      would happen if the first answer were always sold. The second counts only answers that are
      “sure”: these go through where nobody looks. Shoppers pay the overcharge, the shop the
      undercharge. ${weights}
    </p>
    ${table(
      ['', 'Mistakes', inCurrency('Overcharge'), inCurrency('Undercharge')],
      [line('First answer sold', costs.first), line('Only the sure ones', costs.sure)],
    )}
    ${dear('The dearest confusions', costs.first.dearest)}
    ${dear('The dearest that are sure', costs.sure.dearest)}
  </section>`
}
