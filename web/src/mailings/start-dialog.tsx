import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Draft, mailingOf } from './draft.ts'
import { useMailingsFormat } from './format.ts'
import type { Preview } from './preview-query.ts'
import { reached } from './who-gets-it.tsx'

type Props = {
  mailing: NonNullable<ReturnType<typeof mailingOf>>
  preview: Preview | undefined
  begins: Draft['begins']
  busy: boolean
  onConfirm: () => void
  onClose: () => void
}

/** Asks before a mailing begins or is kept, with how many people and parts it is. */
export function StartDialog({ mailing, preview, begins, busy, onConfirm, onClose }: Props) {
  const { t } = useTranslation()
  const format = useMailingsFormat()
  const people = preview ? reached(preview) : 0
  const parts = preview?.parts?.total ?? 0
  const { local_window: hours } = mailing
  return (
    <Modal
      opened
      onClose={onClose}
      title={t(begins === 'now' ? 'mailings.start.title' : 'mailings.start.title_later')}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      <Stack>
        <Text fz="xl" fw={650} data-testid="confirm">
          {t('mailings.compose.people', { count: people, number: format.number(people) })}
          {parts > 0 && t('mailings.compose.up_to', { count: parts, number: format.number(parts) })}
        </Text>
        <Text>
          {begins === 'now'
            ? t('mailings.start.now', { end: format.moment(mailing.ends_at) })
            : t('mailings.start.later', { span: format.span(mailing.starts_at, mailing.ends_at) })}{' '}
          {hours && t('mailings.start.hours', hours)}
        </Text>
        {people === 0 && <Text c="var(--mantine-color-error)">{t('mailings.start.nobody')}</Text>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('mailings.start.back')}
          </Button>
          <Button loading={busy} onClick={onConfirm} data-autofocus>
            {t(begins === 'now' ? 'mailings.compose.send' : 'mailings.compose.schedule')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
