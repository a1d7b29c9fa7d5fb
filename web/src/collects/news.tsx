import { ActionIcon, Button, Center, Group, Modal, Stack, Text, Textarea, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconHeart, IconSpeakerphone, IconTrash } from '@tabler/icons-react'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { useFormat } from '../format.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Linked } from '../ui/linked.tsx'
import { useOnce } from '../ui/once.ts'
import { PictureField, usePreview } from '../ui/picture-field.tsx'
import { atPicture, withFile } from '../ui/picture-problem.ts'
import { done, tell } from '../ui/problems.ts'
import classes from './detail.module.css'
import { type Collect, collectQueries, type Update } from './queries.ts'

/** What organisers told; they tell more from here. */
export function News({ collect, mayTell }: { collect: Collect; mayTell: boolean }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [telling, setTelling] = useState<'news' | 'thanks'>()
  const [removing, setRemoving] = useState<Update>()
  const news = useInfiniteQuery(collectQueries.updates(collect.id))
  const items = news.data?.pages.flatMap((page) => page.results) ?? []
  const remove = useMutation({
    mutationFn: (update: number) =>
      answer(api.DELETE('/api/collects/{id}/updates/{update}', { params: { path: { id: collect.id, update } } })),
    onSuccess: () => {
      setRemoving(undefined)
      done(t('collects.news.removed'))
      return queries.invalidateQueries({ queryKey: ['collects', 'updates', collect.id] })
    },
    onError: (error) => tell(error),
  })
  if (!items.length && !mayTell) return null
  const thanked = items.some((item) => item.is_thanks)
  return (
    <Stack gap="sm" component="section">
      <Group justify="space-between" gap="xs">
        <Title order={2}>{t('collects.news.title')}</Title>
        {mayTell && (
          <Group gap="xs">
            <Button variant="light" leftSection={<IconSpeakerphone size={20} />} onClick={() => setTelling('news')}>
              {t('collects.news.tell')}
            </Button>
            {collect.payments_count > 0 && !thanked && (
              <Button variant="subtle" leftSection={<IconHeart size={20} />} onClick={() => setTelling('thanks')}>
                {t('collects.news.thank')}
              </Button>
            )}
          </Group>
        )}
      </Group>
      {!items.length && <Text c="dimmed">{t('collects.news.empty')}</Text>}
      <ul className={classes.feed}>
        {items.map((item) => (
          <NewsItem key={item.id} item={item} onRemove={mayTell ? () => setRemoving(item) : undefined} />
        ))}
      </ul>
      {news.hasNextPage && (
        <Center>
          <Button variant="default" loading={news.isFetchingNextPage} onClick={() => news.fetchNextPage()}>
            {t('shell.pages.more')}
          </Button>
        </Center>
      )}
      {telling && <Tell collect={collect} isThanks={telling === 'thanks'} onClose={() => setTelling(undefined)} />}
      <Confirm
        opened={removing !== undefined}
        title={t('collects.news.remove_title')}
        action={t('collects.news.remove')}
        busy={remove.isPending}
        onConfirm={() => removing && remove.mutate(removing.id)}
        onClose={() => setRemoving(undefined)}
      >
        {t('collects.news.remove_text')}
      </Confirm>
    </Stack>
  )
}

function NewsItem({ item, onRemove }: { item: Update; onRemove: (() => void) | undefined }) {
  const { t } = useTranslation()
  const { ago } = useFormat()
  return (
    <li className={classes.item}>
      <div className={classes.words}>
        {item.is_thanks && (
          <Text fw={650} c="var(--mantine-color-anchor)">
            {t('collects.news.thanks')}
          </Text>
        )}
        <Text className={classes.newsText}>
          <Linked text={item.text} />
        </Text>
        {item.picture && (
          <a href={item.picture} target="_blank" rel="noreferrer" className={classes.picture}>
            <img src={item.picture} alt={t('collects.news.picture')} loading="lazy" />
          </a>
        )}
        <Text size="sm" c="dimmed">
          {item.author.full_name} · {ago(item.created_at)}
        </Text>
      </div>
      {onRemove && (
        <ActionIcon variant="subtle" color="gray" aria-label={t('collects.news.remove')} onClick={onRemove}>
          <IconTrash size={20} />
        </ActionIcon>
      )}
    </li>
  )
}

function Tell({ collect, isThanks, onClose }: { collect: Collect; isThanks: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const once = useOnce(`news-${collect.id}`)
  const form = useForm<{ text: string; picture: File | null }>({
    initialValues: { text: isThanks ? t('collects.news.thanks_draft') : '', picture: null },
  })
  const preview = usePreview(form.values.picture)
  const send = useMutation({
    mutationFn: ({ text, picture }: typeof form.values) => {
      const body = { text: text.trim(), is_thanks: isThanks }
      const headers = once.keyFor([body, picture && [picture.name, picture.size, picture.lastModified]])
      return answer(
        api.POST('/api/collects/{id}/updates', {
          params: { path: { id: collect.id } },
          body,
          headers,
          ...withFile('picture', picture),
        }),
      ).catch(atPicture('picture'))
    },
    onSuccess: () => {
      once.finish()
      onClose()
      done(t('collects.news.told', { count: collect.donors_count }))
      return queries.invalidateQueries({ queryKey: ['collects', 'updates', collect.id] })
    },
    onError: (error) => tell(error, form),
  })
  return (
    <Modal
      opened
      onClose={onClose}
      title={t(isThanks ? 'collects.news.thank' : 'collects.news.tell')}
      closeButtonProps={{ 'aria-label': t('shell.close') }}
    >
      <form noValidate onSubmit={form.onSubmit((values) => send.mutate(values))}>
        <Stack>
          <Textarea
            label={t('collects.news.text')}
            description={t('collects.news.hint', { count: collect.donors_count })}
            autosize
            minRows={4}
            maxRows={12}
            maxLength={5000}
            data-autofocus
            {...form.getInputProps('text')}
          />
          <PictureField
            label={t('collects.news.picture')}
            preview={preview}
            error={form.errors.picture}
            onChange={(file) => form.setFieldValue('picture', file)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('shell.confirm.cancel')}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {t('collects.news.send')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
