-- compatible: stamps by platform.watch, one call for each watched table, in the place of functions written by hand.

alter table platform.stamps add changed_at timestamptz not null default now();
comment on table platform.stamps is 'Versions of what cached answers cover; list scopes have 16 shards so that their writers rarely wait for each other. A row that is missing is made by the first reader, so any may be forgotten, but of a list only all shards at once';

-- In plpgsql its plan is kept, and excluded.stamp, drawn once a row, is the same on every node of a spread table.
create or replace function platform.stamp(details text[], lists text[]) returns void language plpgsql as $$
begin
  insert into platform.stamps (scope, shard)
  select scope, shard from (
    select distinct unnest(details) scope, 0::smallint shard
    union select distinct unnest(lists), (pg_backend_pid() % 16)::smallint) s
  where scope is not null
  order by scope, shard
  on conflict (scope, shard) do update set stamp = excluded.stamp, changed_at = excluded.changed_at;
end $$;

-- Forgets stamps of single rows that were set so long ago and returns how many. Safe at any time: nothing is kept
-- without a stamp, and a new one is random, so no old answer comes back. Lists stay: they are few, and one shard
-- forgotten alone would bring an older version back. Locks in the order in which writers do.
create function platform.forget_stamps(keep interval) returns bigint language sql as $$
  with old as (
    select scope, shard from platform.stamps where scope like '%:%' and changed_at < now() - keep
    order by scope, shard for update),
  gone as (delete from platform.stamps s using old o where (s.scope, s.shard) = (o.scope, o.shard) returning 1)
  select count(*) from gone
$$;

-- A table was emptied as a whole: nothing tells which rows it had, so every kept answer is given up.
create function platform.stamp_truncate() returns trigger language plpgsql as $$
begin
  delete from platform.stamps;
  return null;
end $$;

-- Makes the triggers by which every change of a table sets the stamps of what it is shown in, in the same transaction.
--   own      the scope of a row itself: set when it changes or goes. Not when it comes, for of a row that was not there
--            no answer is kept, and so a new order costs no stamp.
--   details  scopes of what a row is part of: set when it comes, changes (before and after) and goes.
--   lists    scopes of lists that show it, in 16 shards.
--   columns  if given, only a change of one of these sets stamps, and neither a new nor a deleted row does.
-- own and details are SQL expressions over the row `changed`; null stamps nothing. An example with a look-up:
--   select platform.watch('housing.meters', own => $$'meter:' || changed.id$$, details => array[
--     $$(select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id)$$]);
-- Called by migrations, again to change what it made. The functions that it writes hold fixed statements.
create function platform.watch(watched regclass, own text default null, details text[] default '{}',
  lists text[] default '{}', columns text[] default '{}') returns void language plpgsql as $watch$
declare
  place text;
  bare text;
  stamper text;
  event text;
  tables text[];
  scopes text[];
  body text := '';
begin
  select nspname, relname into place, bare
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = watched;
  stamper := format('%I.%I', place, 'stamp_' || bare);
  foreach event in array '{insert,update,delete,truncate}'::text[] loop
    execute format('drop trigger if exists %I on %s', 'stamp_' || event, watched);
  end loop;

  foreach event in array case when columns = '{}' then '{insert,update,delete}' else '{update}' end::text[] loop
    tables := case event when 'insert' then '{new_rows}' when 'delete' then '{old_rows}' else '{old_rows,new_rows}' end;
    scopes := array(select format('select %s from %I changed', scope, source) from unnest(details) scope, unnest(tables) source)
      || case when own is not null and event <> 'insert' then array[format('select %s from old_rows changed', own)] end;
    body := body || format($branch$
  if tg_op = %L then
    if exists (%s) then
      perform platform.stamp(%s, %L);
    end if;
  end if;$branch$,
      upper(event),
      case when columns = '{}' then format('select from %I', tables[1])
        else format('select %1$s from new_rows except all select %1$s from old_rows',
          (select string_agg(quote_ident(c), ', ') from unnest(columns) c)) end,
      coalesce('array(' || nullif(array_to_string(scopes, ' union '), '') || ')', $$'{}'$$),
      lists);
  end loop;
  execute format('create or replace function %s() returns trigger language plpgsql as %L', stamper,
    format(E'begin%s\n  return null;\nend', body));

  if columns = '{}' then
    execute format('create trigger stamp_insert after insert on %s referencing new table as new_rows
      for each statement execute function %s()', watched, stamper);
    execute format('create trigger stamp_delete after delete on %s referencing old table as old_rows
      for each statement execute function %s()', watched, stamper);
    execute format('create trigger stamp_truncate after truncate on %s
      for each statement execute function platform.stamp_truncate()', watched);
  end if;
  execute format('create trigger stamp_update after update on %s referencing old table as old_rows new table as new_rows
    for each statement execute function %s()', watched, stamper);
end $watch$;

drop trigger stamp_names on accounts.users;
drop function accounts.stamp_names();

-- Answers that show people are read under the scope `names`.
select platform.watch('accounts.users', lists => '{names}', columns => '{id,full_name}');
-- `collects` is every list; `collect:<id>` is one collect with its feed.
select platform.watch('collects.collects', own => $$'collect:' || changed.id$$, lists => '{collects}');
select platform.watch('collects.payments', details => array[$$'collect:' || changed.collect_id$$]);
-- `products` is every list, `product:<id>` one product.
select platform.watch('shop.products', own => $$'product:' || changed.id$$, lists => '{products}');
-- Lines come with their order, in its transaction.
select platform.watch('shop.orders', own => $$'order:' || changed.id$$);
select platform.watch('shop.order_items', own => $$'order:' || changed.order_id$$);
