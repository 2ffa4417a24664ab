// gst: a GStreamer pipeline that ends in JPEG pictures, run by gst-launch-1.0: CSI cameras, and what only GStreamer reads.
import { childPictures } from './child.js'
import type { Source } from './source.js'

/** A CSI camera and its ISP take some seconds to start. */
const firstPictureMs = 15_000

/** The words of a pipeline as a shell would give them: split at blanks, but not within quotes, which are kept for GStreamer. */
export const pipelineWords = (pipeline: string): string[] =>
  pipeline.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []

/** @param pipeline without a sink, such as `videotestsrc is-live=true ! jpegenc`; the rate is the pipeline's own */
export function gstSource(pipeline: string): Source {
  const args = ['-q', ...pipelineWords(pipeline), '!', 'fdsink', 'fd=1', 'sync=false']
  const what = `gst:${pipeline.length > 80 ? `${pipeline.slice(0, 77)}...` : pipeline}`
  const program = 'gst-launch-1.0'
  const open = (signal: AbortSignal) =>
    childPictures({ program, args, what, notFound: 'GSTREAMER_NOT_FOUND' }, signal)
  return Object.assign(open, { isLive: true, firstPictureMs })
}
