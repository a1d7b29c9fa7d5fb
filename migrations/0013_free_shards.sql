-- compatible: the stamp of a list goes into a shard that nobody holds, so that no long transaction holds up the others.

-- Details come first, in order; then of each list the shard of this backend, or another that is free. Only where every shard
-- is held is one waited for: else a hand edit or an import under way would stop all who share its shard.
create or replace function platform.stamp(details text[], lists text[]) returns void language plpgsql as $$
begin
  insert into platform.stamps (scope)
  select distinct scope from unnest(details) scope where scope is not null order by scope
  on conflict (scope, shard) do update set stamp = excluded.stamp, changed_at = excluded.changed_at;
  insert into platform.stamps (scope, shard)
  select list, coalesce(
    (select s.shard from platform.stamps s where s.scope = list
     order by s.shard <> pg_backend_pid() % 16, s.shard limit 1 for update skip locked),
    pg_backend_pid() % 16)
  from unnest(lists) list order by list
  on conflict (scope, shard) do update set stamp = excluded.stamp, changed_at = excluded.changed_at;
end $$;
