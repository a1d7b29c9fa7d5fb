import { Button, Skeleton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useParams } from 'react-router'
import { answer, api, Problem } from '../api.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Page } from '../ui/page.tsx'
import { done, tell } from '../ui/problems.ts'
import { Failure, NotFound } from '../ui/states.tsx'
import { Back } from './product.tsx'
import { type Body, ProductForm, type Values } from './product-form.tsx'
import { ProductPictures } from './product-pictures.tsx'
import { type Product, shopQueries } from './queries.ts'

const valuesOf = ({ name, category, description, price, stock }: Product): Values => ({
  name,
  category,
  description,
  price: price.replace(/\.00$/, '').replace('.', ','),
  stock: String(stock),
})

export function EditProduct() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const [asked, setAsked] = useState(false)
  const id = Number(useParams().id)
  const path = { id }
  const detail = useQuery({ ...shopQueries.product(id), staleTime: 0, refetchOnWindowFocus: false })
  const product = detail.data
  const leave = async (words: string) => {
    await navigate('/admin/products', { replace: true })
    done(words)
    await queries.invalidateQueries({ queryKey: ['shop'] })
  }
  const save = useMutation({
    // Only what was changed: stock that was not touched may have been sold meanwhile.
    mutationFn: (changed: Partial<Body>) =>
      answer(api.PATCH('/api/products/{id}', { params: { path }, body: changed })),
    onSuccess: () => leave(t('shell.saved')),
  })
  const hide = useMutation({
    mutationFn: () => answer(api.DELETE('/api/products/{id}', { params: { path } })),
    onSuccess: () => leave(t('shop.stockroom.hidden')),
    onError: (error) => tell(error),
  })

  if (detail.error instanceof Problem && detail.error.status === 404) return <NotFound />
  if (detail.isError && !product) return <Failure order={1} error={detail.error} retry={detail.refetch} />
  return (
    <Page title={t('shop.stockroom.edit_title')} lead={product?.name} width={680}>
      {product && detail.isFetchedAfterMount ? (
        <ProductForm
          initial={valuesOf(product)}
          action={t('shop.stockroom.save')}
          busy={save.isPending}
          onSend={(_, changed) => save.mutateAsync(changed)}
        >
          <Button variant="subtle" color="red" size="lg" onClick={() => setAsked(true)}>
            {t('shop.stockroom.hide')}
          </Button>
        </ProductForm>
      ) : (
        <Skeleton height={560} radius="lg" />
      )}
      {product && <ProductPictures product={product} />}
      <Back to="/admin/products">{t('shop.stockroom.back')}</Back>
      <Confirm
        opened={asked}
        title={t('shop.stockroom.hide_title')}
        action={t('shop.stockroom.hide')}
        busy={hide.isPending}
        onConfirm={() => hide.mutate()}
        onClose={() => setAsked(false)}
      >
        {t('shop.stockroom.hide_text', { name: product?.name })}
      </Confirm>
    </Page>
  )
}
