import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import { useOnce } from '../ui/once.ts'
import { Page } from '../ui/page.tsx'
import { done } from '../ui/problems.ts'
import { Back } from './product.tsx'
import { type Body, ProductForm } from './product-form.tsx'

export function NewProduct() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const once = useOnce()
  const create = useMutation({
    mutationFn: (body: Body) => answer(api.POST('/api/products', { body, headers: once.keyFor(body) })),
    onSuccess: async () => {
      once.finish()
      await queries.invalidateQueries({ queryKey: ['shop', 'products'] })
      await navigate('/admin/products')
      done(t('shop.stockroom.created'))
    },
  })
  return (
    <Page title={t('shop.stockroom.new_title')} lead={t('shop.stockroom.new_lead')} width={680}>
      <ProductForm
        initial={{ name: '', category: 'home', description: '', price: '', stock: '' }}
        action={t('shop.stockroom.create')}
        busy={create.isPending}
        onSend={(body) => create.mutateAsync(body)}
      />
      <Back to="/admin/products">{t('shop.stockroom.back')}</Back>
    </Page>
  )
}
