// Runs before anything is drawn: the page never flashes in the other theme or language, and what its first screen needs
// is on its way before the app itself can ask for it. The build puts it into the page and calls it.
export function paint(plan) {
  let scheme = 'auto'
  let language = 'ru'
  try {
    scheme = localStorage.getItem('mantine-color-scheme-value') || scheme
    language = localStorage.getItem('dvor-language') === 'en' ? 'en' : 'ru'
  } catch {
    // A browser that forbids storage gets the defaults.
  }
  const dark = scheme === 'dark' || (scheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.mantineColorScheme = dark ? 'dark' : 'light'
  document.documentElement.lang = language
  const page = plan.pages.find(([path]) => new RegExp(path).test(location.pathname))
  for (const index of [...(plan.words[language] || []), ...(page ? page[1] : [])]) {
    const link = document.createElement('link')
    const name = plan.files[index]
    if (name.endsWith('.css')) Object.assign(link, { rel: 'preload', as: 'style' })
    else link.rel = 'modulepreload'
    link.crossOrigin = ''
    link.href = `/${name}`
    document.head.append(link)
  }
  const asked = ['/api/organisation', ...(location.search ? [] : plan.asked[location.pathname] || [])]
  window.dvorAsked = Object.fromEntries(
    asked.map((path) => [path, fetch(path, { headers: { 'accept-language': language } })]),
  )
  // The first picture comes beside the code that will show it. Of a failure hears who waits for the answer.
  for (const answer of Object.values(window.dvorAsked))
    answer
      .then((response) => response.clone().json())
      .then(({ results = [] }) => {
        if (results[0]?.cover) new Image().src = results[0].cover
      })
      .catch(() => {})
}
