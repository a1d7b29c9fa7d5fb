// Runs before anything is drawn, so that the page never flashes in the other theme or language.
;(() => {
  let scheme = 'auto'
  let language = 'ru'
  try {
    scheme = localStorage.getItem('mantine-color-scheme-value') || scheme
    language = localStorage.getItem('dvor-language') || language
  } catch {
    // A browser that forbids storage gets the defaults.
  }
  const dark = scheme === 'dark' || (scheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.mantineColorScheme = dark ? 'dark' : 'light'
  document.documentElement.lang = language === 'en' ? 'en' : 'ru'
})()
