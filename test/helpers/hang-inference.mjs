// Loaded into a daemon by tests (--import): in its vision process the next inference hangs as soon as HANG_FILE is there.
import { rmSync } from 'node:fs'

if (process.argv[1]?.endsWith('vision.js')) {
  const { Recogniser } = await import(
    new URL('../../dist/recognition/recogniser.js', import.meta.url)
  )
  const { recognise } = Recogniser.prototype
  Recogniser.prototype.recognise = function (frame) {
    try {
      // The process that follows must not hang.
      rmSync(process.env.HANG_FILE)
      // What the addon does at a proper exit: it waits for its threads, and one of them never comes.
      process.on('exit', () => {
        for (;;);
      })
      return new Promise(() => {})
    } catch {
      return recognise.call(this, frame)
    }
  }
}
