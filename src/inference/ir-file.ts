// What a load must know of an OpenVINO IR .xml before a runtime sees it, read by pattern: the runtime is the parser.

export interface IrFacts {
  version: number
  /** Shape of the first parameter; -1 where a dimension is free. Empty where none is found. */
  inputShape: number[]
  endsInSoftmax: boolean
}

/** Never throws: what is not found is left empty, and the runtime says what is wrong. */
export function readIr(xml: string): IrFacts {
  const version = Number(/<net\b[^>]*\bversion="(\d+)"/.exec(xml)?.[1] ?? 0)
  const types = new Map<string, string>()
  let inputShape: number[] = []
  for (const [, tag, inside] of xml.matchAll(/<layer\b([^>]*)>\s*(<data\b[^>]*>)?/g)) {
    const id = /\bid="(\d+)"/.exec(tag!)?.[1]
    const type = /\btype="(\w+)"/.exec(tag!)?.[1]
    if (id === undefined || type === undefined) continue
    types.set(id, type)
    const shape = /\bshape="([^"]*)"/.exec(inside ?? '')?.[1]
    if (type === 'Parameter' && shape !== undefined && inputShape.length === 0) {
      inputShape = shape.split(',').map(size => (/^\s*\d+\s*$/.test(size) ? Number(size) : -1))
    }
  }
  let endsInSoftmax = false
  for (const [tag] of xml.matchAll(/<edge\b[^>]*>/g)) {
    const from = /\bfrom-layer="(\d+)"/.exec(tag)?.[1] ?? ''
    const to = /\bto-layer="(\d+)"/.exec(tag)?.[1] ?? ''
    if (types.get(to) === 'Result' && /^softmax$/i.test(types.get(from) ?? '')) endsInSoftmax = true
  }
  return { version, inputShape, endsInSoftmax }
}
