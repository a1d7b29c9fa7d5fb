-- compatible: what is old goes in batches that somebody else's row does not hold up.

-- Rows come in the order of their time, so a few pages of summaries find the old ones.
create index audit_log_at_idx on platform.audit_log using brin (at);

-- Forgets at most so many stamps of single rows that were set so long ago and returns how many. Safe at any time: nothing
-- is kept without a stamp, and a new one is random, so no old answer comes back. Lists stay: they are few, and one shard
-- forgotten alone would bring an older version back.
drop function platform.forget_stamps(interval);
create function platform.forget_stamps(keep interval, most integer default 1000) returns bigint language sql as $$
  with old as (
    select scope, shard from platform.stamps where scope like '%:%' and changed_at < now() - keep
    limit most for update skip locked),
  gone as (delete from platform.stamps s using old o where (s.scope, s.shard) = (o.scope, o.shard) returning 1)
  select count(*) from gone
$$;
