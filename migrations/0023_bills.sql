-- compatible: what a run's lists and papers need: which of its flats have an incomplete bill, and its bills as one PDF.
alter table housing.run_apartments add incomplete boolean not null default false;
create index run_apartments_incomplete_idx on housing.run_apartments (run_id, apartment_id) where incomplete;

alter table housing.billing_runs
  add document text,
  add document_asked_at timestamptz;
comment on column housing.billing_runs.document is 'File of all its bills as one PDF, made by a job when somebody asks';
