import { Button, Group, Modal, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api, Problem } from '../api.ts'
import { tell } from '../ui/problems.ts'
import { draftOf, instantOf } from './draft.ts'
import type { Mailing } from './queries.ts'
import { isEnded, WhenField } from './when-field.tsx'

type Props = { mailing: Mailing; onDone: (mailing: Mailing) => Promise<unknown>; onClose: () => void }

/** The end and the hours of a mailing that runs; they hold for what is not sent yet. */
export function ChangeDialog({ mailing, onDone, onClose }: Props) {
  const { t } = useTranslation()
  const [when, setWhen] = useState(draftOf(mailing))
  const [faults, setFaults] = useState(new Map<string, string>())
  const change = useMutation({
    mutationFn: (ends_at: string) =>
      answer(
        api.PATCH('/api/mailings/{id}', {
          params: { path: { id: mailing.id } },
          body: { ends_at, local_window: when.hasHours ? { from: when.from, to: when.to } : null },
        }),
      ),
    onSuccess: async (now) => {
      await onDone(now)
      onClose()
    },
    onError: (error) => {
      if (error instanceof Problem && error.faults.length)
        setFaults(new Map(error.faults.map(({ path, message }) => [path, message])))
      else tell(error)
    },
  })
  const ends_at = instantOf(when.ends_at)
  return (
    <Modal
      opened
      size="lg"
      onClose={onClose}
      title={t('mailings.actions.change')}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      <Stack>
        <WhenField
          when={when}
          zones={[]}
          faults={faults}
          hasBegun
          onChange={(next) => {
            setFaults(new Map())
            setWhen({ ...when, ...next })
          }}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('mailings.start.back')}
          </Button>
          <Button
            loading={change.isPending}
            disabled={!ends_at || isEnded(when)}
            onClick={() => ends_at && change.mutate(ends_at)}
          >
            {t('mailings.save')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
