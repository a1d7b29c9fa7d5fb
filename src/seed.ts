import type { Locale } from './platform/i18n.ts'
import type { Module, Platform, SeedContext } from './platform/module.ts'

/** Runs the seeds of the modules in their order, with amounts from the command line. */
export async function seedModules(
  platform: Platform,
  modules: Module[],
  args: Record<string, unknown>,
  progress: SeedContext['progress'],
): Promise<void> {
  const locale = (args.locale === 'en' ? 'en' : 'ru') satisfies Locale
  const seed = Number(args.seed ?? 42)
  for (const module of modules) {
    if (!module.seed) continue
    const amounts = Object.fromEntries(
      Object.entries(module.seed.options).map(([name, option]) => {
        const value = Number(args[name] ?? option.default)
        if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} must be a whole number`)
        return [name, value]
      }),
    )
    await module.seed.run(platform, amounts, { locale, seed, progress })
  }
}
