// The gallery in the running kiosk: how it answers beside the trained classifier, and a product taught, used and forgotten without a restart.
import t from 'tap'
import type { Classification } from '../src/recognition/classifier.js'
import { together, usualDistance, WithGallery } from '../src/recognition/with-gallery.js'
import type { Candidate, Observation } from '../src/recognition/types.js'

const one = (sku: string, score: number): Candidate => ({
  sku,
  name: sku.toUpperCase(),
  plu: null,
  gtin: null,
  score,
})
const seen = (decision: Observation['decision'], ...candidates: Candidate[]): Observation => ({
  box: [0, 0, 1, 1],
  decision,
  auto: decision === 'sure',
  askReason: decision === 'ask' ? 'confidence' : null,
  candidates,
})
const limits = { distance: 0.3, top: 3 }
const skus = ({ candidates }: Observation) => candidates.map(({ sku }) => sku)

t.test('who answers: the gallery where it is near, unless the trained classifier is sure', t => {
  const gallery = {
    ...seen('sure', one('jam', 0.7), one('tea', 0.3)),
    distance: 0.1,
  }
  const unsure = seen('ask', one('pear', 0.5), one('tea', 0.4), one('fig', 0.1))
  const asked = together(unsure, gallery, limits)
  t.match(asked, { decision: 'sure', auto: true, askReason: null })
  t.same(skus(asked), ['jam', 'tea', 'pear'], 'no sku twice, no more than top')
  t.equal(asked.candidates[2]!.score, 0.3, 'of another scale: never above what the gallery says')
  t.match(together(seen('unknown'), gallery, limits), { decision: 'sure', candidates: [{}, {}] })

  const sure = { ...seen('sure', one('pear', 0.98)), twins: ['pear', 'nashi'] }
  const conflict = together(sure, gallery, limits)
  t.match(conflict, { decision: 'ask', auto: false, askReason: 'conflict' })
  t.same(skus(conflict), ['jam', 'tea', 'pear'])
  t.notOk('twins' in conflict, "the trained classifier's twins are not those of its rival")
  const agrees = seen('sure', one('jam', 0.98))
  t.equal(together(agrees, gallery, limits), agrees)

  for (const decision of ['ask', 'unknown'] as const) {
    t.match(together(unsure, { ...gallery, decision }, limits), {
      decision: 'ask',
      askReason: 'confidence',
      candidates: [{ sku: 'jam' }],
    })
  }
  for (const trained of [unsure, sure, seen('unknown')]) {
    t.equal(together(trained, { ...gallery, distance: 0.31 }, limits), trained, 'too far')
    t.equal(together(trained, { ...gallery, candidates: [], distance: 2 }, limits), trained)
  }
  t.end()
})

t.test(
  'an empty gallery costs nothing, and another one counts from the next picture on',
  async t => {
    let embedded = 0
    const answer = { observation: seen('unknown'), scores: new Float32Array(1) }
    const trained = {
      classify: async () => answer as unknown as Classification,
      stop: async () => {},
    }
    const both = new WithGallery(trained, { top: 4, autoAdd: false })
    const picture = { jpeg: new Uint8Array() }
    const nothing = { content: { products: [], entries: [] }, vectors: new Float32Array(0) }
    both.use(nothing)
    t.equal(await both.classify(picture), answer)
    const measured = {
      temperature: 0.05,
      distance: null,
      sure: 0.9,
      auto: null,
      unknown: 0,
      margin: 0,
    }
    const calibration = measured as never
    const embed = async () => {
      embedded++
      return { embedding: Float32Array.of(1, 0), stagesMs: {} as never }
    }
    both.with({ embed }, { calibration, dims: 2 })
    both.use(nothing)
    t.equal(await both.classify(picture), answer)
    t.equal(embedded, 0)
    const product = (sku: string) => ({ sku, name: sku, plu: null, gtin: null })
    const at = (degrees: number) => [
      Math.cos((degrees * Math.PI) / 180),
      Math.sin((degrees * Math.PI) / 180),
    ]
    const gallery = (...degrees: number[]) => ({
      content: {
        products: degrees.map((_, index) => product(`p${index}`)),
        entries: degrees.map((_, index) => ({ picture: `${index}`, sku: `p${index}` })),
      },
      vectors: Float32Array.from(degrees.flatMap(at)),
    })
    both.use(gallery(90, 10))
    const { observation } = await both.classify(picture)
    t.match(observation, { decision: 'sure', candidates: [{ sku: 'p1' }, { sku: 'p0' }] })
    both.use(gallery(90, 46))
    t.ok(1 - at(46)[0]! > usualDistance && 1 - at(45)[0]! < usualDistance)
    t.equal((await both.classify(picture)).observation, answer.observation)
    both.use(nothing)
    t.equal(await both.classify(picture), answer)
    t.equal(embedded, 2)
  },
)
