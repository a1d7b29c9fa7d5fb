declare module 'subset-font' {
  type Options = { targetFormat: 'woff2'; variationAxes: Record<string, { min: number; max: number; default: number }> }
  /** The font with the glyphs of this text alone. */
  export default function subset(font: Buffer, text: string, options: Options): Promise<Buffer>
}
