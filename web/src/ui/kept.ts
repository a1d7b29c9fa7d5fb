/** What a browser keeps for us. One that forbids storage, or has no room, keeps nothing, and nothing breaks. */
const keptIn = (storage: () => Storage) => ({
  get(name: string): string | null {
    try {
      return storage().getItem(name)
    } catch {
      return null
    }
  },
  /** Null forgets it. */
  set(name: string, text: string | null): void {
    try {
      if (text === null) storage().removeItem(name)
      else storage().setItem(name, text)
    } catch {
      // As good as a browser without a memory.
    }
  },
})

/** In this browser, until somebody clears it. */
export const kept = keptIn(() => localStorage)
/** In this tab, also through a reload. */
export const keptInTab = keptIn(() => sessionStorage)
