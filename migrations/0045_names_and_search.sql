-- compatible: people without a name are called neighbours, and users are found by the folding of all searches.

-- A made-up username tells nobody anything; the language is that in which the person came.
drop index accounts.users_search_idx;
alter table accounts.users drop column full_name;
alter table accounts.users add column full_name text not null generated always as (
  coalesce(nullif(trim(regexp_replace(last_name || ' ' || first_name || ' ' || patronymic, '\s+', ' ', 'g')), ''),
    case when username ~ '^user-[a-z0-9]{8}$' and password_hash is null
      then case when locale = 'en' then 'Neighbour' else 'Сосед' end
      else split_part(username, '@', 1) end)) stored;
comment on column accounts.users.full_name is 'personal: name';
create index users_search_idx on accounts.users using gin (
  translate(lower(username || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '') || ' ' || full_name), 'ё', 'е')
  gin_trgm_ops);
