-- compatible: A test may be of a text that is no mailing yet.
alter table mailings.tests alter mailing_id drop not null;
comment on column mailings.tests.mailing_id is 'null where a text was tried before its mailing was kept';
