// Weights for the shared IR v10 graph, which comes without any: integers that its shapes ask for,
// and small floats of both signs that keep a deep network alive. Always the same.

// What the integers must be, by their offset in the file; i32 that are not here count channels, i64
// are 0.
const integers: Record<string, number[]> = {
  '1832': [0, 0, 1, 1], // pads
  '50036': [0, 0, 2, 2],
  '2508': [2, 3], // means over the picture
  '2532': [1], // slices that take the batch
  '2540': [1], // the shape of a squeezed layer: batch, 1, 1, channels
  '2548': [0, 3, 1, 2], // NHWC to NCHW
  '6047404': [0, 2, 3, 1], // NCHW to NHWC
  '6047436': [1, 50176], // flat
}

const parts =
  /type="ShapeOf"[\s\S]*?<dim>1<.dim>\s*<dim>(\d+)<|element_type="([fi]\d+)" .*offset="(\d+)" size="(\d+)"/g

export function graphWeights(xml: string): Uint8Array {
  const found = [...xml.matchAll(parts)]
  const ends = found.map(([, , , at = 0, size = 0]) => Number(at) + Number(size))
  const view = new DataView(new ArrayBuffer(Math.max(...ends)))
  let channels = 0
  for (const [, squeezed, type, at = '', size] of found) {
    if (squeezed) channels = Number(squeezed)
    const [start, end] = [Number(at), Number(at) + Number(size)]
    const values = integers[at]
    if (type === 'i32') view.setInt32(start, values?.[0] ?? channels, true)
    if (type === 'i64') {
      values?.forEach((value, i) => {
        view.setBigInt64(start + 8 * i, BigInt(value), true)
      })
    }
    if (type !== 'f32') continue
    for (let offset = start; offset < end; offset += 4) {
      view.setFloat32(offset, ((offset * 2654435761) % 2001) / 5000 - 0.2, true)
    }
  }
  return new Uint8Array(view.buffer)
}
