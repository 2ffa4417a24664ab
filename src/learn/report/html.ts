// HTML as text in which every value is escaped unless it is HTML already. Knows nothing of evaluations.

/** Text that is safe to stand in a page as it is. */
export class Html {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text
  }
}

type Value = Html | string | number | null | undefined | false | readonly Value[]

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function show(value: Value): string {
  if (value instanceof Html) return value.text
  if (value === null || value === undefined || value === false) return ''
  if (typeof value === 'object') return value.map(show).join('')
  return String(value).replace(/[&<>"']/g, character => entities[character]!)
}

/** html`<p>${anything}</p>`: lists are joined; null, undefined and false are left out. */
export const html = (strings: TemplateStringsArray, ...values: Value[]): Html =>
  new Html(strings.map((string, index) => string + show(values[index])).join(''))

/** For text of our own, such as the style sheet. */
export const raw = (text: string): Html => new Html(text)

/** What stands in a <dl>: name and value. */
export const factRows = (facts: readonly (readonly [string, Value])[]): Html[] =>
  facts.map(
    ([name, value]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`,
  )

/** A whole page that needs no other file. @param style CSS of our own */
export const page = (title: string, style: string, body: Html): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `.text

/** 0.8734 -> "87.3 %", with a thin no-break space. */
export const percent = (share: number | null, digits = 1): string =>
  share === null ? '–' : `${(share * 100).toFixed(digits)}\u202f%`

/** Coordinates with two decimals: more only makes the file larger. */
export const at = (value: number): string => String(Math.round(value * 100) / 100)
