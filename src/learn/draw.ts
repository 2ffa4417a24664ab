// The few shapes that degradations draw, into masks of one byte a pixel, row by row. Pure.

export type Point = [x: number, y: number]

/** @param radii before the turn, pixels. @param turn degrees clockwise */
export function fillEllipse(
  mask: Uint8Array,
  width: number,
  [middleX, middleY]: Point,
  [radiusX, radiusY]: Point,
  turn: number,
): void {
  const [sin, cos] = [Math.sin((turn * Math.PI) / 180), Math.cos((turn * Math.PI) / 180)]
  const reach = Math.ceil(Math.max(radiusX, radiusY))
  eachAround(mask, width, [middleX, middleY], reach, (dx, dy, at) => {
    const [x, y] = [(cos * dx + sin * dy) / radiusX, (cos * dy - sin * dx) / radiusY]
    if (x * x + y * y <= 1) mask[at] = 255
  })
}

/** A quadratic Bezier curve, as a pen of that width draws it. */
export function strokeCurve(
  mask: Uint8Array,
  width: number,
  [from, over, to]: [Point, Point, Point],
  wide: number,
): void {
  const length =
    Math.hypot(over[0] - from[0], over[1] - from[1]) + Math.hypot(to[0] - over[0], to[1] - over[1])
  const steps = Math.max(1, Math.ceil(length))
  const radius = wide / 2
  for (let step = 0; step <= steps; step++) {
    const t = step / steps
    const along = (axis: 0 | 1) =>
      (1 - t) ** 2 * from[axis] + 2 * t * (1 - t) * over[axis] + t ** 2 * to[axis]
    eachAround(mask, width, [along(0), along(1)], Math.ceil(radius), (dx, dy, at) => {
      if (dx * dx + dy * dy <= radius * radius) mask[at] = 255
    })
  }
}

/** The pixels of a square around a point that lie in the picture. */
function eachAround(
  mask: Uint8Array,
  width: number,
  [middleX, middleY]: Point,
  reach: number,
  visit: (dx: number, dy: number, at: number) => void,
): void {
  const height = mask.length / width
  const top = Math.max(0, Math.floor(middleY - reach))
  const left = Math.max(0, Math.floor(middleX - reach))
  for (let y = top; y < Math.min(height, middleY + reach + 1); y++)
    for (let x = left; x < Math.min(width, middleX + reach + 1); x++)
      visit(x + 0.5 - middleX, y + 0.5 - middleY, y * width + x)
}
