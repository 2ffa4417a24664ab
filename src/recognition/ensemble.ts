// Several classifiers that answer as one: loads them, shows each picture to all, and lets vote.ts count.
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type EnsembleConfig, ensembleName } from '../config/schema.js'
import { GroceryError } from '../errors.js'
import { type EngineInput, preprocess } from '../inference/addon.js'
import type { ModelState, RuntimeState } from '../protocol.js'
import { type Assortment, readAssortment } from './assortment.js'
import {
  assortmentFiles,
  boxOf,
  type Classification,
  type ClassifierInfo,
  type ClassifierOptions,
  type PictureClassifier,
  productsIn,
} from './classifier.js'
import { type Thresholds, thresholdsOf } from './decision.js'
import { Network, type NetworkInfo } from './network.js'
import type { StagesMs } from './types.js'
import { conclude, describe } from './variants.js'
import { hardVote, orderOf, shares, softVote, withMajority } from './vote.js'
import { weigh } from './weigh.js'

export interface EnsembleOptions extends Omit<ClassifierOptions, 'model'> {
  ensemble: EnsembleConfig
}

interface Member {
  network: Network
  info: NetworkInfo
  /** Of all weights, 0..1. */
  weight: number
  /** Where the ensemble's classes stand in this model. */
  order: number[]
}

interface Shop {
  assortment: Assortment
  thresholds: Thresholds
  /** Members whose input is the same: a picture is prepared once for all of one list. */
  sameInput: Member[][]
}

const isBare = (model: string) => /\.(xml|onnx)$/.test(model)

/** The sum of versions grows with every member's; the hash is of all that the answers depend on. */
function stateOf({ vote, members }: EnsembleConfig, infos: NetworkInfo[]): ModelState {
  const hash = createHash('sha256').update(vote)
  infos.forEach(({ model }, index) => hash.update(`\n${members[index]!.weight} ${model.sha256}`))
  return {
    name: ensembleName(infos.map(({ model }) => model.name)),
    version: infos.reduce((sum, { model }) => sum + model.version, 0),
    sha256: hash.digest('hex'),
    kind: 'classifier',
    classes: infos[0]!.labels.length,
  }
}

function runtimeOf(infos: NetworkInfo[]): RuntimeState {
  const distinct = (key: keyof RuntimeState) =>
    [...new Set(infos.map(({ runtime }) => runtime[key]))].join('+')
  return { name: distinct('name'), version: distinct('version'), device: distinct('device') }
}

export class Ensemble implements PictureClassifier {
  readonly #options: EnsembleOptions
  #members: Member[] = []
  #shop: Shop | null = null

  constructor(options: EnsembleOptions) {
    this.#options = options
  }

  /** Throws what a classifier throws, with the member's name before it, and ENSEMBLE_MISMATCH. */
  async start(): Promise<ClassifierInfo> {
    const began = performance.now()
    const { ensemble, recognition } = this.#options
    try {
      for (const one of ensemble.members) await this.#load(one)
      const infos = this.#members.map(({ info }) => info)
      const assortment = readAssortment(infos[0]!.labels, assortmentFiles(this.#options))
      const thresholds = thresholdsOf(
        infos.map(({ calibration }) => calibration),
        recognition,
      )
      this.#shop = { assortment, thresholds, sameInput: this.#bySameInput() }
      return {
        model: stateOf(ensemble, infos),
        runtime: runtimeOf(infos),
        ...productsIn(assortment),
        thresholds,
        members: infos.map(({ model }, index) => ({
          model,
          weight: ensemble.members[index]!.weight,
        })),
        loadMs: performance.now() - began,
      }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async classify(input: EngineInput): Promise<Classification> {
    if (!this.#shop) {
      throw new GroceryError('ENGINE_STOPPED', 'Expected a started ensemble but it is not started')
    }
    const { assortment, thresholds } = this.#shop
    const { plain, stagesMs } = await this.#inferAll(input, this.#shop)
    const weights = this.#members.map(({ weight }) => weight)
    const members = plain.map(scores => weigh(scores, assortment).scores)
    const mean = weigh(softVote(plain, weights), assortment)
    let conclusion = conclude(mean, assortment, thresholds)
    let { scores } = mean
    if (this.#options.ensemble.vote === 'hard') {
      const votes = shares(members, weights)
      scores = hardVote(votes, mean.scores)
      conclusion = withMajority(conclusion, votes)
    }
    const observation = describe(boxOf(input), scores, conclusion, assortment, thresholds.top)
    return { scores, members, observation, stagesMs }
  }

  async stop(): Promise<void> {
    const members = this.#members
    this.#members = []
    this.#shop = null
    await Promise.all(members.map(({ network }) => network.stop()))
  }

  async #load({ model, weight }: EnsembleConfig['members'][number]): Promise<void> {
    const { labels, flags, ...rest } = this.#options
    // Labels and flags are for bare files; a folder says all of it itself.
    const network = new Network({ ...rest, model, ...(isBare(model) ? { labels, flags } : {}) })
    const info = await network.start().catch(error => {
      if (!(error instanceof GroceryError)) throw error
      const words = `ensemble member ${model}: ${error.message}`
      throw new GroceryError(error.code, words, { cause: error, details: error.details })
    })
    const { members } = this.#options.ensemble
    const total = members.reduce((sum, one) => sum + one.weight, 0)
    const member: Member = { network, info, weight: weight / total, order: [] }
    // Before anything else can fail: stop() must find it.
    this.#members.push(member)
    const first = { name: members[0]!.model, labels: this.#members[0]!.info.labels }
    member.order = orderOf(first, { name: model, labels: info.labels })
  }

  #bySameInput(): Member[][] {
    const groups: Member[][] = []
    for (const member of this.#members) {
      const group = groups.find(([first]) =>
        isDeepStrictEqual(first!.info.input, member.info.input),
      )
      if (group) group.push(member)
      else groups.push([member])
    }
    return groups
  }

  /** The plain scores of each member in the order of the ensemble's classes, and the time that all took. */
  async #inferAll(input: EngineInput, { sameInput }: Shop) {
    const total: StagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }
    const scoresOf = new Map<Member, Float32Array>()
    const show = async (group: Member[]) => {
      let shown = input
      if (group.length > 1 && !('tensor' in input)) {
        const { tensor, stagesMs } = await preprocess(input, group[0]!.info.input)
        total.decode += stagesMs.decode
        total.resize += stagesMs.resize
        shown = { tensor }
      }
      for (const member of group) {
        const { scores, stagesMs } = await member.network.infer(shown)
        for (const stage of Object.keys(total) as (keyof StagesMs)[])
          total[stage] += stagesMs[stage]
        scoresOf.set(
          member,
          scores.map((_, index) => scores[member.order[index]!]!),
        )
      }
    }
    for (const group of sameInput) await show(group)
    return { plain: this.#members.map(member => scoresOf.get(member)!), stagesMs: total }
  }
}
