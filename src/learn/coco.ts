// Boxes on pictures as COCO writes them: one JSON file, names of pictures relative to it.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { GroceryError } from '../errors.js'
import type { Box } from '../recognition/types.js'

export interface BoxedPicture {
  /** As the file names it. */
  file: string
  path: string
  /** 0..1 of the picture. */
  boxes: Box[]
  /** Whether a box stands for many things: what is found in it is neither right nor wrong. */
  crowd: boolean[]
}

const number = z.number().refine(Number.isFinite)
const cocoSchema = z.object({
  images: z.array(
    z.object({
      id: z.union([z.number(), z.string()]),
      file_name: z.string().min(1),
      width: number.gt(0),
      height: number.gt(0),
    }),
  ),
  annotations: z.array(
    z.object({
      image_id: z.union([z.number(), z.string()]),
      /** Left, top, width, height in pixels. */
      bbox: z.tuple([number, number, number, number]),
      iscrowd: z.union([z.number(), z.boolean()]).default(0),
    }),
  ),
})

/** @returns the pictures in the order of the file, those without a box too. Throws DATASET_INVALID. */
export function readCoco(file: string): BoxedPicture[] {
  const invalid = (words: string, cause?: unknown) =>
    new GroceryError('DATASET_INVALID', `${file}: ${words}`, { cause })
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw invalid(`Expected a COCO file but reading it failed: ${(cause as Error).message}`, cause)
  }
  const result = cocoSchema.safeParse(json)
  if (!result.success) {
    const { path, message } = result.error.issues[0]!
    throw invalid(`${path.join('.')}: ${message}`)
  }
  const { images, annotations } = result.data
  if (images.length === 0) throw invalid('Expected pictures but it has none')
  const sizes = new Map(images.map(one => [one.id, one]))
  const pictures = new Map(
    images.map(({ id, file_name }) => [
      id,
      {
        file: file_name,
        path: resolve(dirname(file), file_name),
        boxes: [] as Box[],
        crowd: [] as boolean[],
      },
    ]),
  )
  for (const { image_id, bbox, iscrowd } of annotations) {
    const [size, picture] = [sizes.get(image_id), pictures.get(image_id)]
    if (!size || !picture) throw invalid(`Expected a picture with the id ${image_id} of a box`)
    const [left, top, width, height] = bbox
    if (width <= 0 || height <= 0) continue
    picture.boxes.push([
      left / size.width,
      top / size.height,
      (left + width) / size.width,
      (top + height) / size.height,
    ])
    picture.crowd.push(Boolean(iscrowd))
  }
  return [...pictures.values()]
}
