create schema shop;

create table shop.products (
  id bigint generated always as identity primary key,
  name text not null check (length(name) between 1 and 200),
  description text not null default '' check (length(description) <= 10000),
  price numeric(14, 2) not null check (price > 0 and price < 10000000000),
  stock integer not null default 0 check (stock >= 0),
  category text not null check (category in ('electronics', 'clothing', 'books', 'home', 'services', 'other')),
  hidden_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- The Russian configuration stems Latin words as English ones.
  words tsvector not null generated always as (
    setweight(to_tsvector('russian', translate(lower(name), 'ё', 'е')), 'A')
    || setweight(to_tsvector('russian', translate(lower(description), 'ё', 'е')), 'C')) stored
) with (fillfactor = 60);
comment on column shop.products.name is 'personal: none';
comment on column shop.products.hidden_at is 'Since when a product that was ordered is no longer sold';
comment on column shop.products.stock is 'What is left; the audit proves it from the ledger';
comment on column shop.products.updated_at is 'The last change by a person; sales do not count';
-- No index may name stock, not even in its condition: sales would have to write every index of the row.
create index products_created_at_idx on shop.products (created_at, id) where hidden_at is null;
create index products_price_idx on shop.products (price, id) where hidden_at is null;
create index products_name_idx on shop.products (name collate "ru-x-icu", id) where hidden_at is null;
create index products_words_idx on shop.products using gin (words);
create index products_letters_idx on shop.products
  using gin ((translate(lower(name || ' ' || description), 'ё', 'е')) gin_trgm_ops);

create table shop.stock_movements (
  id bigint generated always as identity primary key,
  product_id bigint not null references shop.products (id) on delete cascade,
  kind text not null check (kind in ('initial', 'received', 'corrected')),
  change integer not null check (change <> 0),
  user_id bigint references accounts.users (id),
  created_at timestamptz not null default now(),
  constraint stock_movements_direction check (kind = 'corrected' or change > 0)
);
comment on table shop.stock_movements is 'What people put in and took out; sales and cancelled orders stand in the orders themselves';
create index stock_movements_product_idx on shop.stock_movements (product_id, id);
create unique index stock_movements_initial_key on shop.stock_movements (product_id) where kind = 'initial';

create table shop.orders (
  id bigint generated always as identity primary key,
  user_id bigint not null references accounts.users (id),
  status text not null default 'pending' check (status in ('pending', 'processing', 'shipped', 'delivered', 'cancelled')),
  total_price numeric(18, 2) not null check (total_price > 0),
  document text unique,
  shipping text check (shipping in ('waiting', 'delivered', 'failed')),
  shipping_attempts smallint not null default 0 check (shipping_attempts between 0 and 4),
  shipping_at timestamptz,
  created_at timestamptz not null default statement_timestamp(),
  updated_at timestamptz not null default statement_timestamp(),
  constraint orders_shipping check ((shipping is not null) = (status in ('shipped', 'delivered'))),
  constraint orders_shipping_at check ((shipping is not null) = (shipping_at is not null))
) with (fillfactor = 70);
comment on column shop.orders.document is 'Key of the PDF in files';
comment on column shop.orders.shipping is 'How the call of the delivery service stands';
comment on column shop.orders.shipping_attempts is 'Calls since it was shipped, or sent again';
comment on column shop.orders.shipping_at is 'When a call was asked for or made last';
create index orders_user_idx on shop.orders (user_id, created_at, id);
create index orders_created_at_idx on shop.orders (created_at, id);
create index orders_status_idx on shop.orders (status, created_at, id);
create index orders_waiting_idx on shop.orders (shipping_at) where shipping = 'waiting';

create table shop.order_items (
  order_id bigint not null references shop.orders (id),
  position smallint not null check (position between 1 and 100),
  product_id bigint not null references shop.products (id),
  name text not null,
  quantity integer not null check (quantity between 1 and 1000000),
  price_at_purchase numeric(14, 2) not null check (price_at_purchase > 0),
  amount numeric(18, 2) not null generated always as (price_at_purchase * quantity) stored,
  primary key (order_id, position),
  constraint order_items_product_key unique (product_id, order_id)
);
comment on column shop.order_items.name is 'personal: none';
comment on table shop.order_items is 'Lines of orders with name and price of the day; they never change';

create table shop.order_events (
  id bigint generated always as identity primary key,
  order_id bigint not null references shop.orders (id),
  event text not null check (event in ('processing', 'shipped', 'delivered', 'cancelled', 'document', 'shipping_call',
    'shipping_delivered', 'shipping_failed', 'shipping_again')),
  user_id bigint references accounts.users (id),
  detail jsonb not null default '{}',
  created_at timestamptz not null default statement_timestamp()
);
comment on table shop.order_events is 'What happened to an order after it was made';
create index order_events_order_idx on shop.order_events (order_id, id);
create unique index order_events_status_key on shop.order_events (order_id, event)
  where event in ('processing', 'shipped', 'delivered', 'cancelled', 'document');

create view shop.stock_ledger as
  select product_id, kind, change, created_at, null::bigint order_id from shop.stock_movements
  union all
  select i.product_id, 'sold', -i.quantity, o.created_at, o.id
  from shop.order_items i join shop.orders o on o.id = i.order_id
  union all
  select i.product_id, 'restored', i.quantity, e.created_at, e.order_id
  from shop.order_items i join shop.order_events e on e.order_id = i.order_id and e.event = 'cancelled';
comment on view shop.stock_ledger is 'Every movement of stock; for each product they add up to what is left';

-- Scopes: `products` for every list, `product:<id>` for one product.
create function shop.stamp_products() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform platform.stamp('{}', array(select 'products' from new_rows limit 1));
  elsif tg_op = 'UPDATE' then
    perform platform.stamp(array(select 'product:' || id from new_rows), array(select 'products' from new_rows limit 1));
  else
    perform platform.stamp(array(select 'product:' || id from old_rows), array(select 'products' from old_rows limit 1));
  end if;
  return null;
end $$;
create trigger stamp_insert after insert on shop.products referencing new table as new_rows
  for each statement execute function shop.stamp_products();
create trigger stamp_update after update on shop.products referencing new table as new_rows
  for each statement execute function shop.stamp_products();
create trigger stamp_delete after delete on shop.products referencing old table as old_rows
  for each statement execute function shop.stamp_products();

-- Scope `order:<id>`. An order that is not there yet has no kept answer, so making one with its lines stamps nothing.
create function shop.stamp_orders() returns trigger language plpgsql as $$
begin
  perform platform.stamp(array(select 'order:' || id from old_rows), '{}');
  return null;
end $$;
create trigger stamp_update after update on shop.orders referencing old table as old_rows
  for each statement execute function shop.stamp_orders();
create trigger stamp_delete after delete on shop.orders referencing old table as old_rows
  for each statement execute function shop.stamp_orders();

create function shop.stamp_order_items() returns trigger language plpgsql as $$
begin
  perform platform.stamp(array(select distinct 'order:' || order_id from old_rows), '{}');
  return null;
end $$;
create trigger stamp_update after update on shop.order_items referencing old table as old_rows
  for each statement execute function shop.stamp_order_items();
create trigger stamp_delete after delete on shop.order_items referencing old table as old_rows
  for each statement execute function shop.stamp_order_items();
