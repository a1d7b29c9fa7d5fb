/** True under `npm run prove`: the long proofs run at full size; `check` runs each of them small. */
export const proving = process.env.DVOR_PROVE === '1'

export const size = (small: number, full: number): number => (proving ? full : small)
