import { Button, Stack, Text } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { plainAmount } from '../format.ts'
import { useOrganisation } from '../platform/queries.ts'
import desk from '../ui/desk.module.css'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useOnce } from '../ui/once.ts'
import { Page } from '../ui/page.tsx'
import { tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { Empty, Failure, Waiting } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import classes from './housing.module.css'
import { addMonths, monthIn } from './months.ts'
import { homeQueries, type Service, services, type Tariff } from './queries.ts'
import { useMayWrite } from './staff.ts'
import { staffQueries } from './staff-queries.ts'

/** Tariffs on a line of time: what is valid now, what will be, what was. */
export function Tariffs() {
  const { t } = useTranslation()
  const { currencySign } = useHousingFormat()
  const mayWrite = useMayWrite()
  const queries = useQueryClient()
  const once = useOnce()
  const { data: organisation } = useOrganisation()
  const [isNew, setNew] = useState(false)
  const tariffs = useQuery(staffQueries.tariffs())
  const now = monthIn(organisation?.timezone ?? 'UTC')
  const rows = tariffs.data?.results ?? []
  const addresses = new Map(rows.map(({ house, address }) => [house, address]))
  const owners = [...addresses.keys()].sort((a, b) => (a ?? 0) - (b ?? 0))
  const nameOf = (house: number | null) => addresses.get(house) ?? t('housing.tariffs.general')
  const findHouses = async (search: string) => {
    const found = await queries.fetchQuery(homeQueries.houses({ page: 1, ...(search ? { search } : {}) }))
    return found.results.map(({ id, address }) => ({ value: String(id), label: address }))
  }
  const add = (
    <Button leftSection={<IconPlus size={20} aria-hidden />} onClick={() => setNew(true)}>
      {t('housing.tariffs.new')}
    </Button>
  )
  return (
    <Page title={t('housing.tariffs.title')} lead={t('housing.tariffs.lead')} actions={mayWrite && add}>
      {tariffs.isPending && <Waiting />}
      {tariffs.isError && !tariffs.data && <Failure error={tariffs.error} retry={tariffs.refetch} />}
      {tariffs.data && rows.length === 0 && (
        <Empty title={t('housing.tariffs.none')}>{t('housing.tariffs.none_text')}</Empty>
      )}
      {owners.map((house) => (
        <Section key={house ?? 0} title={nameOf(house)}>
          {services.map((service) => (
            <Line
              key={service}
              service={service}
              now={now}
              mayWrite={mayWrite}
              tariffs={rows.filter((row) => row.house === house && row.service === service)}
            />
          ))}
        </Section>
      ))}
      {isNew && (
        <FormDialog
          title={t('housing.tariffs.new')}
          action={t('housing.add')}
          initial={{ service: 'cold_water', price: '', valid_from: addMonths(now, 1), house: '' }}
          fields={[
            {
              name: 'service',
              label: t('housing.tariffs.service'),
              options: services.map((value) => ({ value, label: t(`housing.service.${value}`) })),
            },
            { name: 'price', label: t('housing.tariffs.price', { sign: currencySign() }), type: 'decimal' },
            { name: 'valid_from', label: t('housing.tariffs.from'), type: 'month' },
            {
              name: 'house',
              label: t('housing.tariffs.where'),
              options: [{ value: '', label: t('housing.tariffs.general') }],
              search: findHouses,
            },
          ]}
          onClose={() => setNew(false)}
          onSend={async ({ service, price, valid_from, house }) => {
            const body = {
              service: service as Service,
              price: plainAmount(price),
              valid_from,
              house: house ? Number(house) : null,
            }
            await answer(api.POST('/api/tariffs', { headers: once.keyFor(body), body }))
            once.finish()
            await queries.invalidateQueries({ queryKey: ['housing'] })
          }}
        />
      )}
    </Page>
  )
}

type LineProps = { service: Service; tariffs: Tariff[]; now: string; mayWrite: boolean }

function Line({ service, tariffs, now, mayWrite }: LineProps) {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: (id: number) => answer(api.DELETE('/api/tariffs/{id}', { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['housing'] }),
    onError: (error) => tell(error),
  })
  if (!tariffs.length) return null
  const valid = tariffs.find(({ valid_from }) => valid_from <= now)
  return (
    <Stack gap="xs">
      <Text fw={600}>{t(`housing.service.${service}`)}</Text>
      <ol className={classes.line} aria-label={t(`housing.service.${service}`)}>
        {tariffs.map((tariff) => {
          const price = t(`housing.tariffs.per.${tariff.unit}`, { price: format.price(tariff.price) })
          const isFuture = tariff.valid_from > now
          return (
            <li key={tariff.id} className={classes.version} data-now={tariff === valid || undefined}>
              <Text span fw={tariff === valid ? 650 : 400}>
                {price}
              </Text>
              <Text span c="dimmed">
                {t('housing.tariffs.since', { day: format.day(`${tariff.valid_from}-01`) })}
              </Text>
              {tariff === valid && (
                <span className={desk.chip} data-tone="good">
                  {t('housing.tariffs.now')}
                </span>
              )}
              {isFuture && <span className={desk.chip}>{t('housing.tariffs.later')}</span>}
              {isFuture && mayWrite && (
                <Button
                  variant="subtle"
                  color="red"
                  leftSection={<IconTrash size={18} aria-hidden />}
                  aria-label={t('housing.tariffs.remove', { price })}
                  loading={remove.isPending && remove.variables === tariff.id}
                  onClick={() => remove.mutate(tariff.id)}
                >
                  {t('housing.remove')}
                </Button>
              )}
            </li>
          )
        })}
      </ol>
    </Stack>
  )
}
