// Hands, goods and coverings over a tray, seen as vision would see them: each frame has its brightness grid.
import type { Box } from '../../src/recognition/types.js'
import { Stage, type Thing } from '../tray/stage.js'
import { type Lane, spots } from './checkout-script.js'

const faultless = { missed: 0, falseBoxes: 0, confused: 0, jitter: 0, flicker: 0.01 }
const skus = ['apple', 'pear', 'yoghurt', 'melon', 'fig', 'tea', 'bread']

/** A place of its own for each of more things than `spots` has. */
export const cell = (column: number, row: number): Box => {
  const [x, y] = [0.04 + column * 0.24, 0.06 + row * 0.3]
  return [x, y, x + 0.17, y + 0.2]
}
const boxOf = (spot: string | Box): Box => (typeof spot === 'string' ? spots[spot]! : spot)
const grown = ([x0, y0, x1, y1]: Box, by: number): Box => [x0 - by, y0 - by, x1 + by, y1 + by]

export function trayScene(lane: Lane) {
  const stage = new Stage(5, faultless, { skus })
  const lying = new Map<string, Thing>()
  const scene = {
    stage,
    still(frames: number) {
      for (let n = 0; n < frames; n++) {
        stage.tick()
        lane.show(stage.frames.at(-1)!.frame)
      }
      return scene
    },
    /** A hand is over a place and moves, until it is gone or another word says otherwise. */
    hand(over: string | Box, frames = 3) {
      const [x0, y0, x1] = boxOf(over)
      stage.hand = [x0 - 0.02, y0 - 0.03, x1 + 0.02, 1]
      stage.handRests = false
      return scene.still(frames)
    },
    away() {
      stage.hand = null
      stage.handRests = false
      return scene.still(1)
    },
    /** Something that is no goods lies over a place and never moves. */
    cover(over: string | Box) {
      scene.hand(over, 3)
      stage.hand = grown(boxOf(over), 0.03)
      stage.handRests = true
      return scene.still(1)
    },
    /** Laid down by a hand; `name` is how later words call it. */
    put(name: string, spot: string | Box, sku = name.replace(/\d$/, '')) {
      scene.hand(spot, 3)
      const thing = {
        ...stage.thing(sku, boxOf(spot)),
        luma: sku === 'pear' ? 215 : 60,
        rests: true,
      }
      stage.things.push(thing)
      lying.set(name, thing)
      return scene.hand(spot, 2).away()
    },
    take(name: string) {
      const thing = lying.get(name)!
      scene.hand(thing.box, 3)
      stage.things.splice(stage.things.indexOf(thing), 1)
      return scene.hand(thing.box, 2).away()
    },
    box: (name: string) => lying.get(name)!.box,
  }
  return scene
}
export type TrayScene = ReturnType<typeof trayScene>
