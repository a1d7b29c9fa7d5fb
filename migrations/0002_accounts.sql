create schema accounts;

create table accounts.users (
  id bigint generated always as identity primary key,
  username text not null check (username ~ '^[[:alnum:]@.+_-]{3,150}$'),
  email text check (length(email) between 3 and 254),
  email_confirmed_at timestamptz,
  phone text check (phone ~ '^[1-9][0-9]{6,14}$'),
  password_hash text,
  first_name text not null default '' check (length(first_name) <= 150),
  last_name text not null default '' check (length(last_name) <= 150),
  patronymic text not null default '' check (length(patronymic) <= 150),
  full_name text not null generated always as (
    coalesce(nullif(trim(regexp_replace(last_name || ' ' || first_name || ' ' || patronymic, '\s+', ' ', 'g')), ''),
      split_part(username, '@', 1))) stored,
  locale text check (locale in ('ru', 'en')),
  role text not null default 'user'
    check (role in ('user', 'admin', 'operator', 'bookkeeper', 'storekeeper', 'auditor')),
  is_active boolean not null default true,
  invite_code text not null unique check (invite_code ~ '^[A-Z0-9]{6}$'),
  invited_by bigint references accounts.users (id) check (invited_by <> id),
  invited_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- An invite is used once ever, also if whose it was is gone.
  constraint users_invited_once check (invited_by is null or invited_at is not null),
  -- Both may be typed into one login field, so a name that looks like an address must be the person's own.
  constraint users_username_is_own_email check (username !~ '@' or lower(username) = lower(email))
);
create unique index users_username_key on accounts.users (lower(username));
create unique index users_email_key on accounts.users (lower(email));
create unique index users_phone_key on accounts.users (phone);
create index users_invited_by_idx on accounts.users (invited_by);
create index users_search_idx on accounts.users using gin ((lower(username || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '') || ' ' || full_name)) gin_trgm_ops);
comment on column accounts.users.username is 'personal: name';
comment on column accounts.users.email is 'personal: email';
comment on column accounts.users.email_confirmed_at is 'personal: none';
comment on column accounts.users.phone is 'personal: phone';
comment on column accounts.users.first_name is 'personal: name';
comment on column accounts.users.last_name is 'personal: name';
comment on column accounts.users.patronymic is 'personal: name';
comment on column accounts.users.full_name is 'personal: name';
comment on column accounts.users.password_hash is 'argon2id; null for people who only come by SMS or an outside login';

-- Answers that show people are read under the scope `names`.
create function accounts.stamp_names() returns trigger language plpgsql as $$
begin
  if exists (select from old_rows o join new_rows n using (id) where o.full_name <> n.full_name) then
    perform platform.stamp('{}', '{names}');
  end if;
  return null;
end $$;
create trigger stamp_names after update on accounts.users referencing old table as old_rows new table as new_rows
  for each statement execute function accounts.stamp_names();

create table accounts.logins (
  id bigint generated always as identity primary key,
  user_id bigint not null references accounts.users (id) on delete cascade,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
comment on table accounts.logins is 'A login family: all refresh tokens that descend from one login';
create index logins_user_idx on accounts.logins (user_id);

create table accounts.refresh_tokens (
  hash bytea primary key,
  login_id bigint not null references accounts.logins (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  spent_at timestamptz
);
comment on table accounts.refresh_tokens is 'SHA-256 of each token; a successor is HMAC(secret, parent), so it need not be kept to be given twice';
create index refresh_tokens_login_idx on accounts.refresh_tokens (login_id);
create index refresh_tokens_expires_idx on accounts.refresh_tokens (expires_at);

create table accounts.tokens (
  id bigint generated always as identity primary key,
  user_id bigint not null references accounts.users (id) on delete cascade,
  hash bytea not null unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
comment on table accounts.tokens is 'Long-lived tokens of machines, hashed';
create index tokens_user_idx on accounts.tokens (user_id, id);

create table accounts.codes (
  -- The ids go to the SMS gateway, which may know those of mailings too: these begin where messages never come.
  id bigint generated always as identity (start with 1000000000001) primary key,
  kind text not null check (kind in ('login', 'phone', 'reset', 'email')),
  user_id bigint references accounts.users (id) on delete cascade,
  phone text check (phone ~ '^[1-9][0-9]{6,14}$'),
  email text check (length(email) between 3 and 254),
  locale text not null check (locale in ('ru', 'en')),
  digits smallint check (digits between 4 and 8),
  hash bytea,
  tries smallint not null default 0 check (tries between 0 and 5),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint codes_whole check (
    case when kind in ('login', 'phone') then phone is not null and digits is not null else email is not null end
    and (kind not in ('phone', 'email') or user_id is not null))
);
comment on table accounts.codes is 'Codes by SMS (login, phone) and links by e-mail (reset, email) that prove who holds a number or an address';
comment on column accounts.codes.hash is 'HMAC of the code or link, which is derived from the id when it is sent and kept nowhere; null until then';
comment on column accounts.codes.tries is 'Counted by one statement before the code is compared, so that no race makes a sixth';
comment on column accounts.codes.phone is 'personal: phone';
comment on column accounts.codes.email is 'personal: email';
create index codes_phone_idx on accounts.codes (phone, id) where phone is not null;
create index codes_email_idx on accounts.codes (lower(email)) where email is not null;
create index codes_user_idx on accounts.codes (user_id) where user_id is not null;
create index codes_expires_idx on accounts.codes (expires_at);

create table accounts.attempts (
  subject text not null,
  at timestamptz not null,
  count integer not null default 1,
  expires_at timestamptz not null,
  primary key (subject, at)
);
comment on table accounts.attempts is 'What is limited per time, counted for all processes together; the subject is a kind and an HMAC';
create index attempts_expires_idx on accounts.attempts (expires_at);

-- Counts one attempt of every subject and returns 0, or counts none and returns after how many seconds it may be tried
-- again. A limit holds for any stretch of its length, not only from one full hour to the next. One subject may stand
-- there twice with two spans; attempts of one subject take turns, in one order, until their transactions end.
create function accounts.admit(subjects text[], spans integer[], limits integer[]) returns integer language plpgsql as $$
declare
  wait integer;
  moment timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended(s, 11)) from (select distinct unnest(subjects) s order by s) t;
  moment := clock_timestamp();
  -- The newest attempt that must leave the span before there is room again.
  select ceil(extract(epoch from max(a.at + make_interval(secs => l.span) - moment)))::integer into wait
  from unnest(subjects, spans, limits) l(subject, span, allowed)
  cross join lateral (
    select at, sum(count) over (order by at desc) newer_or_this from accounts.attempts
    where subject = l.subject and at > moment - make_interval(secs => l.span)) a
  where a.newer_or_this >= l.allowed;
  if wait is not null then return greatest(wait, 1); end if;
  insert into accounts.attempts (subject, at, expires_at)
  select subject, moment, moment + make_interval(secs => max(span)) from unnest(subjects, spans) l(subject, span)
  group by subject order by subject
  on conflict (subject, at) do update set count = accounts.attempts.count + 1;
  return 0;
end $$;
