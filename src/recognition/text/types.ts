// What is read on a pack. Types only.

/** A turned rectangle, pixels. The first axis is the way that the text runs, the second goes down from it. */
export interface Rectangle {
  x: number
  y: number
  /** Unit vector along the line. */
  along: [x: number, y: number]
  /** Along the line and across it. */
  length: number
  height: number
}

/** A line of text. */
export interface TextLine {
  text: string
  /** Mean probability of its symbols, 0..1. */
  score: number
}
