import type { Terms } from './terms.ts'

/*
 * What a flat owes for a month, as SQL over many flats at once. One text for a run and for its preview: it needs a CTE
 * `todo(apartment_id, area, published_bill, …)` before it, and $1 to $8 as `chargeValues` gives them.
 *
 * A volume is the reading of the month less the one before; the first reading is counted from the meter's initial value.
 * Where one is missing, `skip` leaves the line out; `average` and `norm` put an estimate in its place, and the next real
 * reading is then counted from the last real one, less what was estimated since. What estimates took too much is carried
 * on as a rest below zero until readings have caught up.
 */
const volumes = `
water as (
  select t.*, m.id meter_id, m.kind service, m.digits, case m.kind when 'cold_water' then $2::numeric else $3::numeric end price,
    case m.kind when 'cold_water' then $6::numeric else $7::numeric end norm,
    cur.value "current", cur.rollover, coalesce(last.value, m.initial_value) previous, average.volume average,
    coalesce(last.month < $1::date - interval '1 month', false) gap, billed.estimated, billed.carried
  from todo t
  join housing.meters m on m.apartment_id = t.apartment_id
    and m.installed_on < $1::date + interval '1 month' and (m.removed_on is null or m.removed_on >= $1::date)
  left join housing.readings cur on cur.meter_id = m.id and cur.month = $1::date
  left join lateral (
    select r.month, r.value from housing.readings r where r.meter_id = m.id and r.month < $1::date
    order by r.month desc limit 1) last on true
  left join lateral (
    -- What current bills took by estimate since the last reading, and the rest that its own bill carried on.
    select sum(l.quantity) filter (where b.month > coalesce(last.month, '-infinity')) estimated,
      sum(l.carried) filter (where b.month = last.month) carried
    from housing.bill_lines l cross join lateral (select month from housing.bills where id = l.bill_id offset 0) b
    where cur.value is not null and l.meter_id = m.id and (l.method in ('average', 'norm') or l.carried <> 0)
      and b.month < $1::date and b.month >= coalesce(last.month, '-infinity')
      -- The offset keeps this a look-up for each line instead of a join with all marks.
      and exists (select from housing.apartments a
                  join housing.billing_runs r on r.house_id = a.house_id and r.month = b.month and r.current
                  join housing.run_apartments k on k.run_id = r.id and k.apartment_id = a.id
                  where a.id = m.apartment_id and k.bill_id = l.bill_id offset 0)) billed on true
  left join lateral (
    -- The mean of the months between two readings, of the twelve before; for three months after the last one.
    select round(avg(v.volume), 3) volume
    from (select r.month, r.value - lag(r.value) over w + case when r.rollover then 10::numeric ^ m.digits else 0 end volume,
            lag(r.month) over w before
          from housing.readings r
          where r.meter_id = m.id and r.month < $1::date and r.month >= $1::date - interval '13 months'
          window w as (order by r.month)) v
    where $5::text = 'average' and cur.value is null and last.month >= $1::date - interval '3 months'
      and v.month = v.before + interval '1 month'
    having count(*) >= 3) average on true),
counted as (
  select w.*, case
      when "current" is null then case when $5::text <> 'skip' then coalesce(average, norm) end
      when not gap or $5::text <> 'skip' then "current" - previous + case when rollover then 10::numeric ^ digits else 0 end
        - coalesce(estimated, 0) + coalesce(carried, 0)
    end volume,
    case when "current" is not null then 'meter' when average is not null then 'average' else 'norm' end method
  from water w),`

const lines = `
lines as materialized (
  select s.*, (row_number() over flat)::smallint as position,
    sum(round(quantity * price, 2)) filter (where issue is null) over flat total,
    jsonb_agg(issue) filter (where issue is not null) over flat issues,
    md5(string_agg((service, quantity, price, method, meter_id, previous, "current", carried, recalculation_id, issue)::text, ';') over flat)::uuid digest
  from (
    select {flat}, service, meter_id, null::bigint recalculation_id, greatest(volume, 0) quantity, price, method, previous, "current",
      case when method = 'meter' then least(volume, 0) else 0 end carried,
      case
        when volume is null then jsonb_build_object('code', 'no_reading', 'service', service, 'meter', meter_id, 'month',
          to_char(case when "current" is null then $1::date else $1::date - interval '1 month' end, 'YYYY-MM'))
        when price is null then jsonb_build_object('code', 'no_tariff', 'service', service, 'meter', meter_id)
      end issue, "current" is null no_reading, gap
    from counted
    union all
    select {flat}, 'maintenance', null, null, area, $4::numeric, 'area', null, null, 0,
      case when $4::numeric is null then jsonb_build_object('code', 'no_tariff', 'service', 'maintenance') end, false, false
    from todo
    union all
    -- Those that wait for a bill; of a published month those that went into its bill, and no other any more.
    select {flat}, 'recalculation', null, r.id, 1, r.amount, 'manual', null, null, 0, null, false, false
    from todo join housing.recalculations r using (apartment_id)
    where (r.bill_id is null and $8::bigint is null) or r.bill_id = published_bill) s
  -- What stays on the bill comes first, so that its lines are numbered without a gap and every flat has a first one.
  window flat as (partition by apartment_id order by (issue is not null), service, meter_id, recalculation_id
    rows between unbounded preceding and unbounded following))`

/** The CTEs of all lines of the flats of `todo`; `columns` of it are kept beside each line. */
export const chargesSql = (columns: string): string => volumes + lines.replaceAll('{flat}', columns)

/** $1 to $8 of `chargesSql`. */
export function chargeValues(month: string, { prices, missing_readings, norms, published }: Terms): unknown[] {
  return [
    month,
    prices.cold_water?.price ?? null,
    prices.hot_water?.price ?? null,
    prices.maintenance?.price ?? null,
    missing_readings,
    norms.cold_water,
    norms.hot_water,
    published,
  ]
}

/**
 * For transactions that run statements over chunks: what they read is found by index, row by row, whatever statistics
 * say. Tables that were empty a minute ago have none, and a plan made then would read them whole for every chunk.
 */
export const chunkSettings = `set local enable_hashjoin = off; set local enable_mergejoin = off;
  set local enable_seqscan = off; set local enable_bitmapscan = off; set local jit = off; set local work_mem = '16MB';
  set local statement_timeout = '5min'`

/** One chunk of a run: $9 the run, $10 the flat to go on after, $11 how many, $12 the run whose bills are current. */
export const chunkSql = `
with todo as materialized (
  select t.*, nextval('housing.bills_id_seq') new_bill from (
    select a.apartment_id, a.area, p.bill_id published_bill, c.bill_id old_bill, b.digest old_digest,
      coalesce((select n.revision from housing.bills n where n.apartment_id = a.apartment_id and n.month = $1::date
        order by n.revision desc limit 1), 0) + 1 revision
    from housing.run_apartments a
    left join housing.run_apartments p on p.run_id = $8::bigint and p.apartment_id = a.apartment_id
    left join housing.run_apartments c on c.run_id = $12::bigint and c.apartment_id = a.apartment_id
    left join housing.bills b on b.id = c.bill_id
    where a.run_id = $9::bigint and a.bill_id is null and a.apartment_id > $10::bigint
    order by a.apartment_id limit $11) t),
${chargesSql('apartment_id, area, published_bill, old_bill, old_digest, revision, new_bill')},
made as (
  insert into housing.bills (id, run_id, apartment_id, month, revision, status, total, issues, digest) overriding system value
  select new_bill, $9::bigint, apartment_id, $1::date, revision, case when issues is null then 'issued' else 'incomplete' end,
    coalesce(total, 0), coalesce(issues, '[]'), digest
  from lines where position = 1 and digest is distinct from old_digest),
written as (
  insert into housing.bill_lines (bill_id, position, service, quantity, price, method, meter_id, previous, "current", carried, recalculation_id)
  select new_bill, position, service, quantity, price, method, meter_id, previous, "current", carried, recalculation_id
  from lines where issue is null and digest is distinct from old_digest),
marked as (
  update housing.run_apartments a set incomplete = l.issues is not null,
    bill_id = case when l.digest is distinct from l.old_digest then l.new_bill else l.old_bill end
  from lines l where l.position = 1 and a.run_id = $9::bigint and a.apartment_id = l.apartment_id)
select count(*)::int marked, (count(*) filter (where digest = old_digest))::int skipped,
  (count(*) filter (where issues is not null))::int incomplete, coalesce(sum(total), 0) amount, max(apartment_id) last
from lines where position = 1`

/** What a run would do to a chunk of flats: $9 the house, $10 the flat to go on after, $11 how many, $12 the sum so far. */
export const previewSql = `
with todo as materialized (
  select a.id apartment_id, a.area, p.bill_id published_bill
  from housing.apartments a left join housing.run_apartments p on p.run_id = $8::bigint and p.apartment_id = a.id
  where a.house_id = $9::bigint and (a.ended_on is null or a.ended_on >= $1::date) and a.id > $10::bigint
  order by a.id limit $11),
${chargesSql('apartment_id, area, published_bill')}
select count(*) filter (where position = 1)::int apartments,
  count(*) filter (where position = 1 and issues is not null)::int incomplete,
  (coalesce(sum(total) filter (where position = 1), 0) + $12::numeric)::numeric(18, 2) amount, max(apartment_id) last,
  coalesce(jsonb_agg(jsonb_build_object('apartment', apartment_id, 'meter', meter_id, 'no_reading', no_reading, 'gap', gap)
    order by apartment_id, meter_id) filter (where no_reading or gap), '[]') missing
from lines`
