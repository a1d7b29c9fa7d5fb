declare module 'subset-font' {
  type Axis = { min: number; max: number; default: number }
  type Options = { targetFormat: 'woff2'; noLayoutClosure: boolean; variationAxes: Record<string, Axis> }
  /** The font with the glyphs of this text alone. */
  export default function subset(font: Buffer, text: string, options: Options): Promise<Buffer>
}
