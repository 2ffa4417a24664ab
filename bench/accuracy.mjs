// `npm run accuracy`: figures of the shipped weights on the data of ../shared, where that is, by the real commands; --write puts them into bench/accuracy.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const data = join(process.env.GROCERD_SHARED ?? resolve(root, '..', 'shared'), 'data')
const models = join(root, 'models')
const scratch = mkdtempSync(join(tmpdir(), 'grocerd-accuracy-'))
const lines = []
const say = line => {
  lines.push(line)
  console.log(line)
}
const percent = share => `${(100 * share).toFixed(1)} %`
const three = ({ 1: one, 5: five, 20: twenty }) => [one, five, twenty].map(percent).join(', ')
const metricsOf = name => JSON.parse(readFileSync(join(models, name, 'model.json'), 'utf8')).metrics

/** The figures that `grocerd evaluate` gives. */
function evaluate(...args) {
  const file = join(scratch, 'figures.json')
  const main = join(root, 'dist', 'main.js')
  const run = spawnSync(process.execPath, [main, 'evaluate', ...args, '--json', file], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (run.status !== 0) throw new Error(`grocerd evaluate ${args.join(' ')}: ${run.stderr}`)
  return JSON.parse(readFileSync(file, 'utf8'))
}

function classifier() {
  const model = join(models, 'grocery81')
  const one = evaluate('--model', model, '--out-of-fold', join(model, 'out-of-fold.csv'))
  say('**Classifier, grocery81**')
  say('')
  say(
    `- Held out: ${one.images} photographs (train and val of the Grocery Store Dataset), each judged by a model that did not see it nor its look-alikes (out-of-fold.csv; no pictures are needed): top 1 ${percent(one.top1)}, top 4 ${percent(one.top4)}, macro F1 ${percent(one.macroF1)}, coarse ${percent(one.coarseTop1)}; \`sure\` on ${percent(one.sure.coverage)}, right there ${percent(one.sure.precision)}.`,
  )
  const list = join(data, 'grocery-store', 'val.txt')
  if (!existsSync(list)) {
    say('- The shipped file on pictures: not run, the Grocery Store Dataset is not here.')
    return
  }
  const rows = readFileSync(list, 'utf8').trim().split('\n')
  const csv = join(scratch, 'val.csv')
  const cells = rows.map(row => row.split(',').map(cell => cell.trim()))
  writeFileSync(
    csv,
    cells.map(([path, label]) => `${join(data, 'grocery-store', path)},${label}\n`).join(''),
  )
  const seen = evaluate('--model', model, '--images', csv)
  say(
    `- No claim: the shipped file on the ${seen.images} photographs of val.txt, which it was trained on: top 1 ${percent(seen.top1)}. It says that the file is whole.`,
  )
}

function detector() {
  const model = join(models, 'grocery-detector')
  const { openvinoInt8: told } = metricsOf('grocery-detector')
  say('**Detector, grocery-detector**')
  say('')
  const coco = join(data, 'shelf-boxes', 'coco.json')
  if (existsSync(coco)) {
    // The very split of models/training/shelves.py: it is cut by look, so its result is kept beside the model.
    const out = new Set(readFileSync(join(model, 'held-out.txt'), 'utf8').trim().split('\n'))
    const all = JSON.parse(readFileSync(coco, 'utf8'))
    const images = all.images.filter(one => out.has(one.file_name))
    const ids = new Set(images.map(one => one.id))
    const file = join(scratch, 'coco.json')
    const path = name => join(data, 'shelf-boxes', name)
    writeFileSync(
      file,
      JSON.stringify({
        images: images.map(one => ({ ...one, file_name: path(one.file_name) })),
        annotations: all.annotations.filter(one => ids.has(one.image_id)),
      }),
    )
    for (const runtime of ['openvino', 'onnxruntime']) {
      try {
        const one = evaluate('--model', model, '--images', file, '--runtime', runtime)
        say(
          `- Held out, ${runtime}: ${one.images} of the ${all.images.length} shelf photographs (held-out.txt: 15 %, cut by look before training), ${one.boxes} boxes: AP50 ${percent(one.ap50)}, AP75 ${percent(one.ap75)}, AP ${percent(one.ap)}, recall at one false box a picture ${percent(one.recallAt1fp)}.`,
        )
      } catch (error) {
        if (!/RUNTIME_/.test(error.message)) throw error
        say(`- ${runtime}: not run: ${String(error.message).trim().split('\n')[0]}`)
      }
    }
  } else say('- Shelves: not run, the shelf-boxes photographs are not here.')
  const { images, boxes, ap50, ap75, ap, recallAtOneFalse } = told.counter
  say(
    `- Not run here, from model.json: ${images} composed counters (models/training/scenes.py, INT8), ${boxes} boxes: AP50 ${percent(ap50)}, AP75 ${percent(ap75)}, AP ${percent(ap)}, recall at one false box ${percent(recallAtOneFalse.recall)}.`,
  )
}

function embedder() {
  const { openvinoInt8: told } = metricsOf('grocery-embedder')
  say('**Embedder, grocery-embedder**')
  say('')
  say(
    `- Not run here, from model.json: the shipped file was trained on all 81 classes, so unseen ones were measured with two others of the same training, each on the half that it did not see (2,936 photographs in all, INT8). From 1, 5 and 20 photographs: other looks ${three(told.otherLooks)}; other days ${three(told.otherDays)}; any other photograph ${three(told.any)}; one studio picture ${percent(told.studio)}.`,
  )
  const named = [1, 5, 20].map(count => percent(told.strangers[count].named)).join(', ')
  say(`- From model.json: where 2 % of strangers are accepted, still named right: ${named}.`)
}

/** Packs named by what stands on them, with no picture of any: the readers were trained by others, on none of these. */
async function text() {
  say('**Text on the pack, pp-ocr-detector and pp-ocr-recogniser**')
  say('')
  const folder = join(data, 'grocery-store')
  const list = join(folder, 'val.txt')
  if (!existsSync(list)) {
    say('- Not run, the Grocery Store Dataset is not here.')
    return
  }
  const dist = name => import(join(root, 'dist', 'recognition', name))
  const [{ TextReader }, { TextMatcher }, { readPicture }] = await Promise.all(
    ['text/reader.js', 'text/match.js', 'picture.js'].map(dist),
  )
  const cellsOf = file =>
    readFileSync(join(folder, file), 'utf8')
      .trim()
      .split('\n')
      .map(row => row.split(',').map(cell => cell.trim()))
  const packs = cellsOf('classes.csv').filter(cells => cells[4]?.includes('Packages'))
  const matcher = new TextMatcher(
    packs.map(([name]) => ({ name: name.replaceAll('-', ' '), texts: [] })),
  )
  const places = new Map(packs.map((cells, index) => [cells[1], index]))
  const pictures = cellsOf('val.txt').filter(([path]) => path.includes('Packages'))
  const reader = new TextReader({
    detector: 'pp-ocr-detector',
    recogniser: 'pp-ocr-recogniser',
    runtime: {},
  })
  await reader.start()
  const hits = { read: 0, first: 0, four: 0 }
  for (const [path, fine] of pictures) {
    const lines = await reader.read(await readPicture(readFileSync(join(folder, path)), path))
    const found = matcher.match(lines.map(line => line.text).join(' ')).slice(0, 4)
    const wanted = places.get(fine)
    if (lines.length > 0) hits.read++
    if (found[0]?.product === wanted) hits.first++
    if (found.some(one => one.product === wanted)) hits.four++
  }
  await reader.stop()
  const share = count => percent(count / pictures.length)
  say(
    `- By the names of ${packs.length} products alone, ${pictures.length} photographs of packs (val.txt): text found on ${share(hits.read)}, the right product first ${share(hits.first)}, among four ${share(hits.four)}.`,
  )
}

/** The figures that a test says of itself; null where it says none. */
function saidBy(file, env = {}) {
  const run = spawnSync('npx', ['tap', '--reporter=tap', '--timeout=0', file], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
  })
  const line = run.stdout.split('\n').findLast(one => /^ *# \{.*"precision"/.test(one))
  return line ? JSON.parse(line.slice(line.indexOf('{'))) : null
}

function tracking() {
  say('**Several things on a tray: what the till is told**')
  say('')
  const tell = (what, figures) => {
    if (!figures) return say(`- ${what}: not run, the tests are not here or gave no figures.`)
    const { precision, recall, idSwitches, placedP95Ms } = figures
    say(
      `- ${what}: events precision ${percent(precision)}, recall ${percent(recall)}, id switches ${percent(idSwitches)} of the things, \`placed\` ${Math.round(placedP95Ms)} ms after the thing lay still (p95).`,
    )
  }
  tell('240 scripts of observations, no pictures', saidBy('test/31-tray-counter.test.ts'))
  const clips = { GROCERD_CLIPS: process.env.GROCERD_CLIPS ?? '6' }
  tell(
    `${clips.GROCERD_CLIPS} clips of painted pictures through the shipped detector and embedder, which was trained on these products (so naming is no claim)`,
    saidBy('test/35-tray-clips.test.ts', clips),
  )
}

try {
  for (const part of [classifier, detector, embedder, text, tracking]) {
    await part()
    say('')
  }
} finally {
  rmSync(scratch, { recursive: true })
}
if (process.argv.includes('--write')) {
  const page = join(root, 'bench', 'accuracy.md')
  const [before, after] = readFileSync(page, 'utf8').split(/<!-- table -->[\s\S]*<!-- \/table -->/)
  const table = `<!-- table -->\n${new Date().toISOString().slice(0, 10)}, Node ${process.version}\n\n${lines.join('\n')}<!-- /table -->`
  writeFileSync(page, before + table + after)
}
