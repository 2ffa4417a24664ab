// Cuts a stream of JPEG pictures, as ffmpeg's image2pipe and MJPEG cameras send it, into single ones.

const maxPictureBytes = 32 * 1024 * 1024

/** Feed it bytes, get whole pictures; what stands between pictures is skipped. */
export class JpegSplitter {
  #buffer = Buffer.alloc(0)
  /** Where the walk through the markers of the picture at hand has come to; 0 while none has begun. */
  #at = 0
  #inScan = false

  push(chunk: Uint8Array): Buffer[] {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    const pictures: Buffer[] = []
    for (let end = this.#findEnd(); end > 0; end = this.#findEnd()) {
      pictures.push(Buffer.from(this.#buffer.subarray(0, end)))
      this.#restart(end)
    }
    if (this.#buffer.length > maxPictureBytes) this.#restart(this.#buffer.length)
    return pictures
  }

  #restart(from: number): void {
    this.#buffer = this.#buffer.subarray(from)
    this.#at = 0
    this.#inScan = false
  }

  /** The length of the picture that the buffer begins with, or 0 while it is not whole. */
  #findEnd(): number {
    if (this.#at === 0) {
      const start = this.#buffer.indexOf('ffd8', 0, 'hex')
      // The last byte may be the first half of the marker.
      this.#buffer = this.#buffer.subarray(start < 0 ? Math.max(0, this.#buffer.length - 1) : start)
      if (start < 0) return 0
      this.#at = 2
    }
    const bytes = this.#buffer
    for (;;) {
      if (this.#inScan && !this.#skipScan()) return 0
      if (this.#at + 4 > bytes.length) {
        return bytes[this.#at] === 0xff && bytes[this.#at + 1] === 0xd9 ? this.#at + 2 : 0
      }
      const marker = bytes[this.#at + 1]!
      if (bytes[this.#at] !== 0xff || marker === 0xd8) {
        // Not a marker, or the next picture began without an end of this one: drop what came so far.
        this.#restart(Math.max(2, this.#at))
        return this.#findEnd()
      }
      if (marker === 0xd9) return this.#at + 2
      const length = marker === 0xff ? -1 : bytes.readUInt16BE(this.#at + 2)
      this.#at += 2 + length
      this.#inScan = marker === 0xda
    }
  }

  /** Moves to the marker that ends the entropy-coded data; false while it is not there. */
  #skipScan(): boolean {
    const bytes = this.#buffer
    for (let at = this.#at; at + 1 < bytes.length; at++) {
      if (bytes[at] !== 0xff) continue
      const next = bytes[at + 1]!
      if (next === 0 || (next >= 0xd0 && next <= 0xd7) || next === 0xff) continue
      this.#at = at
      this.#inScan = false
      return true
    }
    this.#at = Math.max(this.#at, bytes.length - 1)
    return false
  }
}
