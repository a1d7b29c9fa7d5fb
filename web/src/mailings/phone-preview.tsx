import { ActionIcon, Text } from '@mantine/core'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useOrganisation } from '../platform/queries.ts'
import { phoneWords } from './format.ts'
import classes from './mailings.module.css'

type Person = { phone: string; text: string | null }
type Props = { text: string; people: Person[]; shown: number; onShow: (index: number) => void }

/** A phone with the message as one of the people gets it. */
export function PhonePreview({ text, people, shown, onShow }: Props) {
  const { t } = useTranslation()
  const { data: organisation } = useOrganisation()
  const index = Math.min(shown, people.length - 1)
  const person = people[index]
  const words = person?.text ?? text
  const step = (by: number) => onShow((index + by + people.length) % people.length)
  return (
    <section className={classes.preview} aria-label={t('mailings.compose.preview')}>
      <div className={classes.phone}>
        <div className={classes.speaker} aria-hidden />
        <Text fw={600} ta="center" className={classes.sender}>
          {organisation?.name}
        </Text>
        <div className={classes.screen}>
          {words ? (
            <div className={classes.bubble} data-testid="bubble">
              {words}
            </div>
          ) : (
            <Text c="dimmed" size="sm" ta="center">
              {t('mailings.compose.no_text')}
            </Text>
          )}
        </div>
      </div>
      {person && (
        <div className={classes.person}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('mailings.compose.previous')}
            disabled={people.length < 2}
            onClick={() => step(-1)}
          >
            <IconChevronLeft size={20} />
          </ActionIcon>
          <Text size="sm" ta="center">
            {t('mailings.compose.person', { n: index + 1, of: people.length })}
            <br />
            {phoneWords(person.phone)}
          </Text>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('mailings.compose.next')}
            disabled={people.length < 2}
            onClick={() => step(1)}
          >
            <IconChevronRight size={20} />
          </ActionIcon>
        </div>
      )}
    </section>
  )
}
