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
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
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

create table accounts.attempts (
  kind text not null,
  subject text not null,
  window_start timestamptz not null,
  count integer not null default 1,
  primary key (kind, subject, window_start)
);
comment on table accounts.attempts is 'Counts per time window, shared by all processes; the subject is an HMAC where it is personal';
create index attempts_window_idx on accounts.attempts (window_start);
