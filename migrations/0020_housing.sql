-- compatible: Houses, flats, meters and their readings, tariffs, the monthly run and its bills, and the account of every flat.
create schema housing;

-- "2" before "10", "12а" after "12".
create collation platform.natural (provider = icu, locale = 'ru-u-kn-true');

create table housing.houses (
  id bigint generated always as identity primary key,
  address text not null check (length(address) between 1 and 300),
  timezone text not null check (length(timezone) between 1 and 64),
  missing_readings text not null default 'skip' check (missing_readings in ('skip', 'average', 'norm')),
  norm_cold_water numeric(8, 3) check (norm_cold_water >= 0),
  norm_hot_water numeric(8, 3) check (norm_hot_water >= 0),
  window_from smallint not null default 20 check (window_from between 1 and 28),
  window_to smallint not null default 25 check (window_to <= 28),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint houses_window check (window_to >= window_from),
  constraint houses_norm check (missing_readings <> 'norm' or (norm_cold_water is not null and norm_hot_water is not null))
);
comment on column housing.houses.address is 'personal: none';
comment on column housing.houses.missing_readings is 'What stands in for a missing reading: nothing, the mean of earlier months (then the norm, where there is one), or the norm';
comment on column housing.houses.norm_cold_water is 'm³ a month for each meter';
comment on column housing.houses.window_from is 'Days of the month on which residents are asked for readings; they may submit them on others too';
comment on column housing.houses.window_to is 'personal: none';
create unique index houses_address_key on housing.houses (lower(address));
create index houses_order_idx on housing.houses (address collate platform.natural, id);

create table housing.apartments (
  id bigint generated always as identity primary key,
  house_id bigint not null references housing.houses (id),
  number text not null check (length(number) between 1 and 20),
  area numeric(8, 2) not null check (area > 0),
  account text not null check (account ~ '^[0-9A-Za-zА-Яа-яЁё/.-]{1,30}$'),
  -- The sum of its entries; kept by publish and by payments, proved by the audit.
  balance numeric(18, 2) not null default 0,
  ended_on date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 80);
comment on column housing.apartments.account is 'Number of the personal account (лицевой счёт). personal: none';
comment on column housing.apartments.balance is 'What the flat owes: positive is a debt';
comment on column housing.apartments.ended_on is 'The last day on which the flat is billed, where it is no more';
create unique index apartments_number_key on housing.apartments (house_id, number);
create unique index apartments_account_key on housing.apartments (account);
create index apartments_order_idx on housing.apartments (house_id, number collate platform.natural, id);
create index apartments_debt_idx on housing.apartments (house_id, balance desc, id) where balance > 0;

create table housing.residents (
  apartment_id bigint not null references housing.apartments (id),
  user_id bigint not null references accounts.users (id),
  since timestamptz not null default now(),
  primary key (apartment_id, user_id)
);
create index residents_user_idx on housing.residents (user_id, apartment_id);

create table housing.join_codes (
  id bigint generated always as identity primary key,
  apartment_id bigint not null references housing.apartments (id),
  hash bytea not null unique,
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_by bigint references accounts.users (id),
  used_at timestamptz,
  constraint join_codes_used check ((used_at is null) = (used_by is null))
);
comment on table housing.join_codes is 'Paper codes that make their bearer a resident, once; derived by HMAC when a sheet is printed, kept as a hash';
create index join_codes_apartment_idx on housing.join_codes (apartment_id, id);

create table housing.meters (
  id bigint generated always as identity primary key,
  apartment_id bigint not null references housing.apartments (id),
  kind text not null check (kind in ('cold_water', 'hot_water')),
  serial text not null check (length(serial) between 1 and 40),
  installed_on date not null,
  removed_on date,
  initial_value numeric(12, 3) not null default 0 check (initial_value >= 0),
  digits smallint not null default 5 check (digits between 4 and 9),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint meters_removed check (removed_on >= installed_on),
  constraint meters_initial_value check (initial_value < 10::numeric ^ digits)
);
comment on column housing.meters.initial_value is 'Stands in for the reading of the month before while there is no earlier one';
comment on column housing.meters.digits is 'Whole digits that it shows: after the last it begins at zero';
create unique index meters_serial_key on housing.meters (serial);
create index meters_apartment_idx on housing.meters (apartment_id, id);

create table housing.readings (
  id bigint generated always as identity primary key,
  meter_id bigint not null references housing.meters (id),
  month date not null check (extract(day from month) = 1),
  value numeric(12, 3) not null check (value >= 0),
  rollover boolean not null default false,
  source text not null default 'staff' check (source in ('resident', 'staff', 'import')),
  submitted_by bigint references accounts.users (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column housing.readings.rollover is 'Confirmed: since the reading before the meter has passed its last digit and begun at zero';
create unique index readings_month_key on housing.readings (meter_id, month) include (value, rollover);

create table housing.reading_changes (
  id bigint generated always as identity primary key,
  reading_id bigint not null references housing.readings (id) on delete cascade,
  value numeric(12, 3) not null,
  rollover boolean not null,
  changed_by bigint references accounts.users (id),
  changed_at timestamptz not null default now()
);
comment on table housing.reading_changes is 'What a reading was before each correction';
create index reading_changes_reading_idx on housing.reading_changes (reading_id, id);

create table housing.tariffs (
  id bigint generated always as identity primary key,
  service text not null check (service in ('cold_water', 'hot_water', 'maintenance')),
  price numeric(12, 4) not null check (price >= 0),
  unit text not null generated always as (case service when 'maintenance' then 'm2' else 'm3' end) stored,
  house_id bigint references housing.houses (id),
  valid_from date not null check (extract(day from valid_from) = 1),
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now()
);
comment on table housing.tariffs is 'The newest valid one wins, a house''s own before the general';
create unique index tariffs_valid_from_key on housing.tariffs (service, house_id, valid_from) nulls not distinct;
create index tariffs_house_idx on housing.tariffs (house_id, service, valid_from);

create table housing.billing_runs (
  id bigint generated always as identity primary key,
  house_id bigint not null references housing.houses (id),
  month date not null check (extract(day from month) = 1),
  status text not null default 'queued' check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
  -- What it counts by, frozen at its start: {cold_water: {id, price}, …, missing_readings, norms}.
  terms jsonb,
  total integer not null default 0 check (total >= 0),
  processed integer not null default 0 check (processed between 0 and total),
  skipped integer not null default 0 check (skipped between 0 and processed),
  incomplete integer not null default 0 check (incomplete between 0 and processed),
  amount numeric(18, 2) not null default 0,
  current boolean not null default false,
  error text,
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  published_at timestamptz,
  published_by bigint references accounts.users (id),
  constraint billing_runs_current check (not current or status = 'completed'),
  constraint billing_runs_published check (published_at is null or status = 'completed'),
  constraint billing_runs_whole check (status <> 'completed' or processed = total)
) with (fillfactor = 50);
comment on column housing.billing_runs.skipped is 'Flats whose bill of the run before was confirmed unchanged';
comment on column housing.billing_runs.current is 'The newest completed run of its house and month: its marks name the current bills';
create unique index billing_runs_active_key on housing.billing_runs (house_id, month) where status in ('queued', 'running');
create unique index billing_runs_current_key on housing.billing_runs (house_id, month) where current;
-- A month is published once; later revisions reach residents as a line of recalculation.
create unique index billing_runs_published_key on housing.billing_runs (house_id, month) where published_at is not null;
create index billing_runs_waiting_idx on housing.billing_runs (id) where status in ('queued', 'running');
create index billing_runs_house_idx on housing.billing_runs (house_id, id);
create index billing_runs_month_idx on housing.billing_runs (month, id);

-- A bill is never updated: a changed one is a new revision, and which of them counts is said by the marks of the runs.
create table housing.bills (
  id bigint generated always as identity primary key,
  run_id bigint not null references housing.billing_runs (id),
  apartment_id bigint not null references housing.apartments (id),
  month date not null,
  revision smallint not null check (revision >= 1),
  status text not null check (status in ('issued', 'incomplete')),
  total numeric(14, 2) not null,
  issues jsonb not null default '[]',
  -- Of all that it says, so that a later run confirms what is unchanged without reading its lines.
  digest uuid not null,
  created_at timestamptz not null default now()
);
comment on column housing.bills.issues is 'What was missing: [{code, meter?, service?, month?}]';
create unique index bills_revision_key on housing.bills (apartment_id, month, revision);

create table housing.bill_lines (
  bill_id bigint not null references housing.bills (id),
  position smallint not null check (position >= 1),
  service text not null check (service in ('cold_water', 'hot_water', 'maintenance', 'recalculation')),
  quantity numeric(12, 3) not null,
  price numeric(14, 4) not null,
  -- Rounded to kopecks half up (away from zero), once, here.
  amount numeric(14, 2) not null generated always as (round(quantity * price, 2)) stored,
  method text not null check (method in ('meter', 'average', 'norm', 'area', 'manual')),
  meter_id bigint references housing.meters (id),
  previous numeric(12, 3),
  current numeric(12, 3),
  -- m³ that estimates took too much and that wait for the readings to catch up; never above zero.
  carried numeric(12, 3) not null default 0 check (carried <= 0),
  recalculation_id bigint,
  primary key (bill_id, position)
);
create index bill_lines_estimated_idx on housing.bill_lines (meter_id) where method in ('average', 'norm') or carried <> 0;
create index bill_lines_recalculation_idx on housing.bill_lines (recalculation_id) where recalculation_id is not null;

-- The flats of a run, frozen at its start; a flat is done when it is marked with the bill that the run made or confirmed.
create table housing.run_apartments (
  run_id bigint not null references housing.billing_runs (id),
  apartment_id bigint not null,
  area numeric(8, 2) not null,
  bill_id bigint references housing.bills (id),
  primary key (run_id, apartment_id)
) with (fillfactor = 60);
create index run_apartments_bill_idx on housing.run_apartments (bill_id) where bill_id is not null;

create table housing.recalculations (
  id bigint generated always as identity primary key,
  apartment_id bigint not null references housing.apartments (id),
  amount numeric(14, 2) not null check (amount <> 0),
  reason text not null check (length(reason) between 1 and 500),
  -- Of a revision that came after the publication of its month.
  month date,
  run_id bigint references housing.billing_runs (id),
  -- The published bill that it went into.
  bill_id bigint references housing.bills (id),
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now(),
  constraint recalculations_revision check ((month is null) = (run_id is null))
);
alter table housing.bill_lines add foreign key (recalculation_id) references housing.recalculations (id);
create index recalculations_apartment_idx on housing.recalculations (apartment_id, id);
create index recalculations_open_idx on housing.recalculations (apartment_id) where bill_id is null;
create unique index recalculations_revision_key on housing.recalculations (run_id, apartment_id) where run_id is not null;

create table housing.payments (
  id bigint generated always as identity primary key,
  apartment_id bigint not null references housing.apartments (id),
  amount numeric(14, 2) not null check (amount > 0),
  paid_on date not null,
  reference text not null default '' check (length(reference) <= 200),
  bill_id bigint references housing.bills (id),
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now()
);
comment on table housing.payments is 'Money received belongs to the flat''s account; the bill, where one is named, is only what the payer meant';
create index payments_apartment_idx on housing.payments (apartment_id, id);

-- The account of a flat: published bills and money received, in the order in which they came.
create table housing.entries (
  id bigint generated always as identity primary key,
  apartment_id bigint not null references housing.apartments (id),
  bill_id bigint unique references housing.bills (id),
  payment_id bigint unique references housing.payments (id),
  amount numeric(14, 2) not null,
  -- The balance before this entry: for a bill its opening balance, frozen by its publication.
  opening_balance numeric(18, 2) not null,
  at timestamptz not null default now(),
  constraint entries_one check (num_nonnulls(bill_id, payment_id) = 1)
);
comment on column housing.entries.amount is 'Positive: charged; negative: paid';
create index entries_apartment_idx on housing.entries (apartment_id, id);

-- `house:<id>` is a house with its flats, their meters, readings and the state of its last run. Bills never set it.
select platform.watch('housing.houses', own => $$'house:' || changed.id$$);
select platform.watch('housing.apartments', details => array[$$'house:' || changed.house_id$$]);
select platform.watch('housing.residents', details => array[
  $$(select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id)$$]);
select platform.watch('housing.meters', details => array[
  $$(select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id)$$]);
select platform.watch('housing.readings', details => array[
  $$(select 'house:' || a.house_id from housing.meters m join housing.apartments a on a.id = m.apartment_id
     where m.id = changed.meter_id)$$]);
select platform.watch('housing.billing_runs', details => array[$$'house:' || changed.house_id$$]);
