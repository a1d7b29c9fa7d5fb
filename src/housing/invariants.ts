import type { Invariant } from '../platform/module.ts'

/** What must hold of runs, bills and accounts at every instant. */
export const billingInvariants: Invariant[] = [
  {
    name: 'a flat has one current bill a month, and it is of that flat and month',
    sql: `select m.apartment_id, r.month, count(*) from housing.billing_runs r
          join housing.run_bills m on m.run_id = r.id left join housing.bills b on b.id = m.bill_id
          where r.current group by m.apartment_id, r.month
          having count(*) > 1 or bool_or(b.id is null or b.apartment_id <> m.apartment_id or b.month <> r.month)`,
  },
  {
    name: 'the total of a bill is the sum of its lines',
    sql: `select b.id, b.total, l.total lines from housing.bills b
          left join (select bill_id, sum(amount) total from housing.bill_lines group by bill_id) l on l.bill_id = b.id
          where b.total <> coalesce(l.total, 0)`,
  },
  {
    name: 'a line is price × quantity, rounded half up to kopecks',
    sql: `select bill_id, position, amount from housing.bill_lines
          where amount <> sign(price * quantity) * trunc(abs(price * quantity) * 100 + 0.5) / 100`,
  },
  {
    name: 'the amount, the counts and the progress of a run are those of its bills, and what is left is open',
    sql: `select r.id, r.amount, r.processed from housing.billing_runs r cross join lateral (
            select count(*) processed, count(*) filter (where m.incomplete) incomplete,
              count(*) filter (where b.run_id <> m.run_id) skipped, coalesce(sum(b.total), 0) amount,
              bool_or(m.incomplete <> (b.status = 'incomplete')) wrong
            from housing.run_bills m left join housing.bills b on b.id = m.bill_id where m.run_id = r.id) m
          cross join lateral (
            select coalesce(sum(cardinality(apartments)), 0) left_over from housing.run_chunks where run_id = r.id) c
          where (r.total, r.processed, r.incomplete, r.skipped, r.amount) is distinct from
            (m.processed + c.left_over, m.processed, m.incomplete, m.skipped, m.amount) or m.wrong`,
  },
  {
    name: 'the newest completed run of a house and month is the current one',
    sql: `select distinct on (house_id, month) id, current from housing.billing_runs where status = 'completed'
          and not current and not exists (select from housing.billing_runs n where n.house_id = billing_runs.house_id
            and n.month = billing_runs.month and n.current and n.finished_at >= billing_runs.finished_at)`,
  },
  {
    name: 'bills that count are of runs that closed',
    sql: `select m.run_id, b.id from housing.billing_runs r join housing.run_bills m on m.run_id = r.id
          join housing.bills b on b.id = m.bill_id join housing.billing_runs o on o.id = b.run_id
          where (r.current or r.published_at is not null) and o.status <> 'completed'`,
  },
  {
    name: 'the balance of a flat is the sum of its account',
    sql: `select a.id, a.balance, e.balance entries from housing.apartments a
          left join (select apartment_id, sum(amount) balance from housing.entries group by apartment_id) e on e.apartment_id = a.id
          where a.balance <> coalesce(e.balance, 0)`,
  },
  {
    name: 'the opening balance of each entry is the balance after the one before',
    sql: `select * from (select id, apartment_id, opening_balance,
            coalesce(sum(amount) over (partition by apartment_id order by id rows between unbounded preceding and 1 preceding), 0) before
          from housing.entries) e where opening_balance <> before`,
  },
  {
    name: 'every published bill is charged once with its total, every payment is taken in once, and nothing else',
    sql: `select m.bill_id, null::bigint payment_id from housing.billing_runs r join housing.run_bills m on m.run_id = r.id
          join housing.bills b on b.id = m.bill_id left join housing.entries e on e.bill_id = b.id
          where r.published_at is not null and (e.id is null or e.amount <> b.total or e.apartment_id <> b.apartment_id)
          union all
          select e.bill_id, null from housing.entries e where e.bill_id is not null and not exists (
            select from housing.billing_runs r join housing.run_bills m on m.run_id = r.id
            where m.apartment_id = e.apartment_id and m.bill_id = e.bill_id and r.published_at is not null)
          union all
          select null, p.id from housing.payments p left join housing.entries e on e.payment_id = p.id
          where e.id is null or e.amount <> -p.amount or e.apartment_id <> p.apartment_id`,
  },
  {
    name: 'a recalculation goes into one published bill, with its sum',
    sql: `select c.id, c.bill_id, l.amount from housing.recalculations c
          left join housing.bill_lines l on l.recalculation_id = c.id and l.bill_id = c.bill_id
          where c.bill_id is not null and (l.amount is distinct from c.amount
            or not exists (select from housing.entries where bill_id = c.bill_id))`,
  },
]
