-- What every module stands on: stamps of cached answers, safe retries, the outbox, the audit log, the installation itself.
create schema platform;
create extension if not exists pg_trgm;

-- A scope names what a cached answer was made from. Whoever changes that sets a new random stamp in the same transaction.
-- Random, not counted: a counter that is rolled back and drawn again would make an old answer look new.
create table platform.stamps (
  scope text not null,
  shard smallint not null default 0,
  stamp uuid not null default gen_random_uuid(),
  primary key (scope, shard)
) with (fillfactor = 50);
comment on table platform.stamps is 'Versions of what cached answers cover; list scopes have 16 shards so that their writers rarely wait for each other';

-- Every trigger that stamps calls this, once per statement: sorted, so that two transactions never wait for each other in a ring.
-- List scopes take one shard a transaction, picked by backend.
create function platform.stamp(details text[], lists text[]) returns void language sql as $$
  insert into platform.stamps (scope, shard)
  select scope, shard from (
    select distinct unnest(details) scope, 0::smallint shard
    union select distinct unnest(lists), (pg_backend_pid() % 16)::smallint) s
  where scope is not null
  order by scope, shard
  on conflict (scope, shard) do update set stamp = gen_random_uuid()
$$;

create table platform.idempotency (
  user_id bigint not null,
  route text not null,
  key text not null check (length(key) between 1 and 128),
  request_hash bytea not null,
  body text,
  created_at timestamptz not null default now(),
  primary key (user_id, route, key)
);
comment on table platform.idempotency is 'Answers of creating calls, written with the change itself and replayed for 24 hours';
create index idempotency_created_at_idx on platform.idempotency (created_at);

create table platform.outbox (
  id bigint generated always as identity primary key,
  key text not null unique,
  kind text not null check (kind in ('email', 'sms', 'message', 'shipping')),
  "to" text not null,
  subject text,
  text text not null,
  html text,
  secret jsonb,
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  error text,
  user_id bigint,
  created_at timestamptz not null default now(),
  sent_at timestamptz
);
comment on table platform.outbox is 'What was sent to people; the key makes a repeated job recognisable';
comment on column platform.outbox.secret is 'What stands for {secret} in text and html: a reference from which it is derived when it is sent or shown, never the secret';
comment on column platform.outbox."to" is 'personal: contact';

create table platform.audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  user_id bigint,
  action text not null,
  subject text not null,
  subject_id bigint,
  before jsonb,
  after jsonb,
  address text,
  request_id text
);
comment on table platform.audit_log is 'Who changed what; written in the transaction of the change';
comment on column platform.audit_log.address is 'personal: address';
create index audit_log_subject_idx on platform.audit_log (subject, subject_id, id);
create index audit_log_user_idx on platform.audit_log (user_id, id);

create table platform.installation (
  id boolean primary key default true check (id),
  name text not null default 'Двор' check (length(name) between 1 and 200),
  requisites jsonb not null default '{}',
  secret_fingerprint text
);
comment on table platform.installation is 'One row: the organisation, and which secret signs its tokens';
comment on column platform.installation.name is 'personal: none';
insert into platform.installation default values;
