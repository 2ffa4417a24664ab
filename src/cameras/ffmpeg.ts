// The arguments of ffmpeg, for every source that it can read.
import { childPictures } from './child.js'

/** Pictures at the wanted rate, encoded anew, from whatever ffmpeg can decode. */
export const encodedAt = (fps: number): string[] => [
  '-vf',
  `fps=${fps}`,
  '-c:v',
  'mjpeg',
  '-q:v',
  '3',
]

/** The pictures of a stream of JPEG as they are. */
export const asTheyAre = ['-c:v', 'copy']

export const decoders = ['none', 'vaapi', 'jetson'] as const
export type Decoder = (typeof decoders)[number]

/**
 * What decodes, before -i. With vaapi the pictures come back to memory by themselves, and what the GPU cannot
 * decode the CPU does; jetson wants NVIDIA's ffmpeg, and decodes H.264 only.
 */
export const decodedBy: Record<Decoder, string[]> = {
  none: [],
  vaapi: ['-hwaccel', 'vaapi', '-hwaccel_device', '/dev/dri/renderD128'],
  jetson: ['-c:v', 'h264_nvv4l2dec'],
}

/**
 * Pictures of one ffmpeg run.
 * @param input the arguments up to and with -i
 * @param output encodedAt or asTheyAre
 * @param stdin what `-i pipe:0` reads
 * Throws FFMPEG_NOT_FOUND and the codes of childPictures, with ffmpeg's last words.
 */
export function ffmpegPictures(
  input: string[],
  output: string[],
  what: string,
  signal: AbortSignal,
  stdin?: string,
): AsyncIterable<Uint8Array> {
  const quiet = ['-nostdin', '-hide_banner', '-loglevel', 'error']
  const pipe = ['-an', ...output, '-f', 'image2pipe', 'pipe:1']
  const args = [...quiet, ...input, ...pipe]
  const program = { program: 'ffmpeg', args, what, notFound: 'FFMPEG_NOT_FOUND' } as const
  return childPictures(stdin === undefined ? program : { ...program, stdin }, signal)
}
