// From the digits of a barcode to a GTIN, and to nothing where they name no product. Pure.

/** The symbologies of retail that are read, by the names that zxing-wasm gives them. */
export const symbologies = ['EAN13', 'EAN8', 'UPCA', 'UPCE', 'DataBar'] as const

/** Weights 3 and 1 in turn from the right, the check digit among them with 1. */
export function hasCheckDigit(digits: string): boolean {
  const sum = [...digits]
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0)
  return sum % 10 === 0
}

/** The twelve digits that the eight of a UPC-E stand for; the last of its six says where zeros were left out. */
function upcA(upcE: string): string {
  const [system, code, check] = [upcE[0]!, upcE.slice(1, 7), upcE[7]!]
  const last = Number(code[5])
  const long =
    last <= 2
      ? `${code.slice(0, 2)}${last}0000${code.slice(2, 5)}`
      : last === 3
        ? `${code.slice(0, 3)}00000${code.slice(3, 5)}`
        : last === 4
          ? `${code.slice(0, 4)}00000${code[4]}`
          : `${code.slice(0, 5)}0000${last}`
  return `${system}${long}${check}`
}

/**
 * Numbers that the shop gives itself, most of them with a weight or a price inside: 20 to 29 and 02, an EAN-8 of 0 or 2,
 * and a GTIN-14 of variable measure. The same digits never come again for the same product.
 */
const isVariable = (gtin: string): boolean =>
  /^0(2|02)/.test(gtin) || /^000000[02]/.test(gtin) || gtin.startsWith('9')

/** A GTIN as 14 digits with zeros in front, so that one of 8, 12 or 13 is found again; null where it is none. */
export function gtin14(digits: string): string | null {
  if (!/^(\d{8}|\d{12,14})$/.test(digits) || !hasCheckDigit(digits)) return null
  const long = digits.padStart(14, '0')
  return isVariable(long) ? null : long
}

/**
 * What a read symbol names.
 * @param text its digits, of a DataBar maybe with the application identifier 01
 * @returns GTIN-13 where it fits, else GTIN-14; null for a wrong check digit, variable measure and all that is no GTIN
 */
export function gtinOf({ format, text }: { format: string; text: string }): string | null {
  const plain = text.replace(/^(\(01\)|01(?=\d{14}$))/, '')
  const isShort = format === 'UPCE' && /^[01]\d{7}$/.test(plain)
  const gtin = gtin14(isShort ? upcA(plain) : plain)
  return gtin?.startsWith('0') ? gtin.slice(1) : gtin
}
