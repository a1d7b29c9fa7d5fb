/** The arch through which one enters a courtyard, and the light in it. */
export function Logo({ size = 34 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" style={{ flex: 'none' }}>
      <rect width="32" height="32" rx="9" fill="#235f3b" />
      <path d="M6 26V12.5L16 6l10 6.5V26h-5v-6.5a5 5 0 0 0-10 0V26z" fill="#fbf7ec" />
      <circle cx="16" cy="21" r="2.6" fill="#f2b544" />
    </svg>
  )
}
