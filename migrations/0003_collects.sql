create schema collects;

create table collects.collects (
  id bigint generated always as identity primary key,
  author_id bigint not null references accounts.users (id),
  title text not null check (length(title) between 1 and 200),
  occasion text not null check (occasion in ('birthday', 'wedding', 'new_year', 'funeral', 'charity', 'yard', 'other')),
  description text not null default '' check (length(description) <= 10000),
  target_amount numeric(14, 2) check (target_amount > 0),
  collected_amount numeric(18, 2) not null default 0 check (collected_amount >= 0),
  donors_count integer not null default 0 check (donors_count between 0 and payments_count),
  payments_count integer not null default 0 check (payments_count >= 0),
  cover text,
  ends_at timestamptz not null,
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 70);
comment on column collects.collects.collected_amount is 'Sum of completed payments; kept by pay and refund, proved by the audit';
comment on column collects.collects.donors_count is 'Different people among completed payments';
comment on column collects.collects.cover is 'Key of the image in files';
-- The next instant at which the clock alone changes a list.
create index collects_ends_idx on collects.collects (ends_at) where closed_at is null;
create index collects_cover_idx on collects.collects (cover) where cover is not null;
create index collects_author_idx on collects.collects (author_id, id);
create index collects_search_idx on collects.collects
  using gin ((translate(lower(title || ' ' || description), 'ё', 'е')) gin_trgm_ops);

create table collects.payments (
  id bigint generated always as identity primary key,
  collect_id bigint not null references collects.collects (id),
  payer_id bigint not null references accounts.users (id),
  amount numeric(14, 2) not null check (amount >= 1),
  status text not null default 'completed' check (status in ('pending', 'completed', 'failed', 'refunded')),
  transaction_id text not null constraint payments_transaction_id_key unique check (length(transaction_id) between 1 and 64),
  comment text not null default '' check (length(comment) <= 500),
  is_anonymous boolean not null default false,
  created_at timestamptz not null default statement_timestamp(),
  refunded_at timestamptz,
  constraint payments_refunded check ((status = 'refunded') = (refunded_at is not null))
);
comment on column collects.payments.is_anonymous is 'Only the payer and administrators see who gave';
-- A payment is inserted while its collect is locked, with the time of that statement, so within one collect
-- the order of ids is the order of created_at and one index serves both.
create index payments_feed_idx on collects.payments (collect_id, status, id);
create index payments_payer_idx on collects.payments (payer_id, id);
create index payments_donor_idx on collects.payments (collect_id, payer_id) where status = 'completed';

-- Scopes: `collects` for every list, `collect:<id>` for one collect and its feed.
create function collects.stamp_collects() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform platform.stamp('{}', array(select 'collects' from new_rows limit 1));
  elsif tg_op = 'UPDATE' then
    perform platform.stamp(array(select 'collect:' || id from new_rows), array(select 'collects' from new_rows limit 1));
  else
    perform platform.stamp(array(select 'collect:' || id from old_rows), array(select 'collects' from old_rows limit 1));
  end if;
  return null;
end $$;
create trigger stamp_insert after insert on collects.collects referencing new table as new_rows
  for each statement execute function collects.stamp_collects();
create trigger stamp_update after update on collects.collects referencing new table as new_rows
  for each statement execute function collects.stamp_collects();
create trigger stamp_delete after delete on collects.collects referencing old table as old_rows
  for each statement execute function collects.stamp_collects();

create function collects.stamp_payments() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform platform.stamp(array(select distinct 'collect:' || collect_id from new_rows), '{}');
  elsif tg_op = 'UPDATE' then
    perform platform.stamp(array(select 'collect:' || collect_id from new_rows union select 'collect:' || collect_id from old_rows), '{}');
  else
    perform platform.stamp(array(select distinct 'collect:' || collect_id from old_rows), '{}');
  end if;
  return null;
end $$;
create trigger stamp_insert after insert on collects.payments referencing new table as new_rows
  for each statement execute function collects.stamp_payments();
create trigger stamp_update after update on collects.payments referencing old table as old_rows new table as new_rows
  for each statement execute function collects.stamp_payments();
create trigger stamp_delete after delete on collects.payments referencing old table as old_rows
  for each statement execute function collects.stamp_payments();
