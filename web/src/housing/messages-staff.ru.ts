/** Words of the bookkeeper's pages. */
export const staffRu = {}
