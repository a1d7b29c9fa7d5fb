-- compatible: who comes by an outside identity provider; when a login was proved, which there may be before it began here.

create table accounts.identities (
  id bigint generated always as identity primary key,
  user_id bigint not null references accounts.users (id) on delete cascade,
  issuer text not null check (length(issuer) between 1 and 500),
  subject text not null check (length(subject) between 1 and 255),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  constraint identities_key unique (issuer, subject)
);
comment on table accounts.identities is 'Whom an outside identity provider knows, as which account here';
comment on column accounts.identities.subject is 'personal: contact';
create index identities_user_idx on accounts.identities (user_id);

alter table accounts.logins add column proved_at timestamptz not null default now();
update accounts.logins set proved_at = created_at;
comment on column accounts.logins.proved_at is 'When the person proved who they are, which may be before the login; refreshing does not renew it';
comment on column accounts.logins.created_at is null;
