import { Button, Code, Group, Modal, Skeleton, Stack, Text } from '@mantine/core'
import { IconArrowLeft, IconCoins, IconPencil, IconPrinter, IconQrcode } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { answer, api, Problem } from '../api.ts'
import { plainAmount } from '../format.ts'
import desk from '../ui/desk.module.css'
import { FormDialog } from '../ui/form-dialog.tsx'
import { openFile } from '../ui/open-file.ts'
import { Page } from '../ui/page.tsx'
import { tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { Failure, NotFound } from '../ui/states.tsx'
import { BillList } from './flat-bills.tsx'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { Meters } from './meters.tsx'
import { PaymentDialog, RecalculationDialog } from './money.tsx'
import { type Apartment, homeQueries } from './queries.ts'
import { useMayWrite } from './staff.ts'
import { staffQueries } from './staff-queries.ts'
import { Statement } from './statement.tsx'

type Dialog = 'edit' | 'payment' | 'recalculation'

/** A flat as its bookkeeper has it: meters, residents, account and bills. */
export function StaffFlat() {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const mayWrite = useMayWrite()
  const [dialog, setDialog] = useState<Dialog>()
  const id = Number(useParams().id)
  const { data: flat, error, refetch } = useQuery(homeQueries.flat(id))
  const house = useQuery({ ...homeQueries.house(flat?.house ?? 0), enabled: flat !== undefined })
  if (error instanceof Problem && error.status === 404) return <NotFound />
  if (error && !flat) return <Failure order={1} error={error} retry={refetch} />
  if (!flat) return <Skeleton height={520} radius="lg" />
  const close = () => setDialog(undefined)
  const edit = (
    <Button variant="default" leftSection={<IconPencil size={20} aria-hidden />} onClick={() => setDialog('edit')}>
      {t('housing.edit')}
    </Button>
  )
  return (
    <Page
      title={t('housing.flat', { number: flat.number })}
      lead={`${house.data?.address ?? ''} · ${format.area(flat.area)} · ${t('housing.flats.account', { account: flat.account })}`}
      actions={mayWrite && edit}
    >
      <div className={classes.halves}>
        <Stack gap="lg">
          <Meters flat={flat} mayWrite={mayWrite} />
          <Residents flat={flat} mayWrite={mayWrite} />
          <Recalculations flat={flat.id} />
        </Stack>
        <Stack gap="lg">
          <Section title={t('housing.account.title')}>
            {mayWrite && (
              <Group>
                <Button leftSection={<IconCoins size={20} aria-hidden />} onClick={() => setDialog('payment')}>
                  {t('housing.money.receive')}
                </Button>
                <Button variant="default" onClick={() => setDialog('recalculation')}>
                  {t('housing.money.recalculate')}
                </Button>
              </Group>
            )}
            <Statement flat={flat.id} />
          </Section>
          <Section title={t('housing.bills.title')}>
            <BillList flat={flat.id} />
          </Section>
        </Stack>
      </div>
      <Link to={`/admin/houses/${flat.house}/flats`} className={desk.back}>
        <IconArrowLeft size={20} aria-hidden />
        {t('housing.flats.back')}
      </Link>
      {dialog === 'payment' && (
        <PaymentDialog flat={flat.id} number={flat.number} debt={flat.balance} onClose={close} />
      )}
      {dialog === 'recalculation' && <RecalculationDialog flat={flat.id} number={flat.number} onClose={close} />}
      {dialog === 'edit' && (
        <FormDialog
          title={t('housing.flat', { number: flat.number })}
          action={t('housing.save')}
          initial={{
            number: flat.number,
            area: flat.area.replace('.', ','),
            account: flat.account,
            ended_on: flat.ended_on ?? '',
          }}
          fields={[
            { name: 'number', label: t('housing.flats.number') },
            { name: 'area', label: t('housing.flats.area'), type: 'decimal' },
            { name: 'account', label: t('housing.flats.account_number') },
            { name: 'ended_on', label: t('housing.flats.ended_on'), type: 'date', hint: t('housing.flats.ended_hint') },
          ]}
          onClose={close}
          onSend={async (values) => {
            const body = { ...values, area: plainAmount(values.area), ended_on: values.ended_on || null }
            await answer(api.PATCH('/api/apartments/{id}', { params: { path: { id: flat.id } }, body }))
            await queries.invalidateQueries({ queryKey: ['housing'] })
          }}
        />
      )}
    </Page>
  )
}

function Residents({ flat, mayWrite }: { flat: Apartment; mayWrite: boolean }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const path = { id: flat.id }
  const onError = (error: Error) => tell(error)
  const code = useMutation({
    mutationFn: () => answer(api.POST('/api/apartments/{id}/join-codes', { params: { path } })),
    onError,
  })
  const sheet = useMutation({
    mutationFn: () => answer(api.POST('/api/apartments/{id}/join-codes/sheet', { params: { path }, parseAs: 'blob' })),
    onSuccess: (file) => openFile(file as unknown as Blob, `join-${flat.number}.pdf`),
    onError,
  })
  const remove = useMutation({
    mutationFn: (user: number) =>
      answer(api.DELETE('/api/apartments/{id}/residents/{user}', { params: { path: { id: flat.id, user } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['housing'] }),
    onError,
  })
  return (
    <Section title={t('housing.residents.title')} text={t('housing.residents.text')}>
      {flat.residents.length === 0 && <Text c="dimmed">{t('housing.residents.none')}</Text>}
      <ul className={desk.plain}>
        {flat.residents.map((person) => (
          <li key={person.id} className={classes.between}>
            {person.full_name}
            {mayWrite && (
              <Button
                variant="subtle"
                color="red"
                aria-label={t('housing.residents.remove', { name: person.full_name })}
                loading={remove.isPending && remove.variables === person.id}
                onClick={() => remove.mutate(person.id)}
              >
                {t('housing.remove')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {mayWrite && (
        <Group>
          <Button
            variant="default"
            leftSection={<IconQrcode size={20} aria-hidden />}
            loading={code.isPending}
            onClick={() => code.mutate()}
          >
            {t('housing.residents.code')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconPrinter size={20} aria-hidden />}
            loading={sheet.isPending}
            onClick={() => sheet.mutate()}
          >
            {t('housing.residents.sheet')}
          </Button>
        </Group>
      )}
      <Modal
        opened={code.data !== undefined}
        onClose={() => code.reset()}
        title={t('housing.residents.code_title', { number: flat.number })}
        closeButtonProps={{ 'aria-label': t('shell.close') }}
      >
        {code.data && (
          <Stack>
            <Code fz="xl" ta="center" p="md">
              {code.data.code}
            </Code>
            <Text>{t('housing.residents.code_text', { day: format.date(code.data.expires_at) })}</Text>
          </Stack>
        )}
      </Modal>
    </Section>
  )
}

function Recalculations({ flat }: { flat: number }) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const { data } = useQuery(staffQueries.recalculations(flat))
  if (!data?.results.length) return null
  return (
    <Section title={t('housing.money.recalculations')}>
      <ul className={desk.plain}>
        {data.results.map((row) => (
          <li key={row.id} className={classes.between}>
            <span>
              {row.reason}
              <Text size="sm" c="dimmed">
                {format.moment(row.created_at)} · {t(row.bill ? 'housing.money.settled' : 'housing.money.open')}
              </Text>
            </span>
            <strong className={classes.short}>{format.change(row.amount)}</strong>
          </li>
        ))}
      </ul>
    </Section>
  )
}
