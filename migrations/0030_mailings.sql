-- compatible: Clients, the numbers never to be written to, mailings, their messages and what is counted of them.
create schema mailings;

create table mailings.clients (
  id bigint generated always as identity primary key,
  phone text not null check (phone ~ '^7[0-9]{10}$'),
  operator_code text not null check (operator_code ~ '^[0-9]{3}$'),
  tag text not null default '' check (length(tag) <= 64),
  timezone text not null check (length(timezone) between 1 and 64),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column mailings.clients.phone is 'personal: phone';
comment on column mailings.clients.operator_code is 'Digits 2 to 4 of the phone unless given: numbers move between operators';
comment on column mailings.clients.timezone is 'IANA name';
create unique index clients_phone_key on mailings.clients (phone);
create index clients_operator_code_idx on mailings.clients (operator_code, id);
create index clients_tag_idx on mailings.clients (tag, id);

create table mailings.stops (
  phone text primary key check (phone ~ '^7[0-9]{10}$'),
  reason text not null check (length(reason) <= 300),
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now()
);
comment on table mailings.stops is 'Numbers that must never be written to, clients or not';
comment on column mailings.stops.phone is 'personal: phone';
create index stops_order_idx on mailings.stops (created_at, phone);

create table mailings.mailings (
  id bigint generated always as identity primary key,
  text text not null check (length(text) between 1 and 1000),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  operator_codes text[] not null default '{}',
  tags text[] not null default '{}',
  audience text check (length(audience) between 1 and 64),
  audience_parameters jsonb,
  local_from time,
  local_to time,
  status text not null default 'scheduled' check (status in ('scheduled', 'running', 'finished', 'cancelled')),
  started_at timestamptz,
  finished_at timestamptz,
  paused_at timestamptz,
  pause_reason text check (length(pause_reason) <= 300),
  unreachable integer not null default 0 check (unreachable >= 0),
  first_message_id bigint,
  last_message_id bigint,
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint mailings_ends check (ends_at > starts_at),
  constraint mailings_audience check ((audience is null) = (audience_parameters is null)
    and (audience is null or (operator_codes = '{}' and tags = '{}'))),
  constraint mailings_window check ((local_from is null) = (local_to is null) and local_from <> local_to),
  constraint mailings_started check (case status when 'scheduled' then started_at is null when 'cancelled' then true else started_at is not null end),
  constraint mailings_finished check ((status in ('finished', 'cancelled')) = (finished_at is not null)),
  constraint mailings_paused check ((paused_at is null or status = 'running') and (pause_reason is null or paused_at is not null))
);
comment on column mailings.mailings.audience is 'Of another module, in place of codes and tags: its name, and the parameters beside it';
comment on column mailings.mailings.local_from is 'Messages leave from this time of the client''s day to local_to, over midnight where that is earlier';
comment on column mailings.mailings.local_to is 'personal: none';
comment on column mailings.mailings.unreachable is 'People of the audience who have given no phone';
comment on column mailings.mailings.first_message_id is 'Its messages were made in one statement and have ids from this one to last_message_id; others of that range are not its own';
create index mailings_starts_idx on mailings.mailings (starts_at) where status = 'scheduled';
create index mailings_running_idx on mailings.mailings (id) where status = 'running';
create index mailings_status_idx on mailings.mailings (status, id);

create table mailings.messages (
  id bigint generated always as identity primary key,
  mailing_id bigint not null references mailings.mailings (id),
  client_id bigint references mailings.clients (id) on delete set null,
  phone text not null,
  operator_code text not null,
  status text not null default 'processing' check (status in ('processing', 'sent', 'error', 'expired')),
  claimed boolean not null default false,
  attempts integer not null default 0 check (attempts >= 0),
  refusals integer not null default 0 check (refusals >= 0),
  due_at timestamptz not null,
  last_error text check (length(last_error) <= 500),
  fields jsonb,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  constraint messages_sent check ((status = 'sent') = (sent_at is not null))
) with (fillfactor = 90);
comment on column mailings.messages.phone is 'personal: phone';
comment on column mailings.messages.operator_code is 'As the client''s was at the start, for counters';
comment on column mailings.messages.claimed is 'A worker took it and has not said how it went; due_at is then the end of its lease';
comment on column mailings.messages.attempts is 'Number of the last attempt: a record that names another comes too late';
comment on column mailings.messages.refusals is 'Answers that say no for good (4xx, another code) since the start or the last retry by hand; the third ends it';
comment on column mailings.messages.due_at is 'Not to be sent before: the local window, a pause after a failure, or a lease';
comment on column mailings.messages.last_error is 'A code of ours (reasons.ts), and behind a space what the gateway said';
comment on column mailings.messages.fields is 'What an audience says of this person, for placeholders. personal: name';
create unique index messages_client_key on mailings.messages (mailing_id, client_id);
create index messages_client_idx on mailings.messages (client_id, id);
create index messages_due_idx on mailings.messages (mailing_id, due_at, id) where status = 'processing';
create index messages_failed_idx on mailings.messages (mailing_id, status, id) where status in ('error', 'expired');

create table mailings.counters (
  mailing_id bigint not null references mailings.mailings (id) on delete cascade,
  operator_code text not null,
  total integer not null default 0,
  sent integer not null default 0,
  error integer not null default 0,
  expired integer not null default 0,
  attempts bigint not null default 0,
  primary key (mailing_id, operator_code),
  constraint counters_sum check (least(total, sent, error, expired) >= 0 and sent + error + expired <= total)
) with (fillfactor = 50);
comment on table mailings.counters is 'How many messages stand where, kept by the statements that move them; what is in none of the three is processing';

create table mailings.minutes (
  mailing_id bigint not null references mailings.mailings (id) on delete cascade,
  at timestamptz not null,
  sent integer not null default 0,
  error integer not null default 0,
  primary key (mailing_id, at)
) with (fillfactor = 50);
comment on table mailings.minutes is 'Messages that became sent, and that became error, in each minute';

create table mailings.latencies (
  mailing_id bigint not null references mailings.mailings (id) on delete cascade,
  bucket smallint not null,
  answers integer not null default 0,
  primary key (mailing_id, bucket)
) with (fillfactor = 50);
comment on column mailings.latencies.bucket is 'Whole part of the logarithm to the base 1.1 of the milliseconds that the gateway took';

create table mailings.recent_answers (
  mailing_id bigint primary key references mailings.mailings (id) on delete cascade,
  answers text not null default '' check (answers ~ '^[01]{0,200}$')
) with (fillfactor = 50);
comment on table mailings.recent_answers is 'The last 200 answers of the gateway to each running mailing, the newest last, 1 for an error: what pauses it';

create table mailings.tests (
  id bigint primary key default nextval('mailings.messages_id_seq'),
  mailing_id bigint not null references mailings.mailings (id) on delete cascade,
  phone text not null check (phone ~ '^7[0-9]{10}$'),
  text text not null,
  status text not null default 'processing' check (status in ('processing', 'sent', 'error')),
  last_error text,
  created_by bigint references accounts.users (id),
  created_at timestamptz not null default now()
);
comment on table mailings.tests is 'Messages sent to try a mailing, which count nowhere; their ids are of the same sequence, for the gateway';
comment on column mailings.tests.phone is 'personal: phone';
create index tests_mailing_idx on mailings.tests (mailing_id, id);

create table mailings.gateway (
  id boolean primary key default true check (id),
  next_slot_at timestamptz not null default now()
) with (fillfactor = 50);
comment on table mailings.gateway is 'The row that every claim locks, so that rate and number of calls hold over all workers';
comment on column mailings.gateway.next_slot_at is 'Where GATEWAY_RATE is set: the first instant that is not given to a call yet';
insert into mailings.gateway default values;

create table mailings.senders (
  id uuid primary key,
  in_flight integer not null default 0 check (in_flight >= 0),
  breaker text not null default 'closed' check (breaker in ('closed', 'open', 'half_open')),
  latency_ms jsonb,
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null
) with (fillfactor = 50);
comment on table mailings.senders is 'Processes that send: calls that each may have under way, and how it sees the gateway; gone ones count until they expire';
