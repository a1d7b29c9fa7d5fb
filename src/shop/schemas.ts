import { type Static, Type } from 'typebox'
import { cursorQuery, Ordering, Page, pageQuery } from '../http/pages.ts'
import { Choice, Closed, Id, Instant, Line, Money, MoneyInput, Nullable, Text } from '../http/schemas.ts'

export const categories = ['electronics', 'clothing', 'books', 'home', 'services', 'other'] as const
const Category = Choice([...categories], { examples: ['electronics'] })

export const Product = Type.Object(
  {
    id: Type.Integer(),
    name: Type.String({ examples: ['Чайник электрический'] }),
    description: Type.String(),
    price: Money,
    stock: Type.Integer({ description: 'What is left' }),
    category: Category,
    pictures: Type.Array(
      Type.Object({ id: Type.Integer(), url: Type.String({ examples: ['/files/products/9f2c….jpg'] }) }),
      { description: 'The first stands for the product in lists' },
    ),
    created_at: Instant,
    updated_at: Type.String({ ...Instant, description: 'The last change by a person; sales do not count' }),
  },
  { $id: 'Product' },
)
export type Product = Static<typeof Product>
export const Products = Page(Type.Unsafe<Product>(Type.Ref('Product')))

const Stock = Type.Integer({ minimum: 0, maximum: 1_000_000_000, examples: [25] })
const product = {
  name: Line(200, { examples: ['Чайник электрический'] }),
  description: Text(10_000, { examples: ['1,7 л, автоотключение, гарантия год.'] }),
  price: MoneyInput('0.01'),
  stock: Stock,
  category: Category,
}
export const NewProduct = Closed({
  ...product,
  description: Type.Optional(product.description),
  stock: Type.Optional(product.stock),
})
export type NewProduct = Static<typeof NewProduct>
export const WholeProduct = Closed(product)
export const ProductChange = Type.Partial(WholeProduct, { additionalProperties: false })
export type ProductChange = Static<typeof ProductChange>
/** What of a product people edit. */
export const productEdits = Object.keys(product)

export const ProductsQuery = Closed({
  ...pageQuery,
  category: Type.Optional(Category),
  price_min: Type.Optional(MoneyInput('0.00')),
  price_max: Type.Optional(MoneyInput('0.00')),
  search: Type.Optional(
    Text(200, { description: 'Words of name or description in any form, parts of words; slips are forgiven' }),
  ),
  in_stock: Type.Optional(Type.Boolean({ description: 'true: only what can be bought; false: only what is sold out' })),
  stock_max: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Only what runs low' })),
  ordering: Ordering('price', 'name', 'created_at'),
})
export type ProductsQuery = Static<typeof ProductsQuery>

export const statuses = ['pending', 'processing', 'shipped', 'delivered', 'cancelled'] as const
export type OrderStatus = (typeof statuses)[number]
const Status = Choice([...statuses], { examples: ['processing'] })

export const Order = Type.Object(
  {
    id: Type.Integer(),
    user: Type.Integer(),
    full_name: Type.String({ description: 'Of the buyer' }),
    status: Status,
    total_price: Money,
    address: Type.String({ description: 'Where it is to be brought; empty: it is fetched' }),
    phone: Nullable(Type.String()),
    comment: Type.String(),
    items: Type.Array(
      Type.Object({
        product: Type.Integer(),
        name: Type.String({ description: 'On the day of the order' }),
        quantity: Type.Integer(),
        price_at_purchase: Money,
      }),
    ),
    document: Nullable(Type.String({ description: 'Address of the PDF once it is made' })),
    shipping: Nullable(
      Choice(['waiting', 'delivered', 'failed'], {
        description: 'How the call of the delivery service stands; null before the order is shipped',
      }),
    ),
    created_at: Instant,
    updated_at: Instant,
  },
  { $id: 'Order' },
)
export type Order = Static<typeof Order>
export const Orders = Page(Type.Unsafe<Order>(Type.Ref('Order')))

export const NewOrder = Closed({
  items: Type.Array(
    Closed({
      product: Id('The product'),
      quantity: Type.Integer({ minimum: 1, maximum: 1_000_000, examples: [2] }),
    }),
    { minItems: 1, maxItems: 100, examples: [[{ product: 1, quantity: 2 }]] },
  ),
  address: Type.Optional(Text(500, { description: 'Where it is to be brought', examples: ['Садовая, 12, кв. 5'] })),
  phone: Type.Optional(Text(40, { description: 'Any usual spelling', examples: ['8 (912) 345-67-89'] })),
  comment: Type.Optional(Text(1000, { examples: ['Позвоните за час'] })),
  expected_total: Type.Optional(
    MoneyInput('0.01', 'The sum that the buyer saw; when it is another now, the order is a 409'),
  ),
})
export type NewOrder = Static<typeof NewOrder>
export const OrderChange = Closed({ status: Type.Optional(Status) })
export const orderEdits = Object.keys(OrderChange.properties)

const walk = Ordering('created_at', 'id')
export const OrdersQuery = Closed({ ...cursorQuery, status: Type.Optional(Status), ordering: walk })
const When = Type.Optional(Type.String({ format: 'date-time', examples: ['2026-11-01T00:00:00+03:00'] }))
export const AdminOrdersQuery = Closed({
  ...cursorQuery,
  status: Type.Optional(Status),
  user: Type.Optional(Id()),
  created_from: When,
  created_to: When,
  ordering: walk,
})
export type AdminOrdersQuery = Static<typeof AdminOrdersQuery>

export const OrderEvent = Type.Object({
  at: Instant,
  event: Choice([
    'created',
    'processing',
    'shipped',
    'delivered',
    'cancelled',
    'document',
    'shipping_call',
    'shipping_delivered',
    'shipping_failed',
    'shipping_again',
  ]),
  by: Nullable(Type.Integer({ description: 'Who did it; null: the system' })),
  full_name: Nullable(Type.String({ description: 'Of who did it, for the shop and for oneself' })),
  detail: Type.String({ description: 'In words' }),
})
export type OrderEvent = Static<typeof OrderEvent>
export const OrderHistory = Page(OrderEvent)
export const HistoryQuery = Closed(pageQuery)

export const BulkStatus = Closed({
  orders: Type.Array(Id(), { minItems: 1, maxItems: 100, examples: [[41, 42]] }),
  status: Status,
})
export const BulkOutcome = Type.Object({
  results: Type.Array(
    Type.Object({
      order: Type.Integer(),
      status: Nullable(Choice([...statuses], { description: 'Its status now; null: there is no such order' })),
      error: Nullable(Type.String({ description: 'Why it did not change' })),
    }),
  ),
})

export const PictureOfProduct = Closed({ id: Id(), picture: Id() })
