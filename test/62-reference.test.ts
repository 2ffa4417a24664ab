// The shipped models against Python's own OpenCV and runtimes on the same photographs.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import t from 'tap'
import { openModel } from '../src/inference/manifest.js'
import { Classifier } from '../src/recognition/classifier.js'
import { Detector } from '../src/recognition/detector.js'
import { Embedder } from '../src/recognition/embedder.js'
import { readPicture } from '../src/recognition/picture.js'

t.setTimeout(180_000)

const python = process.env.GROCERD_REFERENCE_PYTHON
const store = join(process.env.GROCERD_SHARED ?? resolve('..', 'shared'), 'data', 'grocery-store')
const noPython =
  !python || spawnSync(python, ['-c', 'import cv2, openvino, onnxruntime, scipy']).status !== 0
    ? 'GROCERD_REFERENCE_PYTHON names no Python with opencv, openvino, onnxruntime and scipy'
    : false
const skip = existsSync(join(store, 'val.txt'))
  ? noPython
  : 'the Grocery Store photographs are not here (GROCERD_SHARED)'

interface Reference {
  images: Record<string, { index: number; score: number; scores: number[] }>[]
}

t.test(
  'the same JPEG gives what OpenCV and Python give, in both runtimes, and evaluate agrees',
  { skip },
  async t => {
    const dir = t.testdir()
    mkdirSync(dir, { recursive: true })
    const rows = readFileSync(join(store, 'val.txt'), 'utf8')
      .trim()
      .split('\n')
      .map(row => row.split(',').map(cell => cell.trim()))
    const list = join(dir, 'val.csv')
    writeFileSync(list, rows.map(([path, fine]) => `${join(store, path!)},${fine}`).join('\n'))
    const out = join(dir, 'reference.json')
    const made = spawnSync(
      python!,
      [
        'models/training/reference.py',
        '--model',
        'models/grocery81',
        '--images',
        list,
        '--out',
        out,
      ],
      { encoding: 'utf8', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } },
    )
    t.equal(made.status, 0, made.stderr)
    const { images } = JSON.parse(readFileSync(out, 'utf8')) as Reference

    for (const runtime of ['openvino', 'onnxruntime'] as const) {
      const classifier = new Classifier({ runtime: { prefer: runtime }, precisionHint: 'f32' })
      await classifier.start()
      let agree = 0
      let difference = 0
      let right = 0
      for (const [index, [path, fine]] of rows.entries()) {
        const bytes = await readFile(join(store, path!))
        const { scores } = await classifier.classify(await readPicture(bytes, path!))
        const best = scores.indexOf(Math.max(...scores))
        const expected = images[index]![runtime]!
        if (best === expected.index) agree++
        if (best === Number(fine)) right++
        difference += Math.abs(scores[expected.index]! - expected.score) / rows.length
      }
      await classifier.stop()
      const theirs = images.filter(
        (image, index) => image[runtime]!.index === Number(rows[index]![1]),
      ).length
      const share = agree / rows.length
      t.ok(
        share >= 0.98,
        `${runtime}: the same top-1 on ${(100 * share).toFixed(1)} % of ${rows.length}`,
      )
      t.ok(difference <= 0.02, `${runtime}: scores differ by ${difference.toFixed(5)} on average`)
      t.ok(
        Math.abs(right - theirs) <= 0.01 * rows.length,
        `${runtime}: right ${right}, in Python ${theirs}`,
      )
      if (runtime !== 'openvino') continue
      const json = join(dir, 'evaluate.json')
      const ran = spawnSync(
        process.execPath,
        ['dist/main.js', 'evaluate', '--model', 'grocery81', '--images', list, '--json', json],
        { encoding: 'utf8' },
      )
      t.equal(ran.status, 0, ran.stderr)
      const { top1, images: count } = JSON.parse(readFileSync(json, 'utf8'))
      t.equal(count, rows.length)
      t.ok(Math.abs(top1 - theirs / rows.length) <= 0.01, `evaluate says ${top1}`)
    }
  },
)

t.test(
  'the detector and the embedder that ship say what Python says of the pictures of the demo',
  { skip: noPython },
  async t => {
    const dir = t.testdir()
    const folder = resolve('deploy/demo/pictures')
    const files = readdirSync(folder).filter(name => name.endsWith('.jpg'))
    const list = join(dir, 'demo.csv')
    writeFileSync(list, files.map(name => join(folder, name)).join('\n'))
    const reference = (model: string) => {
      const out = join(dir, `${model}.json`)
      const command = ['models/training/reference.py', '--model', `models/${model}`]
      const made = spawnSync(python!, [...command, '--images', list, '--out', out], {
        encoding: 'utf8',
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      })
      t.equal(made.status, 0, made.stderr)
      return JSON.parse(readFileSync(out, 'utf8')).images as Record<
        string,
        { embedding: number[]; boxes: number[][]; scores: number[] }
      >[]
    }
    const points = reference('grocery-embedder')
    const boxes = reference('grocery-detector')
    const minScore = openModel('grocery-detector').manifest.calibration.unknown
    for (const prefer of ['openvino', 'onnxruntime'] as const) {
      const same = { runtime: { prefer }, precisionHint: 'f32' } as const
      const embedder = new Embedder({ model: 'grocery-embedder', ...same })
      const detector = new Detector({ model: 'grocery-detector', minScore, ...same })
      await embedder.start()
      await detector.start()
      for (const [at, name] of files.entries()) {
        const picture = await readPicture(await readFile(join(folder, name)), name)
        const { embedding } = await embedder.embed(picture)
        const expected = points[at]![prefer]!.embedding
        const cosine = embedding.reduce((sum, one, d) => sum + one * expected[d]!, 0)
        t.ok(cosine > 0.99, `${prefer} ${name}: cosine ${cosine}`)
        const { detections } = await detector.detect(picture)
        const wanted = boxes[at]![prefer]!
        t.equal(detections.length, wanted.boxes.length, `${prefer} ${name}`)
        const apart = detections.flatMap(({ box, score }, k) => [
          Math.abs(score - wanted.scores[k]!),
          ...box.map((one, side) => Math.abs(one - wanted.boxes[k]![side]!)),
        ])
        t.ok(Math.max(0, ...apart) < 0.01, `${prefer} ${name}: ${Math.max(...apart)}`)
      }
      await embedder.stop()
      await detector.stop()
    }
  },
)
