-- compatible: news of a collect, the ledger of what was spent, co-organisers, and the most that one may give at once.

alter table collects.collects
  add column max_amount numeric(14, 2) check (max_amount >= 1),
  add column spent_amount numeric(18, 2) not null default 0 check (spent_amount >= 0);
comment on column collects.collects.max_amount is 'The most that one payment may be; null: no bound';
comment on column collects.collects.spent_amount is 'Sum of the expenses, kept with them and proved by the audit';

create table collects.organisers (
  collect_id bigint not null references collects.collects (id) on delete cascade,
  user_id bigint not null references accounts.users (id),
  added_at timestamptz not null default now(),
  primary key (collect_id, user_id)
);
comment on table collects.organisers is 'Who may do with a collect what its author may, but delete it or name organisers';
create index organisers_user_idx on collects.organisers (user_id, collect_id);

create table collects.updates (
  id bigint generated always as identity primary key,
  collect_id bigint not null references collects.collects (id) on delete cascade,
  author_id bigint not null references accounts.users (id),
  text text not null check (length(text) between 1 and 5000),
  picture text,
  is_thanks boolean not null default false,
  created_at timestamptz not null default now()
);
comment on table collects.updates is 'What organisers tell of a collect; givers hear of each once';
comment on column collects.updates.picture is 'Key of the image in files';
create index updates_collect_idx on collects.updates (collect_id, id);
create unique index updates_picture_key on collects.updates (picture) where picture is not null;
create unique index updates_thanks_key on collects.updates (collect_id) where is_thanks;

create table collects.expenses (
  id bigint generated always as identity primary key,
  collect_id bigint not null references collects.collects (id) on delete cascade,
  author_id bigint not null references accounts.users (id),
  amount numeric(14, 2) not null check (amount > 0),
  what text not null check (length(what) between 1 and 300),
  spent_on date not null,
  receipt text,
  created_at timestamptz not null default now()
);
comment on table collects.expenses is 'How the money of a collect was spent, for all to see';
comment on column collects.expenses.receipt is 'Key of the image in files';
create index expenses_collect_idx on collects.expenses (collect_id, id);
create unique index expenses_receipt_key on collects.expenses (receipt) where receipt is not null;

select platform.watch('collects.organisers', details => array[$$'collect:' || changed.collect_id$$]);
select platform.watch('collects.updates', details => array[$$'collect:' || changed.collect_id$$]);
select platform.watch('collects.expenses', details => array[$$'collect:' || changed.collect_id$$]);
