// The figures of shadow mode as one self-contained page, with the look of an evaluation. Pure.
import { factRows, type Html, html, page, percent } from '../report/html.js'
import { style } from '../report/style.js'
import { table } from '../report/table.js'
import type { Rate, ShadowFigures, Stake } from './figures.js'
import { amount, leftOutWords } from './report-text.js'

function tile(name: string, { share, count, interval }: Rate, note: string): Html {
  const between = interval && `95 %: ${percent(interval[0])} to ${percent(interval[1])}`
  return html`<div class="tile">
    <h3>${name}</h3>
    <p class="number">${percent(share)}</p>
    <p class="note">${note}: ${count}${between && html`<br />${between}`}</p>
  </div>`
}

const stakeRow = (name: string, { mistakes, overcharge, undercharge, unreckoned }: Stake) =>
  [name, mistakes, amount(overcharge), amount(undercharge), unreckoned] as const

export function renderShadow(figures: ShadowFigures, days: readonly string[], at: Date): string {
  const { lines, seen, top1, top4, sure, plus } = figures
  const facts: [string, string | number][] = [
    ['Days', days.length > 1 ? `${days[0]} to ${days.at(-1)} (${days.length})` : (days[0] ?? '–')],
    ['Sessions', figures.sessions],
    ['Lines', lines],
    ['Sold', amount(figures.turnover)],
    ['Written', `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
  ]
  return page(
    `grocerd shadow: ${days.at(-1) ?? 'no day'}`,
    style,
    html`
      <header>
        <div>
          <p class="eyebrow">grocerd shadow</p>
          <h1>What it would have said of what you sold</h1>
          <dl class="facts">${factRows(facts)}</dl>
        </div>
      </header>
      <main>
        <section id="figures">
          <p class="lead">
            Of ${lines} lines that were sold, something had been recognised for
            <strong>${percent(seen.share)}</strong>; the first answer was what was sold for
            <strong>${percent(top1.share)}</strong> of these, and it was among the first four for
            ${percent(top4.share)}.
          </p>
          <div class="tiles">
            ${tile('Seen', seen, 'lines with something recognised before')}
            ${tile('Top-1', top1, 'first answer was sold')}
            ${tile('Top-4', top4, 'sold one was among the first four')}
            ${tile('Sure', sure.coverage, 'would be preselected')}
            ${tile('Right when sure', sure.precision, 'sure, and sold')}
          </div>
          <p>${leftOutWords(figures).join(' ')}</p>
        </section>
        <section id="money">
          <h2>Money at stake</h2>
          <p>
            What mistakes would have cost. Shoppers pay the overcharge, the shop the undercharge.
            Mistakes without a price, or without a weight where it is needed, stand in the last
            column and in no sum.
          </p>
          ${table(
            ['', 'Mistakes', 'Overcharge', 'Undercharge', 'Not reckoned'],
            [
              stakeRow('First answer sold', figures.first),
              stakeRow('Only the sure ones', figures.sureOnly),
            ],
          )}
        </section>
        <section id="plus">
          <h2>Every product</h2>
          <p>Most mistakes first.</p>
          ${table(
            ['PLU', 'Product', 'Taken for', 'Lines', 'Top-1', 'Top-4'],
            plus.map(one => [
              one.plu ?? one.sku,
              one.name,
              one.confusions.map(({ name, count }) => `${name} ${count}`).join(', '),
              one.lines,
              percent(one.top1 / one.lines),
              percent(one.top4 / one.lines),
            ]),
            { words: 3 },
          )}
        </section>
      </main>
      <footer>Intervals are 95 % Wilson. The figures hold for this counter and these days.</footer>
    `,
  )
}
