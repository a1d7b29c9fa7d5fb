-- compatible: Letters with the statistics of mailings, one a day.
create table mailings.daily_letters (
  id bigint generated always as identity primary key,
  day date not null,
  created_at timestamptz not null default now()
);
comment on table mailings.daily_letters is 'Days of the installation on which the statistics were mailed, whatever crashed: each once';
create unique index daily_letters_day_key on mailings.daily_letters (day);
