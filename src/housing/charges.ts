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
const volumes = (average: boolean) => `
water as (
  select {flat}, m.id meter_id, m.kind service, m.digits, case m.kind when 'cold_water' then $2::numeric else $3::numeric end price,
    case m.kind when 'cold_water' then $6::numeric else $7::numeric end norm,
    cur.value "current", cur.rollover, coalesce(last.value, m.initial_value) previous,
    ${average ? 'average.volume' : 'null::numeric'} average,
    coalesce(last.month < $1::date - interval '1 month', false) gap, billed.estimated, billed.carried
  from todo
  join housing.meters m using (apartment_id)
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
      -- The offset keeps this a look-up for each line instead of a join with all bills.
      and exists (select from housing.apartments a
                  join housing.billing_runs r on r.house_id = a.house_id and r.month = b.month and r.current
                  join housing.run_bills k on k.run_id = r.id and k.apartment_id = a.id
                  where a.id = m.apartment_id and k.bill_id = l.bill_id offset 0)) billed on true
  ${
    average
      ? `left join lateral (
    -- The mean of the months between two readings, of the twelve before; for three months after the last one.
    select round(avg(v.volume), 3) volume
    from (select r.month, r.value - lag(r.value) over w + case when r.rollover then 10::numeric ^ m.digits else 0 end volume,
            lag(r.month) over w before
          from housing.readings r
          where r.meter_id = m.id and r.month < $1::date and r.month >= $1::date - interval '13 months'
          window w as (order by r.month)) v
    where cur.value is null and last.month >= $1::date - interval '3 months' and v.month = v.before + interval '1 month'
    having count(*) >= 3) average on true`
      : ''
  }
  where m.installed_on < $1::date + interval '1 month' and (m.removed_on is null or m.removed_on >= $1::date)),
counted as (
  select w.*, case
      when "current" is null then case when $5::text <> 'skip' then coalesce(average, norm) end
      when not gap or $5::text <> 'skip' then "current" - previous + case when rollover then 10::numeric ^ digits else 0 end
        - coalesce(estimated, 0) + coalesce(carried, 0)
    end volume,
    case when "current" is not null then 'meter' when average is not null then 'average' else 'norm' end method
  from water w),`

// What a line says, in the order of its columns.
const said = 'service, quantity, price, method, meter_id, previous, "current", carried, recalculation_id'

const lines = `
lines as materialized (
  select s.*, (row_number() over flat)::smallint as position,
    sum(round(quantity * price, 2)) filter (where issue is null) over flat total,
    jsonb_agg(issue) filter (where issue is not null) over flat issues{more}
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

/** The CTEs of all lines of the flats of `todo`; `columns` of it are kept beside each line, and what `more` computes of them. */
const chargesSql = (policy: Terms['missing_readings'], columns: string, more = ''): string =>
  (volumes(policy === 'average') + lines).replaceAll('{flat}', columns).replace('{more}', more)

/** $1 to $8 of the statements below. */
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
  set local enable_seqscan = off; set local enable_bitmapscan = off; set local plan_cache_mode = force_generic_plan;
  set local jit = off; set local work_mem = '16MB'; set local statement_timeout = '5min'`

// What the month has already: its newest revision, its current bill, and the published one.
const earlier = {
  columns: `, p.bill_id published_bill, c.bill_id old_bill, b.issues old_issues,
    array(select (${said}) from housing.bill_lines where bill_id = c.bill_id order by position) old_lines,
    coalesce((select n.revision from housing.bills n where n.apartment_id = f.apartment_id and n.month = $1::date
      order by n.revision desc limit 1), 0) + 1 revision`,
  joins: `
  left join housing.run_bills p on p.run_id = $8::bigint and p.apartment_id = f.apartment_id
  left join housing.run_bills c on c.run_id = $10::bigint and c.apartment_id = f.apartment_id
  left join housing.bills b on b.id = c.bill_id`,
  // Compared by what they say, line by line, and not by a digest of it.
  changed: `, old_bill is null or old_issues <> coalesce(jsonb_agg(issue) filter (where issue is not null) over flat, '[]')
      or old_lines <> coalesce(array_agg((${said})) filter (where issue is null and old_bill is not null) over flat, '{}') changed`,
}
const nothingEarlier = {
  columns: ', null::bigint published_bill, null::bigint old_bill, 1::smallint revision',
  joins: '',
  changed: ', true changed',
}

/**
 * One chunk of a run, the next that is open: $9 the run, $10 the run whose bills are current. It goes with the bills that
 * it gets. The first run of a month, which has nothing to compare with, is spared the asking.
 */
export function chunkOf(run: number, month: string, terms: Terms): [text: string, values: unknown[]] {
  const first = terms.again === false
  return [chunkSql(terms, first), [...chargeValues(month, terms), run, ...(first ? [] : [terms.current])]]
}

function chunkSql({ missing_readings }: Terms, first: boolean): string {
  const { columns, joins, changed } = first ? nothingEarlier : earlier
  const kept = `apartment_id, area, published_bill, old_bill, revision, new_bill${first ? '' : ', old_issues, old_lines'}`
  return `
with chunk as (
  delete from housing.run_chunks where run_id = $9::bigint and number = (
    select number from housing.run_chunks where run_id = $9::bigint order by number limit 1)
  returning apartments, areas),
todo as materialized (
  select f.apartment_id, f.area, nextval('housing.bills_id_seq') new_bill${columns}
  from chunk cross join unnest(apartments, areas) f(apartment_id, area)${joins}),
${chargesSql(missing_readings, kept, changed)},
made as (
  insert into housing.bills (id, run_id, apartment_id, month, revision, area, status, total, issues) overriding system value
  select new_bill, $9::bigint, apartment_id, $1::date, revision, area,
    case when issues is null then 'issued' else 'incomplete' end, coalesce(total, 0), coalesce(issues, '[]')
  from lines where position = 1 and changed),
written as (
  insert into housing.bill_lines (bill_id, position, ${said})
  select new_bill, position, ${said}
  from lines where issue is null and changed),
confirmed as (
  insert into housing.confirmations (run_id, apartment_id, bill_id, incomplete)
  select $9::bigint, apartment_id, old_bill, issues is not null from lines where position = 1 and not changed)
select count(*)::int billed, (count(*) filter (where not changed))::int skipped,
  (count(*) filter (where issues is not null))::int incomplete, coalesce(sum(total), 0) amount
from lines where position = 1`
}

/** What a run would do to a chunk of flats: $9 the house, $10 the flat to go on after, $11 how many, $12 the sum so far. */
export const previewSql = ({ missing_readings }: Terms): string => `
with todo as materialized (
  select a.id apartment_id, a.area, p.bill_id published_bill
  from housing.apartments a left join housing.run_bills p on p.run_id = $8::bigint and p.apartment_id = a.id
  where a.house_id = $9::bigint and (a.ended_on is null or a.ended_on >= $1::date) and a.id > $10::bigint
  order by a.id limit $11),
${chargesSql(missing_readings, 'apartment_id, area, published_bill')}
select count(*) filter (where position = 1)::int apartments,
  count(*) filter (where position = 1 and issues is not null)::int incomplete,
  (coalesce(sum(total) filter (where position = 1), 0) + $12::numeric)::numeric(18, 2) amount, max(apartment_id) last,
  coalesce(jsonb_agg(jsonb_build_object('apartment', apartment_id, 'meter', meter_id, 'no_reading', no_reading, 'gap', gap)
    order by apartment_id, meter_id) filter (where no_reading or gap), '[]') missing
from lines`
