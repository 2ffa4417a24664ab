// file: a video clip as a camera, decoded by ffmpeg in real time; loop=1 begins again at its end.
import { ffmpegPictures } from './ffmpeg.js'
import type { Source, SourceOptions } from './source.js'

export function fileSource(path: string, options: SourceOptions, fps: number): Source {
  const loop = options.flag('loop', false)
  // The protocol list keeps a playlist from naming the network or other files.
  const input = [
    '-protocol_whitelist',
    'file',
    '-re',
    ...(loop ? ['-stream_loop', '-1'] : []),
    '-i',
    `file:${path}`,
  ]
  return signal => ffmpegPictures(input, fps, path, signal)
}
