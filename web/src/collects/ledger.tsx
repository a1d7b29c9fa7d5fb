import { ActionIcon, Button, Center, Group, Modal, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconReceipt2, IconTrash } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { plainAmount, useFormat } from '../format.ts'
import { Confirm } from '../ui/confirm.tsx'
import { useOnce } from '../ui/once.ts'
import { PictureField, usePreview } from '../ui/picture-field.tsx'
import { atPicture, withFile } from '../ui/picture-problem.ts'
import { done, tell } from '../ui/problems.ts'
import classes from './detail.module.css'
import { localDay } from './form.tsx'
import { type Collect, collectQueries, type Expense } from './queries.ts'

/** How the money was spent, open to all: what came in, what went out, what is left. */
export function Ledger({ collect, mayWrite }: { collect: Collect; mayWrite: boolean }) {
  const { t } = useTranslation()
  const { money } = useFormat()
  const queries = useQueryClient()
  const [isSpending, setSpending] = useState(false)
  const [removing, setRemoving] = useState<Expense>()
  const ledger = useInfiniteQuery(collectQueries.expenses(collect.id))
  const rows = ledger.data?.pages.flatMap((page) => page.results) ?? []
  const sums = ledger.data?.pages[0]
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ['collects', 'expenses', collect.id] }),
      queries.invalidateQueries({ queryKey: collectQueries.detail(collect.id).queryKey }),
    ])
  const remove = useMutation({
    mutationFn: (expense: number) =>
      answer(api.DELETE('/api/collects/{id}/expenses/{expense}', { params: { path: { id: collect.id, expense } } })),
    onSuccess: () => {
      setRemoving(undefined)
      done(t('collects.ledger.removed'))
      return refresh()
    },
    onError: (error) => tell(error),
  })
  if (!rows.length && !mayWrite) return null
  const isOver = sums?.left_amount.startsWith('-')
  return (
    <Stack gap="sm" component="section">
      <Group justify="space-between" gap="xs">
        <Title order={2}>{t('collects.ledger.title')}</Title>
        {mayWrite && (
          <Button variant="light" leftSection={<IconReceipt2 size={20} />} onClick={() => setSpending(true)}>
            {t('collects.ledger.add')}
          </Button>
        )}
      </Group>
      {sums && rows.length > 0 ? (
        <dl className={classes.ledgerSums}>
          <div>
            <dt>{t('collects.ledger.collected')}</dt>
            <dd>{money(collect.collected_amount)}</dd>
          </div>
          <div>
            <dt>{t('collects.ledger.spent')}</dt>
            <dd data-testid="spent">{money(sums.spent_amount)}</dd>
          </div>
          <div>
            <dt>{t(isOver ? 'collects.ledger.over' : 'collects.ledger.left')}</dt>
            <dd data-testid="left">{money(sums.left_amount.replace('-', ''))}</dd>
          </div>
        </dl>
      ) : (
        <Text c="dimmed">{t('collects.ledger.empty')}</Text>
      )}
      <ul className={classes.feed}>
        {rows.map((row) => (
          <Row key={row.id} row={row} onRemove={mayWrite ? () => setRemoving(row) : undefined} />
        ))}
      </ul>
      {ledger.hasNextPage && (
        <Center>
          <Button variant="default" loading={ledger.isFetchingNextPage} onClick={() => ledger.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      {isSpending && <Spend collect={collect} onDone={refresh} onClose={() => setSpending(false)} />}
      <Confirm
        opened={removing !== undefined}
        title={t('collects.ledger.remove_title')}
        action={t('collects.ledger.remove')}
        busy={remove.isPending}
        onConfirm={() => removing && remove.mutate(removing.id)}
        onClose={() => setRemoving(undefined)}
      >
        {removing && t('collects.ledger.remove_text', { what: removing.what, amount: money(removing.amount) })}
      </Confirm>
    </Stack>
  )
}

function Row({ row, onRemove }: { row: Expense; onRemove: (() => void) | undefined }) {
  const { t } = useTranslation()
  const { money, date } = useFormat()
  return (
    <li className={classes.item}>
      {row.receipt && (
        <a href={row.receipt} target="_blank" rel="noreferrer" className={classes.receipt}>
          <img src={row.receipt} alt={t('collects.ledger.receipt_of', { what: row.what })} loading="lazy" />
        </a>
      )}
      <div className={classes.words}>
        <Group justify="space-between" wrap="nowrap" align="baseline" gap="sm">
          <Text fw={550}>{row.what}</Text>
          <span className={classes.sum}>{money(row.amount)}</span>
        </Group>
        <Text size="sm" c="dimmed">
          {date(`${row.spent_on}T12:00:00`)} · {row.author.full_name}
        </Text>
      </div>
      {onRemove && (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('collects.ledger.remove_named', { what: row.what })}
          onClick={onRemove}
        >
          <IconTrash size={20} />
        </ActionIcon>
      )}
    </li>
  )
}

type SpendProps = { collect: Collect; onDone: () => Promise<unknown>; onClose: () => void }

function Spend({ collect, onDone, onClose }: SpendProps) {
  const { t } = useTranslation()
  const { currencySign } = useFormat()
  const once = useOnce(`expense-${collect.id}`)
  const form = useForm<{ amount: string; what: string; spent_on: string; receipt: File | null }>({
    initialValues: { amount: '', what: '', spent_on: localDay(new Date()), receipt: null },
  })
  const preview = usePreview(form.values.receipt)
  const send = useMutation({
    mutationFn: ({ receipt, ...values }: typeof form.values) => {
      const body = { ...values, amount: plainAmount(values.amount) }
      const headers = once.keyFor([body, receipt && [receipt.name, receipt.size, receipt.lastModified]])
      return answer(
        api.POST('/api/collects/{id}/expenses', {
          params: { path: { id: collect.id } },
          body,
          headers,
          ...withFile('receipt', receipt),
        }),
      ).catch(atPicture('receipt'))
    },
    onSuccess: () => {
      once.finish()
      onClose()
      done(t('collects.ledger.added'))
      return onDone()
    },
    onError: (error) => tell(error, form),
  })
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('collects.ledger.add')}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      <form noValidate onSubmit={form.onSubmit((values) => send.mutate(values))}>
        <Stack>
          <TextInput label={t('collects.ledger.what')} maxLength={300} data-autofocus {...form.getInputProps('what')} />
          <TextInput
            label={t('collects.ledger.amount', { sign: currencySign() })}
            inputMode="decimal"
            autoComplete="off"
            {...form.getInputProps('amount')}
          />
          <TextInput
            label={t('collects.ledger.day')}
            type="date"
            max={localDay(new Date())}
            {...form.getInputProps('spent_on')}
          />
          <PictureField
            label={t('collects.ledger.receipt')}
            preview={preview}
            error={form.errors.receipt}
            onChange={(file) => form.setFieldValue('receipt', file)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('shell.confirm.cancel')}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {t('collects.ledger.enter')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
