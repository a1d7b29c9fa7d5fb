-- compatible: How senders share the calls under way and the rate among them.
alter table mailings.senders add column is_test boolean not null default false;
alter table mailings.senders add column under_way integer not null default 0;
comment on column mailings.senders.under_way is 'Calls under way when it last said so; in_flight is how many they may become';
comment on column mailings.senders.is_test is 'One message that tries a mailing: it goes before the mailings, and needs one call only';

create function mailings.admit(me uuid, tests boolean, calls integer, wanted_slots integer, concurrency integer,
  spacing_ms double precision, ahead_ms double precision, term_ms double precision, state text, latency jsonb,
  out permits integer, out slots integer, out first_slot_ms double precision, out now_ms double precision)
language plpgsql as $$
declare
  moment timestamptz;
  slot timestamptz;
  theirs bigint;
  trying bigint;
  rivals bigint;
  before_me bigint;
  share bigint;
begin
  -- Whoever asks passes here alone, and reads what those before have written: each statement of a function sees anew.
  select next_slot_at into slot from mailings.gateway for update;
  moment := clock_timestamp();
  select coalesce(sum(s.in_flight), 0), count(*) filter (where s.is_test),
    count(*) filter (where not s.is_test and s.seen_at > moment - interval '3 s'),
    count(*) filter (where not s.is_test and s.seen_at > moment - interval '3 s' and s.id < me)
  into theirs, trying, rivals, before_me from mailings.senders s where s.id <> me and s.expires_at > moment;
  share := case when tests then 1 else greatest(concurrency - trying, 0) end;
  if not tests then
    share := share / (rivals + 1) + case when before_me < share % (rivals + 1) then 1 else 0 end;
  end if;
  permits := greatest(least(share, concurrency - theirs), 0);
  insert into mailings.senders as s (id, is_test, in_flight, under_way, breaker, latency_ms, seen_at, expires_at)
  values (me, tests, greatest(permits, calls), calls, state, latency, moment, moment + make_interval(secs => term_ms / 1000))
  on conflict (id) do update set in_flight = excluded.in_flight, under_way = excluded.under_way, breaker = excluded.breaker,
    latency_ms = coalesce(excluded.latency_ms, s.latency_ms), seen_at = excluded.seen_at, expires_at = excluded.expires_at;
  slots := 0;
  if spacing_ms > 0 and permits > 0 then
    -- What was not used is gone. The second bound counts where the clock was set back.
    slot := least(greatest(slot, moment + interval '10 ms'), moment + make_interval(secs => (ahead_ms + spacing_ms) / 1000));
    slots := greatest(least(wanted_slots, ceil(ahead_ms / spacing_ms / (rivals + 1)),
      ceil((ahead_ms - extract(epoch from slot - moment) * 1000) / spacing_ms)), 0);
    update mailings.gateway set next_slot_at = slot + make_interval(secs => slots * spacing_ms / 1000);
    first_slot_ms := extract(epoch from slot - moment) * 1000;
  end if;
  now_ms := extract(epoch from moment) * 1000;
end $$;
comment on function mailings.admit is 'How many calls this sender may have under way, and which moments of the rate are its own. One statement, so that a process that stands still holds up nobody';
