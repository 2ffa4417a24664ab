// The look of the report: light, dark and on paper. One style sheet, no fonts or pictures from elsewhere.

export const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f5; --card: #ffffff; --ink: #17201b; --soft: #5a675f; --line: #dfe4e0;
  --good: #12805c; --good-soft: #d9efe6; --bad: #d2481f; --bad-soft: #fbe4dc; --mark: #17201b;
  --first: #8fc9b2; --second: #3f6fb5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #111614; --card: #1a211e; --ink: #e8eeea; --soft: #9aa8a0; --line: #2d3733;
    --good: #3ecf9a; --good-soft: #173a2e; --bad: #ff8257; --bad-soft: #45231a; --mark: #ffffff;
    --first: #20664d; --second: #7ba7ea;
  }
}
* { box-sizing: border-box }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, sans-serif;
  font-variant-numeric: tabular-nums;
}
main, header > div, footer { max-width: 1320px; margin: 0 auto; padding: 0 32px }
header { background: var(--card); border-bottom: 1px solid var(--line) }
header > div { padding-top: 36px; padding-bottom: 24px }
h1 { margin: 0; font-size: 32px; line-height: 1.2; letter-spacing: -0.02em; font-weight: 680 }
h2 { margin: 0 0 8px; font-size: 22px; letter-spacing: -0.01em; font-weight: 650 }
h3 { margin: 32px 0 8px; font-size: 16px; font-weight: 650 }
.eyebrow { margin: 0 0 6px; color: var(--good); font-size: 13px; font-weight: 650; letter-spacing: 0.06em; text-transform: uppercase }
.facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 14px 0 0; color: var(--soft); font-size: 14px }
.facts div { display: flex; gap: 8px }
.facts dt { font-weight: 600 }
.facts dd { margin: 0; color: var(--ink); overflow-wrap: anywhere }
nav { display: flex; flex-wrap: wrap; gap: 6px 20px; margin-top: 20px; font-size: 14px }
a { color: var(--good); text-underline-offset: 3px }
section { min-width: 0; margin: 24px 0; padding: 28px 32px 32px; background: var(--card); border: 1px solid var(--line); border-radius: 14px }
section > p { max-width: 75ch; margin: 0 0 18px; color: var(--soft) }
section > p.lead { max-width: 80ch; margin-bottom: 26px; color: var(--ink); font-size: 19px; line-height: 1.5 }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 16px; margin-bottom: 28px }
td.rate { min-width: 84px }
.tile { padding: 16px 18px; border: 1px solid var(--line); border-radius: 10px }
.tile h3 { margin: 0; color: var(--soft); font-size: 14px; font-weight: 600 }
.tile .number { margin: 2px 0 10px; font-size: 34px; line-height: 1.15; font-weight: 680; letter-spacing: -0.02em }
.tile .note { margin: 10px 0 0; color: var(--soft); font-size: 13px; line-height: 1.45 }
.bar { display: block; width: 100%; height: 6px; border-radius: 3px }
.bar .track { fill: var(--line) }
.bar .value { fill: var(--good); fill-opacity: 0.5 }
.bar .interval { fill: var(--good) }
table { width: 100%; border-collapse: collapse; font-size: 14.5px }
th { padding: 8px 12px; border-bottom: 2px solid var(--line); color: var(--soft); font-size: 13px; font-weight: 600; text-align: left; white-space: nowrap }
td { padding: 7px 12px; border-bottom: 1px solid var(--line) }
tbody tr:last-child td { border-bottom: 0 }
tbody tr:hover { background: color-mix(in srgb, var(--good) 6%, transparent) }
.plain { max-width: 780px }
#figures .plain td + td, #figures .plain th + th { text-align: right }
th.number, td.number { text-align: right; white-space: nowrap }
.total tbody tr:last-child td { border-top: 2px solid var(--line); font-weight: 600 }
#confusion .plain td:nth-child(n+3), #confusion .plain th:nth-child(n+3) { text-align: right }
.scroll { overflow-x: auto }
.sortable th button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer }
.sortable th button:hover { color: var(--ink) }
.sortable th[aria-sort=ascending] button::after { content: " ▲"; font-size: 10px }
.sortable th[aria-sort=descending] button::after { content: " ▼"; font-size: 10px }
.sortable th.number, .sortable td.number, td.rate { text-align: right; white-space: nowrap }
.sortable thead th { position: sticky; top: 0; background: var(--card) }
.scroll:has(.sortable) { max-height: 720px; overflow: auto; border: 1px solid var(--line); border-radius: 10px }
td.rate {
  background:
    linear-gradient(to right, var(--good) calc(var(--share) * 100%), var(--line) 0)
    no-repeat 12px calc(100% - 4px) / calc(100% - 24px) 3px;
}
td.taken { color: var(--soft); font-size: 13.5px }
.tag { padding: 1px 7px; border-radius: 9px; background: var(--good-soft); color: var(--good); font-size: 12px; font-weight: 600; white-space: nowrap }
.tag.bad { background: var(--bad-soft); color: var(--bad) }
.tools { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: 10px 24px; padding: 10px 0; background: var(--card); font-size: 14px }
.tools input { accent-color: var(--good) }
.zoom button { min-width: 34px; padding: 4px 10px; border: 1px solid var(--line); background: none; color: var(--ink); font: inherit; cursor: pointer }
.zoom button:hover { background: var(--good-soft) }
.zoom button:first-child { border-radius: 7px 0 0 7px }
.zoom button + button { border-left: 0 }
.zoom button:last-child { border-radius: 0 7px 7px 0 }
.readout { flex: 1; min-width: 260px; font-weight: 600 }
.matrix-frame { overflow: auto; max-height: 1240px; border: 1px solid var(--line); border-radius: 10px }
.matrix { display: block; height: auto; margin: 0 auto; font-family: inherit }
.matrix .ground { fill: color-mix(in srgb, var(--line) 38%, transparent) }
.matrix .right { fill: var(--good) }
.matrix .wrong { fill: var(--bad) }
.matrix text { fill: var(--soft); dominant-baseline: central }
.matrix .rows text { text-anchor: end }
.matrix text.on { fill: var(--ink); font-weight: 700 }
.matrix .coarse text { font-size: 0.95em }
.matrix .coarse path { fill: none; stroke: var(--soft); stroke-opacity: 0.6 }
.matrix .bands path { fill: none; stroke: var(--line) }
.matrix [hidden] { display: none }
.matrix .cross { fill: var(--ink); fill-opacity: 0.09; pointer-events: none }
section:has(#mistakes-only:checked) .right { visibility: hidden }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 28px 40px }
figure { margin: 0 }
.chart { display: block; width: 100%; max-width: 600px; height: auto; font-size: 12px }
.chart text { fill: var(--soft) }
.chart .axis { fill: var(--ink); font-weight: 600 }
.chart .grid path { stroke: var(--line); fill: none }
.chart .ideal { stroke: var(--soft); stroke-dasharray: 5 5; fill: none }
.chart .value { fill: var(--good) }
.chart .line { stroke: var(--good); stroke-width: 2.5; fill: none; stroke-linejoin: round }
.chart .mark { fill: var(--card); stroke: var(--mark); stroke-width: 2 }
.chart .sure path { stroke: var(--bad); stroke-dasharray: 3 4 }
.chart .sure circle { fill: var(--bad) }
.chart .sure text { fill: var(--bad); font-weight: 650 }
figcaption { color: var(--soft); font-size: 14px }
.charts figcaption { max-width: 60ch; margin-top: 10px }
.charts figcaption strong { display: block; color: var(--ink) }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(196px, 1fr)); gap: 18px }
.card { overflow: hidden; border: 1px solid var(--line); border-radius: 10px }
.card img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; background: var(--line) }
.card figcaption { padding: 10px 14px 12px }
.card p { display: flex; gap: 8px; align-items: baseline; margin: 0; color: var(--ink); font-size: 14px; line-height: 1.5; overflow-wrap: anywhere }
.card p > span:first-child:not(.tag) { flex: none; width: 30px; color: var(--soft); font-size: 12px }
.card b { margin-left: auto; font-weight: 600; white-space: nowrap }
.card .said b { color: var(--bad) }
.card .was b { color: var(--good) }
.card .detail { margin-top: 6px; color: var(--soft); font-size: 12.5px }
.card .file { display: block; overflow: hidden; color: var(--soft); font-size: 12px; text-overflow: ellipsis; white-space: nowrap; direction: rtl; text-align: left }
figure > .file { overflow: hidden; font-size: 12px; text-overflow: ellipsis; white-space: nowrap }
.cards.small { grid-template-columns: repeat(auto-fill, minmax(126px, 1fr)); gap: 12px; margin-top: 24px }
.cards.small figcaption { padding: 8px 10px 10px }
.cards.small p { flex-wrap: wrap; gap: 0 6px; font-size: 13px; overflow-wrap: normal }
.cards.small .detail { font-size: 12px }
.views { display: grid; gap: 18px }
.views div { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 8px }
.views img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 8px; background: var(--line) }
.views figcaption { margin-top: 6px }
.shares { display: block; width: 100%; max-width: 780px; height: 22px; border-radius: 6px; overflow: hidden }
.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 10px 0 22px; padding: 0; color: var(--soft); font-size: 14px; list-style: none }
.legend b { color: var(--ink); font-weight: 650 }
.swatch { display: inline-block; width: 11px; height: 11px; margin-right: 7px; border-radius: 3px }
.both { fill: var(--good); background: var(--good) }
.only-a { fill: var(--first); background: var(--first) }
.only-b { fill: var(--second); background: var(--second) }
.neither { fill: var(--bad); background: var(--bad) }
footer { padding-top: 8px; padding-bottom: 48px; color: var(--soft); font-size: 13px }
:focus-visible { outline: 2px solid var(--good); outline-offset: 2px }
@media (max-width: 700px) {
  main, header > div, footer { padding-left: 16px; padding-right: 16px }
  section { padding: 20px 16px 22px }
  section > p.lead { font-size: 17px }
  .tiles { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px }
  .tile .number { font-size: 27px }
  .plain { font-size: 13px }
  .plain th, .plain td { padding-left: 4px; padding-right: 4px }
  .plain th { font-size: 12px; white-space: normal; vertical-align: bottom }
}
@media print {
  :root {
    color-scheme: light;
    --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc;
    --good: #12805c; --good-soft: #d9efe6; --bad: #d2481f; --bad-soft: #fbe4dc; --mark: #000;
    --first: #8fc9b2; --second: #3f6fb5;
  }
  body { font-size: 12px; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  nav, .tools { display: none }
  section { padding: 12px 0; border: 0 }
  .tiles { grid-template-columns: repeat(4, 1fr) }
  .tile { padding: 10px 12px }
  .tile .number { font-size: 24px }
  .charts { grid-template-columns: 1fr 1fr }
  .tile, .card, figure, tr { break-inside: avoid }
  .matrix-frame, .scroll:has(.sortable) { overflow: visible; max-height: none; border: 0 }
  .matrix { width: 100% !important }
  .sortable thead th { position: static }
  h2 { break-after: avoid }
}
`
