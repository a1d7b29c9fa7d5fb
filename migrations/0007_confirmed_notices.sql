-- compatible: a notice knows whether its address was proved, for letters to others are few a day.
alter table accounts.notices add column confirmed boolean not null default false;
comment on column accounts.notices.confirmed is 'Whether the person had proved the address; of a number always false';
