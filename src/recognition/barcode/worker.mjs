// The thread that reads barcodes: a read takes 5 to 15 ms, which no other camera is to wait for. Plain JavaScript, as threads start it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'

// By default the library fetches its wasm from a CDN; given the bytes it asks nobody.
const wasm = createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm')
await prepareZXingModule({
  overrides: { wasmBinary: readFileSync(wasm) },
  fireImmediately: true,
})

const options = {
  formats: workerData.formats,
  tryHarder: true,
  tryRotate: true,
  tryInvert: false,
  maxNumberOfSymbols: 4,
}

/** RGB inside the box to the RGBA that the library takes. */
function cut({ rgb, width, height, box }) {
  const [left, top] = [Math.floor(box[0] * width), Math.floor(box[1] * height)]
  const columns = Math.max(1, Math.min(width, Math.ceil(box[2] * width)) - left)
  const rows = Math.max(1, Math.min(height, Math.ceil(box[3] * height)) - top)
  const data = new Uint8ClampedArray(columns * rows * 4).fill(255)
  for (let row = 0, to = 0; row < rows; row++) {
    let from = ((top + row) * width + left) * 3
    for (let column = 0; column < columns; column++, to += 4, from += 3) {
      data[to] = rgb[from]
      data[to + 1] = rgb[from + 1]
      data[to + 2] = rgb[from + 2]
    }
  }
  return { data, width: columns, height: rows }
}

parentPort.on('message', async picture => {
  const symbols = await readBarcodes(cut(picture), options)
  parentPort.postMessage(
    symbols.filter(one => one.isValid).map(({ format, text }) => ({ format, text })),
  )
})
parentPort.postMessage('ready')
