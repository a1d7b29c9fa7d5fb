-- compatible: whom residents were asked for readings by letter, so that each is asked once.
create table housing.reminder_rounds (
  house_id bigint not null references housing.houses (id),
  month date not null check (extract(day from month) = 1),
  kind text not null check (kind in ('start', 'end')),
  created_at timestamptz not null default now(),
  primary key (house_id, month, kind)
);
comment on table housing.reminder_rounds is 'A house is reminded at the start of its window and a day before its end, once a month each';

create table housing.reminders (
  id bigint generated always as identity primary key,
  apartment_id bigint not null references housing.apartments (id),
  user_id bigint not null references accounts.users (id),
  month date not null check (extract(day from month) = 1),
  kind text not null check (kind in ('start', 'end', 'office')),
  -- The office may ask once a day.
  day date not null default (now() at time zone 'UTC')::date,
  created_at timestamptz not null default now(),
  constraint reminders_key unique (apartment_id, user_id, month, kind, day)
);
create index reminders_user_idx on housing.reminders (user_id);
