import { ActionIcon, Button, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconMoon, IconSun } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { chooseLanguage } from '../i18n.ts'
import type { Language } from '../messages.ts'
import { useSession } from '../session.ts'

/** Chooses a language here, and in the account of whoever is signed in, for letters too. */
export function useLanguageChoice() {
  const session = useSession()
  const keep = useMutation({
    mutationFn: (locale: Language) => answer(api.PATCH('/api/profile', { body: { locale } })),
  })
  return async (chosen: Language) => {
    await chooseLanguage(chosen)
    if (session === 'member') keep.mutate(chosen)
  }
}

export function LanguageSwitch() {
  const { t, i18n } = useTranslation()
  const choose = useLanguageChoice()
  const other = i18n.language === 'ru' ? 'en' : 'ru'
  return (
    <Button
      variant="subtle"
      color="gray"
      c="dimmed"
      px={12}
      lang={other}
      title={t('shell.language.switch')}
      onClick={() => choose(other)}
    >
      {t('shell.language.short')}
    </Button>
  )
}

export function ThemeSwitch() {
  const { t } = useTranslation()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark'
  const label = t(dark ? 'shell.theme.to_light' : 'shell.theme.to_dark')
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      c="dimmed"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? <IconSun size={22} /> : <IconMoon size={22} />}
    </ActionIcon>
  )
}
