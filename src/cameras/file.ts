// file: a video clip as a camera, decoded by ffmpeg in real time, loop=1 begins again at its end; or, with live=1, a FIFO.
import { asTheyAre, decodedBy, decoders, encodedAt, ffmpegPictures } from './ffmpeg.js'
import type { Source, SourceOptions } from './source.js'

// The protocol list keeps a playlist from naming the network or other files.
const onlyFiles = ['-protocol_whitelist', 'file']

export function fileSource(path: string, options: SourceOptions, fps: number): Source {
  const loop = options.flag('loop', false)
  const isLive = options.flag('live', false)
  const decoder = options.choice('decode', decoders, 'none')
  const clip = [...decodedBy[decoder], '-re', ...(loop ? ['-stream_loop', '-1'] : [])]
  // JPEG pictures one after another, at the rate of whoever writes them: nothing to guess, no time of their own.
  const fifo = ['-f', 'mjpeg', '-fflags', 'nobuffer', '-analyzeduration', '0']
  const input = [...onlyFiles, ...(isLive ? fifo : clip), '-i', `file:${path}`]
  const output = isLive ? asTheyAre : encodedAt(fps)
  const open = (signal: AbortSignal) => ffmpegPictures(input, output, path, signal)
  return Object.assign(open, { isLive })
}
