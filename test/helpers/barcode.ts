// Draws an EAN-13, its bars computed here: 95 modules, the first digit in the parities of the left half.
import { sharp } from '../../src/sharp.js'

const lefts =
  '0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011'.split(' ')
const parities = 'LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL'.split(' ')

const inverted = (bits: string) => [...bits].map(bit => (bit === '1' ? '0' : '1')).join('')

/** The modules from left to right, 1 for a bar; EAN-8 for eight digits. */
export function barsOf(digits: string): string {
  const right = (digit: string) => inverted(lefts[Number(digit)]!)
  const left = (digit: string, parity = 'L') =>
    parity === 'L' ? lefts[Number(digit)]! : [...right(digit)].reverse().join('')
  const all = [...digits]
  const [first, half] =
    digits.length === 8 ? [all.slice(0, 4), all.slice(4)] : [all.slice(1, 7), all.slice(7)]
  const parity = digits.length === 8 ? 'LLLL' : parities[Number(all[0])]!
  return `101${first.map((digit, at) => left(digit, parity[at])).join('')}01010${half.map(right).join('')}101`
}

/** A PNG of the code with its quiet zones, `module` pixels a bar. */
export async function drawCode(digits: string, { module = 3, height = 80, turn = 0 } = {}) {
  const bars = `0000000000${barsOf(digits)}0000000000`
  const width = bars.length * module
  const grey = Buffer.alloc(width * height, 255)
  for (let y = 6; y < height - 6; y++)
    for (let x = 0; x < width; x++)
      if (bars[Math.floor(x / module)] === '1') grey[y * width + x] = 0
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .rotate(turn, { background: '#ffffff' })
    .png()
    .toBuffer()
}
