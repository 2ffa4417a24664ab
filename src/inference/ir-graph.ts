// The layers and edges of an OpenVINO IR .xml, found by pattern, with where each stands in the text. No full parser of XML.

export interface IrLayer {
  id: string
  name: string
  type: string
  /** Attributes of its <data>. */
  data: Record<string, string>
  /** Output ports: names of the tensor, and its shape (-1 where a side is free). */
  outputs: { port: string; names: string[]; shape: number[] }[]
  /** Of a Result: the names that users know. */
  resultNames: string[]
  start: number
  end: number
}

export interface IrEdge {
  from: string
  fromPort: string
  to: string
  toPort: string
  start: number
  end: number
}

export interface IrGraph {
  layers: Map<string, IrLayer>
  edges: IrEdge[]
  /** Where a layer and an edge can be put in. */
  layersEnd: number
  edgesEnd: number
  /** true where a layer holds a graph of its own, which patterns cannot tell apart. */
  isNested: boolean
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
const unescaped = (text: string) =>
  text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name]!)

function attributesOf(tag: string): Record<string, string> {
  return Object.fromEntries(
    [...tag.matchAll(/([\w-]+)\s*=\s*"([^"]*)"/g)].map(([, key, value]) => [
      key!,
      unescaped(value!),
    ]),
  )
}

/** Names are separated by commas; a comma inside one is written with a backslash. */
const namesOf = (text: string | undefined): string[] =>
  text ? text.split(/(?<!\\),/).map(name => name.replaceAll('\\,', ',').trim()) : []

function readLayer(match: RegExpMatchArray): IrLayer {
  const [whole, tag, inside] = match as unknown as [string, string, string]
  const { id = '', name = '', type = '', output_names: results } = attributesOf(tag)
  const outputText = /<output>([\s\S]*)<\/output>/.exec(inside)?.[1] ?? ''
  const ports = outputText.matchAll(/<port\b([^>]*?)(?:\/>|>([\s\S]*?)<\/port>)/g)
  return {
    id,
    name,
    type,
    data: attributesOf(/<data\b[^>]*>/.exec(inside)?.[0] ?? ''),
    outputs: [...ports].map(([, port, dims]) => ({
      port: attributesOf(port!).id ?? '',
      names: namesOf(attributesOf(port!).names),
      shape: [...(dims ?? '').matchAll(/<dim>\s*([^<]*?)\s*<\/dim>/g)].map(([, side]) =>
        Number(side),
      ),
    })),
    resultNames: namesOf(results),
    start: match.index!,
    end: match.index! + whole.length,
  }
}

/** Never throws: a text that is no IR gives a graph without layers. */
export function readIrGraph(xml: string): IrGraph {
  const layers = [...xml.matchAll(/[ \t]*<layer\b([^>]*[^/>])>([\s\S]*?)<\/layer>[ \t]*\n?/g)].map(
    readLayer,
  )
  const edges = [...xml.matchAll(/[ \t]*<edge\b([^>]*)>[ \t]*\n?/g)].map(match => {
    const edge = attributesOf(match[1]!)
    return {
      from: edge['from-layer'] ?? '',
      fromPort: edge['from-port'] ?? '',
      to: edge['to-layer'] ?? '',
      toPort: edge['to-port'] ?? '',
      start: match.index,
      end: match.index + match[0].length,
    }
  })
  return {
    layers: new Map(layers.map(layer => [layer.id, layer])),
    edges,
    layersEnd: xml.lastIndexOf('</layers>'),
    edgesEnd: xml.lastIndexOf('</edges>'),
    isNested: /<body\b/.test(xml),
  }
}

/** The edge that feeds a port of a layer. */
export const edgeInto = (graph: IrGraph, to: string, toPort: string): IrEdge | undefined =>
  graph.edges.find(edge => edge.to === to && edge.toPort === toPort)

/** The edges that feed a layer, in the order of its ports. */
export const edgesInto = (graph: IrGraph, to: string): IrEdge[] =>
  graph.edges.filter(edge => edge.to === to).sort((a, b) => Number(a.toPort) - Number(b.toPort))
