-- compatible: what people are told in the app, and the kinds of letters that they do not want.

create table platform.notifications (
  id bigint generated always as identity primary key,
  user_id bigint not null references accounts.users (id) on delete cascade,
  kind text not null,
  key text not null,
  path text not null check (path ~ '^/[^/\\]'),
  params jsonb not null default '{}',
  created_at timestamptz not null default now(),
  read_at timestamptz,
  constraint notifications_key unique (user_id, kind, key)
);
comment on table platform.notifications is 'What a person is told in the app, worded in their language when it is shown; the key makes a repeat recognisable';
comment on column platform.notifications.params is 'What the words name: sums, titles, months';
comment on column platform.notifications.path is 'The page of the web app that it is about';
create index notifications_user_idx on platform.notifications (user_id, id);
create index notifications_unread_idx on platform.notifications (user_id) where read_at is null;
create index notifications_at_idx on platform.notifications using brin (created_at);

create table platform.muted_letters (
  user_id bigint not null references accounts.users (id) on delete cascade,
  kind text not null,
  primary key (user_id, kind)
);
comment on table platform.muted_letters is 'Kinds of letters that a person does not want; they are told in the app all the same';

create function platform.wants_letter(reader bigint, of_kind text) returns boolean language sql stable as $$
  select not exists (select from platform.muted_letters where user_id = reader and kind = of_kind)
$$;
