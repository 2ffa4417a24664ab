// The look of the commissioning sheet: made for paper, and the same on a screen.

export const style = `
:root { color-scheme: light; --ink: #17201b; --soft: #5a675f; --line: #d5dbd7; --good: #12805c; --bad: #c03c14; --none: #6b7280 }
* { box-sizing: border-box }
body {
  max-width: 210mm; margin: 0 auto; padding: 12mm; background: #fff; color: var(--ink);
  font: 13px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, sans-serif;
  font-variant-numeric: tabular-nums; print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
header { display: flex; gap: 16px; justify-content: space-between; align-items: center; padding: 12px 18px; border-radius: 8px; color: #fff }
header.pass { background: var(--good) }
header.fail { background: var(--bad) }
header p { margin: 0 }
h1 { margin: 0; font-size: 24px; line-height: 1.2; overflow-wrap: anywhere }
.verdict { text-align: right }
.verdict strong { display: block; font-size: 34px; line-height: 1; letter-spacing: 0.02em }
h2 { margin: 14px 0 4px; font-size: 14px }
dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px 18px; margin: 10px 0 }
dl div { min-width: 0 }
dt { color: var(--soft); font-size: 11px }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse }
th, td { padding: 5px 8px; border-top: 1px solid var(--line); text-align: left; vertical-align: top }
.steps th { width: 21%; font-weight: 650 }
.steps td:nth-child(2) { width: 15% }
th small { display: block; color: var(--soft); font-weight: 400 }
ul { display: flex; flex-wrap: wrap; gap: 1px 16px; margin: 0; padding: 0; list-style: none }
li small { color: var(--soft) }
li.ok::before { content: "✓ "; color: var(--good) }
li.bad::before { content: "✗ "; color: var(--bad) }
li.bad b, td.bad { color: var(--bad) }
.note { margin: 2px 0 0; color: var(--soft); overflow-wrap: anywhere }
.remedy { margin: 2px 0 0; color: var(--bad) }
.mark { display: inline-block; padding: 1px 9px; border-radius: 10px; background: var(--none); color: #fff; font-weight: 650; white-space: nowrap }
.mark.pass { background: var(--good) }
.mark.fail { background: var(--bad) }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; margin: 12px 0 }
figure { margin: 0; break-inside: avoid }
img { display: block; width: 100%; border: 1px solid var(--line); border-radius: 4px }
figcaption { color: var(--soft); font-size: 11px }
.items td, .items th { padding: 2px 8px }
.items th { color: var(--soft); font-size: 11px; font-weight: 600 }
.number { text-align: right }
tr { break-inside: avoid }
.sign { display: flex; gap: 24px; margin: 34px 0 10px }
.sign span { flex: 1; padding-top: 3px; border-top: 1px solid var(--ink); color: var(--soft); font-size: 11px }
footer { color: var(--soft); font-size: 11px; break-inside: avoid }
@media (max-width: 640px) {
  body { padding: 12px }
  dl, .pictures { grid-template-columns: repeat(2, 1fr) }
  .steps tr { display: grid; grid-template-columns: 1fr auto; border-top: 1px solid var(--line) }
  .steps th, .steps td { width: auto !important; border-top: 0 }
  .steps td:last-child { grid-column: 1 / -1; padding-top: 0 }
  .items { font-size: 11px }
  .items td, .items th { padding: 2px 4px; overflow-wrap: anywhere }
}
@page { size: A4; margin: 10mm }
@media print { body { max-width: none; padding: 0; font-size: 11.5px } }
`
