-- breaking: code that does not know scopes would let a token of few scopes do everything.

alter table accounts.tokens add column name text check (length(name) between 1 and 100);
alter table accounts.tokens add column scopes text[] check (cardinality(scopes) > 0);
alter table accounts.tokens add column expires_at timestamptz;
alter table accounts.tokens add column addresses inet[] check (cardinality(addresses) > 0);
comment on column accounts.tokens.name is 'personal: none';
comment on column accounts.tokens.scopes is 'What it may, as module:read and module:write; null: all that its user may';
comment on column accounts.tokens.addresses is 'Networks that it is taken from; null: any';
