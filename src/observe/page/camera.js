// One camera on the page: its newest picture with boxes, and what recognition says of it.
import { byId, make, write } from './dom.js'
import {
  ago,
  askWords,
  cameraWords,
  decisionWords,
  milliseconds,
  percent,
  sceneWords,
  sentence,
  timeOfDay,
} from './words.js'

const pictureEveryMs = 500

export class CameraCard {
  #id
  #root
  #health = null
  #frame = null
  #frameAt = 0
  #url = null
  #inSight = true
  #stopped = false

  constructor(id) {
    this.#id = id
    this.#root = byId('camera-template').content.firstElementChild.cloneNode(true)
    this.#root.setAttribute('aria-label', `Camera ${id}`)
    write(this.#find('.camera-id'), id)
    this.#find('img').alt = `Newest picture of camera ${id}`
  }

  start(parent) {
    parent.append(this.#root)
    new IntersectionObserver(([entry]) => {
      this.#inSight = entry.isIntersecting
    }).observe(this.#root)
    this.#refresh()
  }

  stop() {
    this.#stopped = true
    this.#root.remove()
  }

  setHealth(camera) {
    const [words, tone] = cameraWords[camera.status] ?? [camera.status, 'wait']
    this.#health = camera
    this.#find('.dot').dataset.tone = tone
    write(this.#find('.camera-status'), `${words}, ${camera.mode}`)
    this.#show()
  }

  setFrame(frame) {
    this.#frame = frame
    this.#frameAt = performance.now() - frame.latencyMs
    this.#show()
  }

  tick() {
    if (!this.#frame) return
    const age = ago(performance.now() - this.#frameAt)
    const words = this.#live ? `seen ${age}` : `last seen ${timeOfDay(this.#frame.capturedAt)}`
    write(this.#find('.camera-age'), words)
  }

  get #live() {
    return this.#health?.status === 'live'
  }

  /** A result is shown only while its camera lives: an old one would pass for what lies there now. */
  #show() {
    const frame = this.#frame
    this.#root.toggleAttribute('data-stale', !this.#live)
    if (!this.#live) this.#showQuiet('No picture', this.#health?.reason?.message ?? '')
    else if (!frame)
      this.#showQuiet('Waiting', 'The camera is live; no picture has been looked at yet.')
    else if (frame.observations.length > 0) this.#showObservations(frame)
    else this.#showScene(frame)
    write(this.#find('.stages'), this.#live && frame ? stages(frame) : '')
    this.#drawBoxes(this.#live ? (frame?.observations ?? []) : [])
    this.tick()
  }

  #find(selector) {
    return this.#root.querySelector(selector)
  }

  #showScene({ scene, reason }) {
    const [headline, meaning] = sceneWords[scene.view] ?? [sentence(scene.view), '']
    this.#showQuiet(headline, meaning || (reason ? `${sentence(reason)}.` : ''))
  }

  #showQuiet(headline, meaning) {
    this.#find('.verdict').replaceChildren()
    this.#find('.candidates').replaceChildren()
    this.#find('.headline').dataset.quiet = ''
    this.#setHeadline(headline)
    write(this.#find('.meaning'), meaning)
  }

  #setHeadline(words) {
    write(this.#find('.headline'), words)
    this.#find('.headline').toggleAttribute('data-long', words.length > 16)
  }

  #showObservations({ observations, reason }) {
    if (observations.length > 1) return this.#showSeveral(observations, reason)
    const [best] = observations
    const [words, tone, meaning] = decisionWords[best.decision] ?? [best.decision, 'wait', '']
    const name = best.candidates[0]?.name
    this.#find('.verdict').replaceChildren(
      make('span', { class: 'chip', 'data-tone': tone }, words),
    )
    delete this.#find('.headline').dataset.quiet
    this.#setHeadline(best.decision === 'unknown' || !name ? 'Not recognised' : name)
    this.#find('.candidates').dataset.tone = tone
    const why = best.askReason ? `${askWords[best.askReason] ?? sentence(best.askReason)} ` : ''
    const told = reason ? `Not announced: ${reason}.` : `${why}${meaning}`
    write(this.#find('.meaning'), told)
    this.#find('.candidates').replaceChildren(...best.candidates.slice(0, 4).map(candidateRow))
  }

  /** On a tray each thing is named, with what is decided of it. */
  #showSeveral(observations, reason) {
    this.#find('.verdict').replaceChildren(
      ...observations.map(({ decision, candidates }) => {
        const [words, tone] = decisionWords[decision] ?? [decision, 'wait']
        const name = decision === 'unknown' ? undefined : candidates[0]?.name
        return make(
          'span',
          { class: 'chip', 'data-tone': tone },
          name ? `${name}: ${words}` : words,
        )
      }),
    )
    delete this.#find('.headline').dataset.quiet
    this.#setHeadline(`${observations.length} things`)
    write(this.#find('.meaning'), reason ? `${sentence(reason)}.` : '')
    this.#find('.candidates').replaceChildren()
  }

  #drawBoxes(observations) {
    const roi = this.#health?.roi ?? [0, 0, 1, 1]
    const [x0, y0, x1, y1] = roi
    const outside = `M0 0H1V1H0ZM${x0} ${y0}H${x1}V${y1}H${x0}Z`
    const parts = roi.join() === '0,0,1,1' ? [] : [shape('path', { class: 'roi', d: outside })]
    for (const { box, decision } of observations) {
      const place = { x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1] }
      parts.push(shape('rect', { class: 'halo', ...place }))
      const tone = decisionWords[decision]?.[1]
      parts.push(shape('rect', { class: 'box', 'data-tone': tone, ...place }))
    }
    this.#find('.boxes').replaceChildren(...parts)
  }

  /** Asks for the next picture only when this one is here, and only while somebody can see it. */
  async #refresh() {
    while (!this.#stopped) {
      const begun = performance.now()
      if (this.#inSight && document.visibilityState === 'visible') await this.#loadPicture()
      await new Promise(done =>
        setTimeout(done, Math.max(50, pictureEveryMs - (performance.now() - begun))),
      )
    }
  }

  async #loadPicture() {
    try {
      const answer = await fetch(`api/v1/cameras/${this.#id}/frame.jpg`)
      if (!answer.ok) throw new Error(`${answer.status}`)
      const url = URL.createObjectURL(await answer.blob())
      const image = this.#find('img')
      image.src = url
      await image.decode()
      if (this.#url) URL.revokeObjectURL(this.#url)
      this.#url = url
      image.hidden = false
      this.#find('.shot').style.setProperty('--ratio', image.naturalWidth / image.naturalHeight)
      delete this.#find('.picture').dataset.empty
    } catch {
      // The status beside the picture says what is wrong; the next round tries again, more slowly.
      await new Promise(done => setTimeout(done, 1500))
    }
  }
}

function shape(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value ?? '')
  return element
}

function stages({ latencyMs, stagesMs }) {
  // The model was not asked: there are no stages to tell.
  if (stagesMs.infer === 0) return `Latency ${milliseconds(latencyMs)}`
  const parts = Object.entries(stagesMs).map(([stage, ms]) => `${stage} ${ms.toFixed(1)}`)
  return `Latency ${milliseconds(latencyMs)}: ${parts.join(', ')}`
}

function candidateRow({ name, plu, score }) {
  const bar = make('i')
  bar.style.width = `${score * 100}%`
  return make(
    'li',
    { class: 'candidate' },
    make('span', {}, name, plu ? make('span', { class: 'plu' }, `PLU ${plu}`) : null),
    make('span', {}, percent(score)),
    make('span', { class: 'meter', 'aria-hidden': 'true' }, bar),
  )
}
