// The results of a comparison as the table of README.md: figures, and the ratios that count.

const cell = value => (value === undefined || Number.isNaN(value) ? '' : value.toFixed(1))

/** a / b with two digits, or a dash where one of them was not measured. */
const ratio = (a, b) => (a && b ? `${(a / b).toFixed(2)}` : '–')

function rowsOf(model, programs) {
  const python = programs['Python, sync']?.perSecond
  return Object.entries(programs).map(([name, { perSecond, p50, p99 }]) => {
    const times = name.includes('events') ? '–' : ratio(perSecond, python)
    return `| ${model} | ${name} | ${cell(perSecond)} | ${cell(p50)} | ${cell(p99)} | ${times} |`
  })
}

/** What the issue asks for, one line each. */
function targetsOf(model, programs) {
  const { 'Python, sync': python, 'limit, all streams': limit } = programs
  const { 'grocerd, all streams': all, 'grocerd, one camera': one } = programs
  const { 'limit, one stream': single, 'grocerd --events': events } = programs
  const wanted = model === 'int8' ? 4.2 : 3.5
  const lines = [
    `- ${model}: ${ratio(all.perSecond, python?.perSecond)} times Python (wanted ${wanted})`,
    `- ${model}: ${ratio(all.perSecond, limit?.perSecond)} of the limit (wanted 0.9)`,
  ]
  if (single) {
    const spread = one.p99 - one.p50 - (single.p99 - single.p50)
    lines.push(
      `- ${model}: p50 of one camera is the limit's + ${(one.p50 - single.p50).toFixed(1)} ms (wanted 2)`,
      `- ${model}: p99 - p50 is the limit's + ${spread.toFixed(1)} ms (wanted 3)`,
    )
  }
  if (events) lines.push(`- decision to PUBACK: p99 ${events.p99.toFixed(1)} ms (wanted 30)`)
  return lines
}

export function tableOf(result) {
  const { date, machine, node, broker, frames, rounds, seconds, models } = result
  const load = `load ${result.loadBefore.toFixed(1)} before, ${result.loadAfter.toFixed(1)} after`
  const decoder = result.libturbojpeg ? 'libturbojpeg' : 'sharp'
  return [
    `${date}, ${machine}, Node ${node}, ${broker}, ${decoder}; ${frames} frames, medians of ${rounds} interleaved rounds of ${seconds} s; ${load}.`,
    '',
    '| model | program | a second | p50 ms | p99 ms | times Python sync |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(models).flatMap(([model, programs]) => rowsOf(model, programs)),
    '',
    ...Object.entries(models).flatMap(([model, programs]) => targetsOf(model, programs)),
  ].join('\n')
}
