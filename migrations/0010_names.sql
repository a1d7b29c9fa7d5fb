-- Roles and kinds of what is sent are rows, so that a module brings its own by an insert in its own migration: a list in a
-- CHECK of another module's table would have to be written anew by each.
create table platform.roles (name text primary key);
comment on table platform.roles is 'What people may be; a module that brings a role inserts it in its migration';
comment on column platform.roles.name is 'personal: none';
insert into platform.roles values ('user'), ('admin'), ('auditor'), ('operator'), ('bookkeeper'), ('storekeeper');
alter table accounts.users drop constraint users_role_check,
  add constraint users_role_fkey foreign key (role) references platform.roles (name);

comment on column platform.leases.name is 'personal: none';

create table platform.outbox_kinds (name text primary key);
comment on table platform.outbox_kinds is 'How things are sent; a module that sends in another way inserts it in its migration';
comment on column platform.outbox_kinds.name is 'personal: none';
insert into platform.outbox_kinds values ('email'), ('sms'), ('message'), ('shipping');
alter table platform.outbox drop constraint outbox_kind_check,
  add constraint outbox_kind_fkey foreign key (kind) references platform.outbox_kinds (name);
