// Numbers as model files keep them, to float32 and back to bytes; little-endian, as both formats are.

export type NumberType = 'f32' | 'f16' | 'i8' | 'u8'

export const bytesEach: Record<NumberType, number> = { f32: 4, f16: 2, i8: 1, u8: 1 }

/** IEEE 754 half precision; exact. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** @param bytes need not be aligned */
export function toFloats(bytes: Uint8Array, type: NumberType): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read: Record<NumberType, (at: number) => number> = {
    f32: at => view.getFloat32(at, true),
    f16: at => halfToFloat(view.getUint16(at, true)),
    i8: at => view.getInt8(at),
    u8: at => view.getUint8(at),
  }
  const [each, value] = [bytesEach[type], read[type]]
  return Float32Array.from({ length: Math.floor(bytes.length / each) }, (_, i) => value(i * each))
}

/** Every host that grocerd runs on is little-endian, so that the memory is the file. */
export const floatBytes = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** A matrix of rows x columns, turned. */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = matrix[row * columns + column]!
    }
  }
  return turned
}
