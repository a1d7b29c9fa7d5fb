import { Input, SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Language } from '../messages.ts'
import { useLanguageChoice } from '../ui/preferences.tsx'
import { Section } from '../ui/section.tsx'

export function Preferences() {
  const { t, i18n } = useTranslation()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const choose = useLanguageChoice()
  return (
    <Section title={t('accounts.profile.preferences')}>
      <Input.Wrapper label={t('shell.language.title')} labelElement="div" size="md">
        <SegmentedControl
          fullWidth
          size="md"
          aria-label={t('shell.language.title')}
          value={i18n.language}
          onChange={(value) => void choose(value as Language)}
          data={[
            { value: 'ru', label: t('shell.language.ru') },
            { value: 'en', label: t('shell.language.en') },
          ]}
        />
      </Input.Wrapper>
      <Input.Wrapper label={t('shell.theme.title')} labelElement="div" size="md">
        <SegmentedControl
          fullWidth
          size="md"
          aria-label={t('shell.theme.title')}
          value={colorScheme}
          onChange={setColorScheme}
          data={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: t(`shell.theme.${value}`) }))}
        />
      </Input.Wrapper>
    </Section>
  )
}
