import { Button, Paper, Skeleton, Stack, Text } from '@mantine/core'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Link, Navigate } from 'react-router'
import desk from '../ui/desk.module.css'
import { Page } from '../ui/page.tsx'
import { Failure } from '../ui/states.tsx'
import { useHousingFormat } from './format.ts'
import { JoinForm } from './join.tsx'
import { homeQueries } from './queries.ts'

/** The flats of the person who is here; the only one opens by itself, and who has none joins by code. */
export function MyFlats() {
  const { t } = useTranslation()
  const format = useHousingFormat()
  const houses = useQuery(homeQueries.houses({ page: 1 }))
  const details = useQueries({ queries: (houses.data?.results ?? []).map(({ id }) => homeQueries.house(id)) })
  // To a resident a house shows their own flats only.
  const flats = details.flatMap(({ data }) =>
    (data?.apartments ?? []).map((flat) => ({ ...flat, address: data!.address })),
  )
  const error = houses.error ?? details.find((detail) => detail.error)?.error
  const isPending = houses.isPending || details.some((detail) => detail.isPending)
  if (error) return <Failure order={1} error={error} retry={houses.refetch} />
  if (!isPending && flats.length === 1) return <Navigate to={`/flat/${flats[0]!.id}/readings`} replace />
  return (
    <Page title={t('housing.my.title')} lead={flats.length ? undefined : t('housing.my.none')} width={640}>
      {isPending && <Skeleton height={220} radius="lg" />}
      {flats.length > 0 && (
        <Paper withBorder component="ul" className={desk.list}>
          {flats.map((flat) => (
            <li key={flat.id} className={desk.row}>
              <div className={desk.grow}>
                <Link to={`/flat/${flat.id}/readings`} className={desk.whole}>
                  {t('housing.flat', { number: flat.number })}
                </Link>
                <Text size="sm" c="dimmed">
                  {flat.address}
                </Text>
              </div>
              <Text fw={650}>{format.money(flat.balance)}</Text>
            </li>
          ))}
        </Paper>
      )}
      {!isPending && flats.length === 0 && <JoinForm />}
      {flats.length > 0 && (
        <Stack align="start">
          <Button component={Link} to="/join" variant="default">
            {t('housing.join.another')}
          </Button>
        </Stack>
      )}
    </Page>
  )
}
