-- compatible: When a local window opens; which mailings are over but for their last messages.
create function mailings.opens_at(at timestamptz, zone text, from_time time, to_time time) returns timestamptz
language plpgsql stable parallel safe as $$
declare
  t timestamptz := at;
  clock timestamp;
  opening timestamp;
  candidate timestamptz;
  low bigint;
  high bigint;
  middle bigint;
begin
  if from_time is null then return at; end if;
  loop
    clock := t at time zone zone;
    if (case when from_time < to_time then clock::time >= from_time and clock::time < to_time
        else clock::time >= from_time or clock::time < to_time end) then
      return t;
    end if;
    -- When it would open if the clock went on like this.
    opening := clock::date + from_time;
    if opening <= clock then opening := opening + interval '1 day'; end if;
    candidate := t + (opening - clock);
    if candidate at time zone zone <> opening then
      -- The clock is set before that: look again from the second on in which it is.
      low := floor(extract(epoch from t));
      high := ceil(extract(epoch from candidate));
      while high - low > 1 loop
        middle := (low + high) / 2;
        if to_timestamp(middle) at time zone zone - to_timestamp(middle) at time zone 'UTC'
           = clock - t at time zone 'UTC' then
          low := middle;
        else
          high := middle;
        end if;
      end loop;
      candidate := to_timestamp(high);
    end if;
    t := candidate;
  end loop;
end $$;
comment on function mailings.opens_at is 'The first instant from `at` on at which the clock of the zone stands inside the window, over midnight where `to_time` is earlier; a clock that is set forward or back included';

alter table mailings.mailings add draining boolean not null default false;
alter table mailings.mailings add constraint mailings_draining check (not draining or status = 'cancelled');
comment on column mailings.mailings.draining is 'Cancelled with more messages waiting than one transaction expires: the clock goes on with them';
create index mailings_draining_idx on mailings.mailings (id) where draining;
