// The members of an ensemble beside the whole.
import type { EnsembleFigures, MemberFigures } from '../members.js'
import type { Metrics } from '../metrics.js'
import { modelName, testWords, verdict } from '../words.js'
import { type Html, html, percent } from './html.js'
import { table } from './table.js'

export function membersSection({ members, best }: EnsembleFigures, whole: Metrics): Html {
  const figures = (one: Omit<MemberFigures, 'model' | 'weight'>) => [
    percent(one.top1),
    percent(one.top4),
    percent(one.macroF1),
    one.loss.toFixed(3),
  ]
  return html`<section id="members">
    <h2>The members, each alone</h2>
    <p>
      The whole against its best member, ${modelName(best.model)}: ${testWords(best)};
      ${verdict(best, 'the whole', 'the member')}.
    </p>
    ${table(
      ['Model', 'Top-1', 'Top-4', 'Macro F1', 'Loss'],
      [
        ...members.map(one => [`${modelName(one.model)}, weight ${one.weight}`, ...figures(one)]),
        ['The whole', ...figures(whole)],
      ],
      { total: true },
    )}
  </section>`
}
