-- What is limited per time moves to the platform; a user's tokens have a version; whoever loses an address or a number hears
-- of it; tries of a code are told apart by who asked for it; usernames have one alphabet whatever the database's locale.

-- The limits -------------------------------------------------------------------------------------------------------------

alter table accounts.attempts set schema platform;
drop function accounts.admit(text[], integer[], integer[]);

-- Counts one attempt of every subject and returns 0, or counts none and returns after how many seconds it may be tried
-- again. A limit holds for any stretch of its length, not only from one full hour to the next. One subject may stand
-- there twice with two spans; attempts of one subject take turns, in one order, until their transactions end.
create function platform.admit(subjects text[], spans integer[], limits integer[]) returns integer language plpgsql as $$
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
    select at, sum(count) over (order by at desc) newer_or_this from platform.attempts
    where subject = l.subject and at > moment - make_interval(secs => l.span)) a
  where a.newer_or_this >= l.allowed;
  if wait is not null then return greatest(wait, 1); end if;
  insert into platform.attempts (subject, at, expires_at)
  select subject, moment, moment + make_interval(secs => max(span)) from unnest(subjects, spans) l(subject, span)
  group by subject order by subject
  on conflict (subject, at) do update set count = attempts.count + 1;
  return 0;
end $$;

-- Versions of tokens -----------------------------------------------------------------------------------------------------

alter table accounts.users add column token_version integer not null default 1;
comment on column accounts.users.token_version is 'Stands in access tokens: an older one writes no more, and reads nothing that is for staff';

-- Whoever changes what tokens vouch for ends those that are out, by hand too.
create function accounts.raise_token_version() returns trigger language plpgsql as $$
begin
  new.token_version := old.token_version + 1;
  return new;
end $$;
create trigger raise_token_version before update on accounts.users for each row
  when ((old.password_hash, old.role, old.is_active) is distinct from (new.password_hash, new.role, new.is_active))
  execute function accounts.raise_token_version();

comment on column accounts.logins.created_at is 'When the person proved who they are; refreshing does not renew it';

-- Notices ----------------------------------------------------------------------------------------------------------------

create table accounts.notices (
  -- The ids of SMS go to the gateway, as those of codes do: these begin where codes never come.
  id bigint generated always as identity (start with 2000000000001) primary key,
  user_id bigint not null references accounts.users (id) on delete cascade,
  change text not null check (change in ('email', 'phone', 'password')),
  email text check (length(email) between 3 and 254),
  phone text check (phone ~ '^[1-9][0-9]{6,14}$'),
  locale text not null check (locale in ('ru', 'en')),
  created_at timestamptz not null default now(),
  constraint notices_one_receiver check (num_nonnulls(email, phone) = 1)
);
comment on table accounts.notices is 'A change of address, number or password, told to the address or number that was the account''s before it';
comment on column accounts.notices.email is 'personal: email';
comment on column accounts.notices.phone is 'personal: phone';
create index notices_user_idx on accounts.notices (user_id);
create index notices_created_at_idx on accounts.notices (created_at);

-- Tries of codes ---------------------------------------------------------------------------------------------------------

alter table accounts.codes add column asker bytea;
alter table accounts.codes add column others_tries smallint not null default 0 check (others_tries between 0 and 5);
comment on column accounts.codes.asker is 'HMAC of the network that asked for it';
comment on column accounts.codes.tries is 'Of the network that asked; counted by one statement before the code is compared, so that no race makes a sixth';
comment on column accounts.codes.others_tries is 'Of all other networks together, counted in the same way: they use up no try of the asker';

-- Usernames --------------------------------------------------------------------------------------------------------------

-- Letters and decimal digits, @ . + - _. What [[:alnum:]] means depends on the locale of the database, so here stands what
-- every one agrees on: the ASCII part and the length. Which other characters are letters the server says, by Unicode.
alter table accounts.users drop constraint users_username_check;
alter table accounts.users add constraint users_username_check
  check (username ~ '^([A-Za-z0-9@.+_-]|[^\u0001-\u007f]){3,150}$');
