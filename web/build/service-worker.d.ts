/** The service worker of a version, which keeps these files. */
export function serve(version: string, files: string[]): void
