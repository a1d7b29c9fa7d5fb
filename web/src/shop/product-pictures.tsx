import { ActionIcon, Button, FileButton, Group } from '@mantine/core'
import { IconPhotoPlus, IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../api.ts'
import { accepted, fit } from '../ui/picture-field.tsx'
import { tell } from '../ui/problems.ts'
import { Section } from '../ui/section.tsx'
import { type Product, shopQueries } from './queries.ts'
import classes from './staff.module.css'

/** The pictures of a product: the first stands for it in lists. */
export function ProductPictures({ product }: { product: Product }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { id, pictures } = product
  const refresh = () => queries.invalidateQueries({ queryKey: ['shop'] })
  const add = useMutation({
    mutationFn: async (file: File) => {
      const form = new FormData()
      form.append('picture', await fit(file))
      // The route takes the bare image too, so the document names no fields.
      const body = form as never
      return answer(
        api.POST('/api/products/{id}/pictures', { params: { path: { id } }, body, bodySerializer: () => form }),
      )
    },
    onSuccess: (changed) => {
      queries.setQueryData(shopQueries.product(id).queryKey, changed)
      return refresh()
    },
    onError: (error) => tell(error),
  })
  const remove = useMutation({
    mutationFn: (picture: number) =>
      answer(api.DELETE('/api/products/{id}/pictures/{picture}', { params: { path: { id, picture } } })),
    onSuccess: refresh,
    onError: (error) => tell(error),
  })
  return (
    <Section title={t('shop.stockroom.pictures')}>
      {pictures.length > 0 && (
        <ul className={classes.pictures}>
          {pictures.map(({ id: picture, url }, i) => (
            <li key={picture}>
              <img src={url} alt="" />
              <ActionIcon
                variant="default"
                aria-label={t('shop.stockroom.remove_picture', { number: i + 1 })}
                loading={remove.isPending && remove.variables === picture}
                onClick={() => remove.mutate(picture)}
              >
                <IconTrash size={20} />
              </ActionIcon>
            </li>
          ))}
        </ul>
      )}
      <Group>
        <FileButton
          accept={accepted}
          onChange={(file) => file && add.mutate(file)}
          inputProps={{ 'aria-label': t('shop.stockroom.add_picture') }}
        >
          {(props) => (
            <Button variant="light" leftSection={<IconPhotoPlus size={20} />} loading={add.isPending} {...props}>
              {t('shop.stockroom.add_picture')}
            </Button>
          )}
        </FileButton>
      </Group>
    </Section>
  )
}
