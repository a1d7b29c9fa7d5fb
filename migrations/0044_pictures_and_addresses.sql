-- compatible: pictures of products; where an order goes and what its buyer asks for.

create table shop.product_pictures (
  id bigint generated always as identity primary key,
  product_id bigint not null references shop.products (id) on delete cascade,
  picture text not null unique,
  created_at timestamptz not null default now()
);
comment on table shop.product_pictures is 'Pictures of products, the first before the second';
comment on column shop.product_pictures.picture is 'Key of the image in files';
create index product_pictures_product_idx on shop.product_pictures (product_id, id);
select platform.watch('shop.product_pictures', details => array[$$'product:' || changed.product_id$$], lists => '{products}');

alter table shop.orders
  add column address text not null default '' check (length(address) <= 500),
  add column phone text check (phone ~ '^[1-9][0-9]{6,14}$'),
  add column comment text not null default '' check (length(comment) <= 1000);
comment on column shop.orders.address is 'personal: address';
comment on column shop.orders.phone is 'personal: phone';
comment on column shop.orders.comment is 'personal: contact';
