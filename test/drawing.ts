/** What the tests of the drawing thread draw: raises its first flag, waits for the second, then gives its words back. */
export default function draw({ flag, words }: { flag?: Int32Array; words: string }): Buffer {
  if (words === 'fault') throw new Error('cannot be drawn')
  if (words === 'die') process.exit(1)
  if (flag) Atomics.store(flag, 0, 1)
  if (flag && Atomics.wait(flag, 1, 0, 20_000) === 'timed-out') throw new Error('nobody let it go on')
  return Buffer.from(words)
}
