-- breaking: bills know the area of their flat and no digest; a run freezes its flats in chunks and marks none of them.
create table housing.run_chunks (
  run_id bigint not null references housing.billing_runs (id),
  number integer not null,
  apartments bigint[] not null,
  areas numeric(8, 2)[] not null,
  primary key (run_id, number),
  constraint run_chunks_areas check (cardinality(areas) = cardinality(apartments))
);
comment on table housing.run_chunks is 'The flats of a run, frozen at its start, that it has not billed yet; a chunk goes with the transaction that bills it';
insert into housing.run_chunks (run_id, number, apartments, areas)
select run_id, n / 1000, array_agg(apartment_id order by apartment_id), array_agg(area order by apartment_id)
from (select *, row_number() over (partition by run_id order by apartment_id) - 1 n
      from housing.run_apartments where bill_id is null) left_over
group by run_id, n / 1000;

create table housing.confirmations (
  run_id bigint not null references housing.billing_runs (id),
  apartment_id bigint not null,
  bill_id bigint not null references housing.bills (id),
  incomplete boolean not null,
  primary key (run_id, apartment_id)
);
comment on table housing.confirmations is 'Bills of earlier runs that a later run of the month found unchanged';
create index confirmations_incomplete_idx on housing.confirmations (run_id, apartment_id) where incomplete;
insert into housing.confirmations (run_id, apartment_id, bill_id, incomplete)
select m.run_id, m.apartment_id, m.bill_id, m.incomplete
from housing.run_apartments m join housing.bills b on b.id = m.bill_id
where b.run_id <> m.run_id order by m.run_id, m.apartment_id;

alter table housing.bills add area numeric(8, 2);
update housing.bills b set area = m.area
from housing.run_apartments m where m.run_id = b.run_id and m.apartment_id = b.apartment_id;
alter table housing.bills alter column area set not null, drop column digest;
comment on column housing.bills.area is 'm², as it was when its run began';
-- A run bills a flat once.
create unique index bills_run_key on housing.bills (run_id, apartment_id);
create index bills_incomplete_idx on housing.bills (run_id, apartment_id) where status = 'incomplete';

drop table housing.run_apartments;
create view housing.run_bills as
  select run_id, apartment_id, id bill_id, status = 'incomplete' incomplete from housing.bills
  union all
  select run_id, apartment_id, bill_id, incomplete from housing.confirmations;
comment on view housing.run_bills is 'The bill of each flat of a run: one that it made, or one that it confirmed';
comment on column housing.billing_runs.current is 'The newest completed run of its house and month: its bills are the current ones';
