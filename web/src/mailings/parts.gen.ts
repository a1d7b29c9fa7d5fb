// 3GPP TS 23.038: the default alphabet, and what it says by two of its characters.
const gsm = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
const gsmExtension = new Set('\f^{}\\[~]|€')

export type Parts = { encoding: 'gsm7' | 'ucs2'; units: number; parts: number }

/**
 * How many SMS a gateway makes of a text: one of 160 characters in GSM-7 (two for each of its extension) or 70 UTF-16 units
 * in UCS-2, and 153 or 67 in each of several; no character is cut in two by the end of a part.
 */
export function partsOf(text: string): Parts {
  const characters = [...text]
  const inGsm = characters.every((c) => gsm.has(c) || gsmExtension.has(c))
  const sizeOf = (c: string) => (inGsm ? (gsmExtension.has(c) ? 2 : 1) : c.length)
  const [single, several] = inGsm ? [160, 153] : [70, 67]
  const encoding = inGsm ? 'gsm7' : 'ucs2'
  const units = characters.reduce((sum, c) => sum + sizeOf(c), 0)
  if (units <= single) return { encoding, units, parts: 1 }
  let parts = 1
  let room = several
  for (const c of characters) {
    if (sizeOf(c) > room) {
      parts++
      room = several
    }
    room -= sizeOf(c)
  }
  return { encoding, units, parts }
}
