/** Files that are made from the routes: their content must be the same on every machine. */
export async function generatedPages(
  _databaseUrl: string,
  _folder: string,
): Promise<{ file: string; content: string }[]> {
  return []
}
