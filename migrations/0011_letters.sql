-- compatible: letters to an address that nobody confirmed are held beyond three a day, until it is confirmed.

alter table platform.outbox drop constraint outbox_state_check;
alter table platform.outbox add constraint outbox_state_check check (state in ('queued', 'sent', 'failed', 'held'));
alter table platform.outbox add column job jsonb;
comment on column platform.outbox.job is 'Of a held letter: kind and data of the job that writes it anew, to the address that is the account''s by then';
alter table platform.outbox add constraint outbox_held check ((state = 'held') = (job is not null) and (state <> 'held' or user_id is not null));
create index outbox_held_idx on platform.outbox (user_id) where state = 'held';
