-- compatible: logins know their device and last use; a login from a device that the account has not used tells its owner.

alter table accounts.logins add column device text check (length(device) <= 100);
alter table accounts.logins add column address text check (length(address) <= 100);
alter table accounts.logins add column last_used_at timestamptz not null default now();
comment on column accounts.logins.device is 'Browser and system, as the user agent names itself';
comment on column accounts.logins.address is 'personal: address, of the last use';
comment on column accounts.logins.last_used_at is 'The login or its last refresh';
update accounts.logins l set last_used_at = coalesce(
  (select max(created_at) from accounts.refresh_tokens t where t.login_id = l.id), l.created_at);

create table accounts.devices (
  user_id bigint not null references accounts.users (id) on delete cascade,
  key bytea not null,
  last_used_at timestamptz not null default now(),
  primary key (user_id, key)
);
comment on table accounts.devices is 'What an account was used from; a login from anything else tells its owner';
comment on column accounts.devices.key is 'HMAC of a browser''s cookie, or of the name and network of what keeps no cookies';
create index devices_last_used_at_idx on accounts.devices (last_used_at);

alter table accounts.notices drop constraint notices_change_check;
alter table accounts.notices add constraint notices_change_check check (change in ('email', 'phone', 'password', 'login'));
alter table accounts.notices add column login_id bigint references accounts.logins (id) on delete cascade;
alter table accounts.notices add constraint notices_login check ((change = 'login') = (login_id is not null));
create index notices_login_idx on accounts.notices (login_id) where login_id is not null;
comment on table accounts.notices is 'A change of address, number or password, told to the address or number that was the account''s before it; a login from a new device';
