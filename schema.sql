-- Made by npm run generate from the migrated database, to be read; migrations/ is what runs.

create schema accounts;

CREATE OR REPLACE FUNCTION accounts.raise_token_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.token_version := old.token_version + 1;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION accounts.stamp_users()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'UPDATE' then
    if exists (select id, full_name from new_rows except all select id, full_name from old_rows) then
      perform platform.stamp('{}', '{names}');
    end if;
  end if;
  return null;
end$function$;

create table accounts.codes (
  id bigint generated always as identity not null,
  kind text not null,
  user_id bigint,
  phone text,
  email text,
  locale text not null,
  digits smallint,
  hash bytea,
  tries smallint default 0 not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  asker bytea,
  others_tries smallint default 0 not null
);
alter table accounts.codes add constraint codes_digits_check CHECK (((digits >= 4) AND (digits <= 8)));
alter table accounts.codes add constraint codes_email_check CHECK (((length(email) >= 3) AND (length(email) <= 254)));
alter table accounts.codes add constraint codes_kind_check CHECK ((kind = ANY (ARRAY['login'::text, 'phone'::text, 'reset'::text, 'email'::text])));
alter table accounts.codes add constraint codes_locale_check CHECK ((locale = ANY (ARRAY['ru'::text, 'en'::text])));
alter table accounts.codes add constraint codes_others_tries_check CHECK (((others_tries >= 0) AND (others_tries <= 5)));
alter table accounts.codes add constraint codes_phone_check CHECK ((phone ~ '^[1-9][0-9]{6,14}$'::text));
alter table accounts.codes add constraint codes_pkey PRIMARY KEY (id);
alter table accounts.codes add constraint codes_tries_check CHECK (((tries >= 0) AND (tries <= 5)));
alter table accounts.codes add constraint codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;
alter table accounts.codes add constraint codes_whole CHECK ((
CASE
    WHEN (kind = ANY (ARRAY['login'::text, 'phone'::text])) THEN ((phone IS NOT NULL) AND (digits IS NOT NULL))
    ELSE (email IS NOT NULL)
END AND ((kind <> ALL (ARRAY['phone'::text, 'email'::text])) OR (user_id IS NOT NULL))));
CREATE INDEX codes_email_idx ON accounts.codes USING btree (lower(email)) WHERE (email IS NOT NULL);
CREATE INDEX codes_expires_idx ON accounts.codes USING btree (expires_at);
CREATE INDEX codes_phone_idx ON accounts.codes USING btree (phone, id) WHERE (phone IS NOT NULL);
CREATE INDEX codes_user_idx ON accounts.codes USING btree (user_id) WHERE (user_id IS NOT NULL);

create table accounts.devices (
  user_id bigint not null,
  key bytea not null,
  last_used_at timestamp with time zone default now() not null
);
alter table accounts.devices add constraint devices_pkey PRIMARY KEY (user_id, key);
alter table accounts.devices add constraint devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;
CREATE INDEX devices_last_used_at_idx ON accounts.devices USING btree (last_used_at);

create table accounts.identities (
  id bigint generated always as identity not null,
  user_id bigint not null,
  issuer text not null,
  subject text not null,
  created_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone default now() not null
);
alter table accounts.identities add constraint identities_issuer_check CHECK (((length(issuer) >= 1) AND (length(issuer) <= 500)));
alter table accounts.identities add constraint identities_key UNIQUE (issuer, subject);
alter table accounts.identities add constraint identities_pkey PRIMARY KEY (id);
alter table accounts.identities add constraint identities_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 255)));
alter table accounts.identities add constraint identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;
CREATE INDEX identities_user_idx ON accounts.identities USING btree (user_id);

create table accounts.logins (
  id bigint generated always as identity not null,
  user_id bigint not null,
  created_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  device text,
  address text,
  last_used_at timestamp with time zone default now() not null,
  proved_at timestamp with time zone default now() not null
);
alter table accounts.logins add constraint logins_address_check CHECK ((length(address) <= 100));
alter table accounts.logins add constraint logins_device_check CHECK ((length(device) <= 100));
alter table accounts.logins add constraint logins_pkey PRIMARY KEY (id);
alter table accounts.logins add constraint logins_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;
CREATE INDEX logins_user_idx ON accounts.logins USING btree (user_id);

create table accounts.notices (
  id bigint generated always as identity not null,
  user_id bigint not null,
  change text not null,
  email text,
  phone text,
  locale text not null,
  created_at timestamp with time zone default now() not null,
  confirmed boolean default false not null,
  login_id bigint
);
alter table accounts.notices add constraint notices_change_check CHECK ((change = ANY (ARRAY['email'::text, 'phone'::text, 'password'::text, 'login'::text])));
alter table accounts.notices add constraint notices_email_check CHECK (((length(email) >= 3) AND (length(email) <= 254)));
alter table accounts.notices add constraint notices_locale_check CHECK ((locale = ANY (ARRAY['ru'::text, 'en'::text])));
alter table accounts.notices add constraint notices_login CHECK (((change = 'login'::text) = (login_id IS NOT NULL)));
alter table accounts.notices add constraint notices_login_id_fkey FOREIGN KEY (login_id) REFERENCES accounts.logins(id) ON DELETE CASCADE;
alter table accounts.notices add constraint notices_one_receiver CHECK ((num_nonnulls(email, phone) = 1));
alter table accounts.notices add constraint notices_phone_check CHECK ((phone ~ '^[1-9][0-9]{6,14}$'::text));
alter table accounts.notices add constraint notices_pkey PRIMARY KEY (id);
alter table accounts.notices add constraint notices_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;
CREATE INDEX notices_created_at_idx ON accounts.notices USING btree (created_at);
CREATE INDEX notices_login_idx ON accounts.notices USING btree (login_id) WHERE (login_id IS NOT NULL);
CREATE INDEX notices_user_idx ON accounts.notices USING btree (user_id);

create table accounts.refresh_tokens (
  hash bytea not null,
  login_id bigint not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  spent_at timestamp with time zone
);
alter table accounts.refresh_tokens add constraint refresh_tokens_login_id_fkey FOREIGN KEY (login_id) REFERENCES accounts.logins(id) ON DELETE CASCADE;
alter table accounts.refresh_tokens add constraint refresh_tokens_pkey PRIMARY KEY (hash);
CREATE INDEX refresh_tokens_expires_idx ON accounts.refresh_tokens USING btree (expires_at);
CREATE INDEX refresh_tokens_login_idx ON accounts.refresh_tokens USING btree (login_id);

create table accounts.tokens (
  id bigint generated always as identity not null,
  user_id bigint not null,
  hash bytea not null,
  created_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  name text,
  scopes text[],
  expires_at timestamp with time zone,
  addresses inet[]
);
alter table accounts.tokens add constraint tokens_addresses_check CHECK ((cardinality(addresses) > 0));
alter table accounts.tokens add constraint tokens_hash_key UNIQUE (hash);
alter table accounts.tokens add constraint tokens_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)));
alter table accounts.tokens add constraint tokens_pkey PRIMARY KEY (id);
alter table accounts.tokens add constraint tokens_scopes_check CHECK ((cardinality(scopes) > 0));
alter table accounts.tokens add constraint tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;
CREATE INDEX tokens_user_idx ON accounts.tokens USING btree (user_id, id);

create table accounts.users (
  id bigint generated always as identity not null,
  username text not null,
  email text,
  email_confirmed_at timestamp with time zone,
  phone text,
  password_hash text,
  first_name text default ''::text not null,
  last_name text default ''::text not null,
  patronymic text default ''::text not null,
  locale text,
  role text default 'user'::text not null,
  is_active boolean default true not null,
  invite_code text not null,
  invited_by bigint,
  invited_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  token_version integer default 1 not null,
  full_name text generated always as (COALESCE(NULLIF(TRIM(BOTH FROM regexp_replace(((((last_name || ' '::text) || first_name) || ' '::text) || patronymic), '\s+'::text, ' '::text, 'g'::text)), ''::text),
CASE
    WHEN ((username ~ '^user-[a-z0-9]{8}$'::text) AND (password_hash IS NULL)) THEN
    CASE
        WHEN (locale = 'en'::text) THEN 'Neighbour'::text
        ELSE 'Сосед'::text
    END
    ELSE split_part(username, '@'::text, 1)
END)) stored not null
);
alter table accounts.users add constraint users_check CHECK ((invited_by <> id));
alter table accounts.users add constraint users_email_check CHECK (((length(email) >= 3) AND (length(email) <= 254)));
alter table accounts.users add constraint users_first_name_check CHECK ((length(first_name) <= 150));
alter table accounts.users add constraint users_invite_code_check CHECK ((invite_code ~ '^[A-Z0-9]{6}$'::text));
alter table accounts.users add constraint users_invite_code_key UNIQUE (invite_code);
alter table accounts.users add constraint users_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES accounts.users(id);
alter table accounts.users add constraint users_invited_once CHECK (((invited_by IS NULL) OR (invited_at IS NOT NULL)));
alter table accounts.users add constraint users_last_name_check CHECK ((length(last_name) <= 150));
alter table accounts.users add constraint users_locale_check CHECK ((locale = ANY (ARRAY['ru'::text, 'en'::text])));
alter table accounts.users add constraint users_patronymic_check CHECK ((length(patronymic) <= 150));
alter table accounts.users add constraint users_phone_check CHECK ((phone ~ '^[1-9][0-9]{6,14}$'::text));
alter table accounts.users add constraint users_pkey PRIMARY KEY (id);
alter table accounts.users add constraint users_role_fkey FOREIGN KEY (role) REFERENCES platform.roles(name);
alter table accounts.users add constraint users_username_check CHECK ((username ~ '^([A-Za-z0-9@.+_-]|[^\u0001-\u007f]){3,150}$'::text));
alter table accounts.users add constraint users_username_is_own_email CHECK (((username !~ '@'::text) OR (lower(username) = lower(email))));
CREATE UNIQUE INDEX users_email_key ON accounts.users USING btree (lower(email));
CREATE INDEX users_invited_by_idx ON accounts.users USING btree (invited_by);
CREATE UNIQUE INDEX users_phone_key ON accounts.users USING btree (phone);
CREATE INDEX users_search_idx ON accounts.users USING gin (translate(lower(((((((username || ' '::text) || COALESCE(email, ''::text)) || ' '::text) || COALESCE(phone, ''::text)) || ' '::text) || full_name)), 'ё'::text, 'е'::text) gin_trgm_ops);
CREATE UNIQUE INDEX users_username_key ON accounts.users USING btree (lower(username));
CREATE TRIGGER raise_token_version BEFORE UPDATE ON accounts.users FOR EACH ROW WHEN ((((old.password_hash IS DISTINCT FROM new.password_hash) OR (old.role IS DISTINCT FROM new.role)) OR (old.is_active IS DISTINCT FROM new.is_active))) EXECUTE FUNCTION accounts.raise_token_version();
CREATE TRIGGER stamp_update AFTER UPDATE ON accounts.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounts.stamp_users();

create schema collects;

CREATE OR REPLACE FUNCTION collects.stamp_collects()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp('{}', '{collects}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.id from old_rows changed), '{collects}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.id from old_rows changed), '{collects}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION collects.stamp_expenses()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed union select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION collects.stamp_organisers()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed union select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION collects.stamp_payments()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed union select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION collects.stamp_updates()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed union select 'collect:' || changed.collect_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'collect:' || changed.collect_id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

create table collects.collects (
  id bigint generated always as identity not null,
  author_id bigint not null,
  title text not null,
  occasion text not null,
  description text default ''::text not null,
  target_amount numeric(14,2),
  collected_amount numeric(18,2) default 0 not null,
  donors_count integer default 0 not null,
  payments_count integer default 0 not null,
  cover text,
  ends_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  max_amount numeric(14,2),
  spent_amount numeric(18,2) default 0 not null
) with (fillfactor=70);
alter table collects.collects add constraint collects_author_id_fkey FOREIGN KEY (author_id) REFERENCES accounts.users(id);
alter table collects.collects add constraint collects_check CHECK (((donors_count >= 0) AND (donors_count <= payments_count)));
alter table collects.collects add constraint collects_collected_amount_check CHECK ((collected_amount >= (0)::numeric));
alter table collects.collects add constraint collects_description_check CHECK ((length(description) <= 10000));
alter table collects.collects add constraint collects_max_amount_check CHECK ((max_amount >= (1)::numeric));
alter table collects.collects add constraint collects_occasion_check CHECK ((occasion = ANY (ARRAY['birthday'::text, 'wedding'::text, 'new_year'::text, 'funeral'::text, 'charity'::text, 'yard'::text, 'other'::text])));
alter table collects.collects add constraint collects_payments_count_check CHECK ((payments_count >= 0));
alter table collects.collects add constraint collects_pkey PRIMARY KEY (id);
alter table collects.collects add constraint collects_spent_amount_check CHECK ((spent_amount >= (0)::numeric));
alter table collects.collects add constraint collects_target_amount_check CHECK ((target_amount > (0)::numeric));
alter table collects.collects add constraint collects_title_check CHECK (((length(title) >= 1) AND (length(title) <= 200)));
CREATE INDEX collects_author_idx ON collects.collects USING btree (author_id, id);
CREATE INDEX collects_cover_idx ON collects.collects USING btree (cover) WHERE (cover IS NOT NULL);
CREATE INDEX collects_created_at_idx ON collects.collects USING btree (created_at, id);
CREATE INDEX collects_ends_idx ON collects.collects USING btree (ends_at) WHERE (closed_at IS NULL);
CREATE INDEX collects_search_idx ON collects.collects USING gin (translate(lower(((title || ' '::text) || description)), 'ё'::text, 'е'::text) gin_trgm_ops);
CREATE TRIGGER stamp_delete AFTER DELETE ON collects.collects REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_collects();
CREATE TRIGGER stamp_insert AFTER INSERT ON collects.collects REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_collects();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON collects.collects FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON collects.collects REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_collects();

create table collects.expenses (
  id bigint generated always as identity not null,
  collect_id bigint not null,
  author_id bigint not null,
  amount numeric(14,2) not null,
  what text not null,
  spent_on date not null,
  receipt text,
  created_at timestamp with time zone default now() not null
);
alter table collects.expenses add constraint expenses_amount_check CHECK ((amount > (0)::numeric));
alter table collects.expenses add constraint expenses_author_id_fkey FOREIGN KEY (author_id) REFERENCES accounts.users(id);
alter table collects.expenses add constraint expenses_collect_id_fkey FOREIGN KEY (collect_id) REFERENCES collects.collects(id) ON DELETE CASCADE;
alter table collects.expenses add constraint expenses_pkey PRIMARY KEY (id);
alter table collects.expenses add constraint expenses_what_check CHECK (((length(what) >= 1) AND (length(what) <= 300)));
CREATE INDEX expenses_collect_idx ON collects.expenses USING btree (collect_id, id);
CREATE UNIQUE INDEX expenses_receipt_key ON collects.expenses USING btree (receipt) WHERE (receipt IS NOT NULL);
CREATE TRIGGER stamp_delete AFTER DELETE ON collects.expenses REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_expenses();
CREATE TRIGGER stamp_insert AFTER INSERT ON collects.expenses REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_expenses();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON collects.expenses FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON collects.expenses REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_expenses();

create table collects.organisers (
  collect_id bigint not null,
  user_id bigint not null,
  added_at timestamp with time zone default now() not null
);
alter table collects.organisers add constraint organisers_collect_id_fkey FOREIGN KEY (collect_id) REFERENCES collects.collects(id) ON DELETE CASCADE;
alter table collects.organisers add constraint organisers_pkey PRIMARY KEY (collect_id, user_id);
alter table collects.organisers add constraint organisers_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);
CREATE INDEX organisers_user_idx ON collects.organisers USING btree (user_id, collect_id);
CREATE TRIGGER stamp_delete AFTER DELETE ON collects.organisers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_organisers();
CREATE TRIGGER stamp_insert AFTER INSERT ON collects.organisers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_organisers();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON collects.organisers FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON collects.organisers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_organisers();

create table collects.payments (
  id bigint generated always as identity not null,
  collect_id bigint not null,
  payer_id bigint not null,
  amount numeric(14,2) not null,
  status text default 'completed'::text not null,
  transaction_id text not null,
  comment text default ''::text not null,
  is_anonymous boolean default false not null,
  created_at timestamp with time zone default statement_timestamp() not null,
  refunded_at timestamp with time zone
);
alter table collects.payments add constraint payments_amount_check CHECK ((amount >= (1)::numeric));
alter table collects.payments add constraint payments_collect_id_fkey FOREIGN KEY (collect_id) REFERENCES collects.collects(id);
alter table collects.payments add constraint payments_comment_check CHECK ((length(comment) <= 500));
alter table collects.payments add constraint payments_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES accounts.users(id);
alter table collects.payments add constraint payments_pkey PRIMARY KEY (id);
alter table collects.payments add constraint payments_refunded CHECK (((status = 'refunded'::text) = (refunded_at IS NOT NULL)));
alter table collects.payments add constraint payments_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'completed'::text, 'failed'::text, 'refunded'::text])));
alter table collects.payments add constraint payments_transaction_id_check CHECK (((length(transaction_id) >= 1) AND (length(transaction_id) <= 64)));
alter table collects.payments add constraint payments_transaction_id_key UNIQUE (transaction_id);
CREATE INDEX payments_donor_idx ON collects.payments USING btree (collect_id, payer_id) WHERE (status = 'completed'::text);
CREATE INDEX payments_feed_idx ON collects.payments USING btree (collect_id, status, id);
CREATE INDEX payments_payer_idx ON collects.payments USING btree (payer_id, id);
CREATE TRIGGER stamp_delete AFTER DELETE ON collects.payments REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_payments();
CREATE TRIGGER stamp_insert AFTER INSERT ON collects.payments REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_payments();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON collects.payments FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON collects.payments REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_payments();

create table collects.updates (
  id bigint generated always as identity not null,
  collect_id bigint not null,
  author_id bigint not null,
  text text not null,
  picture text,
  is_thanks boolean default false not null,
  created_at timestamp with time zone default now() not null
);
alter table collects.updates add constraint updates_author_id_fkey FOREIGN KEY (author_id) REFERENCES accounts.users(id);
alter table collects.updates add constraint updates_collect_id_fkey FOREIGN KEY (collect_id) REFERENCES collects.collects(id) ON DELETE CASCADE;
alter table collects.updates add constraint updates_pkey PRIMARY KEY (id);
alter table collects.updates add constraint updates_text_check CHECK (((length(text) >= 1) AND (length(text) <= 5000)));
CREATE INDEX updates_collect_idx ON collects.updates USING btree (collect_id, id);
CREATE UNIQUE INDEX updates_picture_key ON collects.updates USING btree (picture) WHERE (picture IS NOT NULL);
CREATE UNIQUE INDEX updates_thanks_key ON collects.updates USING btree (collect_id) WHERE is_thanks;
CREATE TRIGGER stamp_delete AFTER DELETE ON collects.updates REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_updates();
CREATE TRIGGER stamp_insert AFTER INSERT ON collects.updates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_updates();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON collects.updates FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON collects.updates REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION collects.stamp_updates();

create schema housing;

CREATE OR REPLACE FUNCTION housing.stamp_apartments()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select 'house:' || changed.house_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'house:' || changed.house_id from old_rows changed union select 'house:' || changed.house_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'house:' || changed.house_id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION housing.stamp_billing_runs()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select 'house:' || changed.house_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'house:' || changed.house_id from old_rows changed union select 'house:' || changed.house_id from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'house:' || changed.house_id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION housing.stamp_houses()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp('{}', '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'house:' || changed.id from old_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'house:' || changed.id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION housing.stamp_meters()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from old_rows changed union select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION housing.stamp_readings()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.meters m join housing.apartments a on a.id = m.apartment_id
     where m.id = changed.meter_id) from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.meters m join housing.apartments a on a.id = m.apartment_id
     where m.id = changed.meter_id) from old_rows changed union select (select 'house:' || a.house_id from housing.meters m join housing.apartments a on a.id = m.apartment_id
     where m.id = changed.meter_id) from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.meters m join housing.apartments a on a.id = m.apartment_id
     where m.id = changed.meter_id) from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION housing.stamp_residents()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from old_rows changed union select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from new_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select (select 'house:' || a.house_id from housing.apartments a where a.id = changed.apartment_id) from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

create table housing.apartments (
  id bigint generated always as identity not null,
  house_id bigint not null,
  number text not null,
  area numeric(8,2) not null,
  account text not null,
  balance numeric(18,2) default 0 not null,
  ended_on date,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null
) with (fillfactor=80);
alter table housing.apartments add constraint apartments_account_check CHECK ((account ~ '^[0-9A-Za-zА-Яа-яЁё/.-]{1,30}$'::text));
alter table housing.apartments add constraint apartments_area_check CHECK ((area > (0)::numeric));
alter table housing.apartments add constraint apartments_house_id_fkey FOREIGN KEY (house_id) REFERENCES housing.houses(id);
alter table housing.apartments add constraint apartments_number_check CHECK (((length(number) >= 1) AND (length(number) <= 20)));
alter table housing.apartments add constraint apartments_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX apartments_account_key ON housing.apartments USING btree (account);
CREATE INDEX apartments_debt_idx ON housing.apartments USING btree (house_id, balance DESC, id) WHERE (balance > (0)::numeric);
CREATE UNIQUE INDEX apartments_number_key ON housing.apartments USING btree (house_id, number);
CREATE INDEX apartments_order_idx ON housing.apartments USING btree (house_id, number COLLATE platform."natural", id);
CREATE TRIGGER stamp_delete AFTER DELETE ON housing.apartments REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_apartments();
CREATE TRIGGER stamp_insert AFTER INSERT ON housing.apartments REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_apartments();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON housing.apartments FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON housing.apartments REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_apartments();

create table housing.bill_lines (
  bill_id bigint not null,
  "position" smallint not null,
  service text not null,
  quantity numeric(12,3) not null,
  price numeric(14,4) not null,
  amount numeric(14,2) generated always as (round((quantity * price), 2)) stored not null,
  method text not null,
  meter_id bigint,
  previous numeric(12,3),
  current numeric(12,3),
  carried numeric(12,3) default 0 not null,
  recalculation_id bigint
);
alter table housing.bill_lines add constraint bill_lines_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES housing.bills(id);
alter table housing.bill_lines add constraint bill_lines_carried_check CHECK ((carried <= (0)::numeric));
alter table housing.bill_lines add constraint bill_lines_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES housing.meters(id);
alter table housing.bill_lines add constraint bill_lines_method_check CHECK ((method = ANY (ARRAY['meter'::text, 'average'::text, 'norm'::text, 'area'::text, 'manual'::text])));
alter table housing.bill_lines add constraint bill_lines_pkey PRIMARY KEY (bill_id, "position");
alter table housing.bill_lines add constraint bill_lines_position_check CHECK (("position" >= 1));
alter table housing.bill_lines add constraint bill_lines_recalculation_id_fkey FOREIGN KEY (recalculation_id) REFERENCES housing.recalculations(id);
alter table housing.bill_lines add constraint bill_lines_service_check CHECK ((service = ANY (ARRAY['cold_water'::text, 'hot_water'::text, 'maintenance'::text, 'recalculation'::text])));
CREATE INDEX bill_lines_estimated_idx ON housing.bill_lines USING btree (meter_id) WHERE ((method = ANY (ARRAY['average'::text, 'norm'::text])) OR (carried <> (0)::numeric));
CREATE INDEX bill_lines_recalculation_idx ON housing.bill_lines USING btree (recalculation_id) WHERE (recalculation_id IS NOT NULL);

create table housing.billing_runs (
  id bigint generated always as identity not null,
  house_id bigint not null,
  month date not null,
  status text default 'queued'::text not null,
  terms jsonb,
  total integer default 0 not null,
  processed integer default 0 not null,
  skipped integer default 0 not null,
  incomplete integer default 0 not null,
  amount numeric(18,2) default 0 not null,
  current boolean default false not null,
  error text,
  created_by bigint,
  created_at timestamp with time zone default now() not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  published_at timestamp with time zone,
  published_by bigint,
  document text,
  document_asked_at timestamp with time zone
) with (fillfactor=50);
alter table housing.billing_runs add constraint billing_runs_check CHECK (((processed >= 0) AND (processed <= total)));
alter table housing.billing_runs add constraint billing_runs_check1 CHECK (((skipped >= 0) AND (skipped <= processed)));
alter table housing.billing_runs add constraint billing_runs_check2 CHECK (((incomplete >= 0) AND (incomplete <= processed)));
alter table housing.billing_runs add constraint billing_runs_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table housing.billing_runs add constraint billing_runs_current CHECK (((NOT current) OR (status = 'completed'::text)));
alter table housing.billing_runs add constraint billing_runs_house_id_fkey FOREIGN KEY (house_id) REFERENCES housing.houses(id);
alter table housing.billing_runs add constraint billing_runs_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric));
alter table housing.billing_runs add constraint billing_runs_pkey PRIMARY KEY (id);
alter table housing.billing_runs add constraint billing_runs_published CHECK (((published_at IS NULL) OR (status = 'completed'::text)));
alter table housing.billing_runs add constraint billing_runs_published_by_fkey FOREIGN KEY (published_by) REFERENCES accounts.users(id);
alter table housing.billing_runs add constraint billing_runs_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])));
alter table housing.billing_runs add constraint billing_runs_total_check CHECK ((total >= 0));
alter table housing.billing_runs add constraint billing_runs_whole CHECK (((status <> 'completed'::text) OR (processed = total)));
CREATE UNIQUE INDEX billing_runs_active_key ON housing.billing_runs USING btree (house_id, month) WHERE (status = ANY (ARRAY['queued'::text, 'running'::text]));
CREATE UNIQUE INDEX billing_runs_current_key ON housing.billing_runs USING btree (house_id, month) WHERE current;
CREATE INDEX billing_runs_house_idx ON housing.billing_runs USING btree (house_id, id);
CREATE INDEX billing_runs_month_idx ON housing.billing_runs USING btree (month, id);
CREATE UNIQUE INDEX billing_runs_published_key ON housing.billing_runs USING btree (house_id, month) WHERE (published_at IS NOT NULL);
CREATE INDEX billing_runs_waiting_idx ON housing.billing_runs USING btree (id) WHERE (status = ANY (ARRAY['queued'::text, 'running'::text]));
CREATE TRIGGER stamp_delete AFTER DELETE ON housing.billing_runs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_billing_runs();
CREATE TRIGGER stamp_insert AFTER INSERT ON housing.billing_runs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_billing_runs();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON housing.billing_runs FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON housing.billing_runs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_billing_runs();

create table housing.bills (
  id bigint generated always as identity not null,
  run_id bigint not null,
  apartment_id bigint not null,
  month date not null,
  revision smallint not null,
  status text not null,
  total numeric(14,2) not null,
  issues jsonb default '[]'::jsonb not null,
  created_at timestamp with time zone default now() not null,
  area numeric(8,2) not null
);
alter table housing.bills add constraint bills_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.bills add constraint bills_pkey PRIMARY KEY (id);
alter table housing.bills add constraint bills_revision_check CHECK ((revision >= 1));
alter table housing.bills add constraint bills_run_id_fkey FOREIGN KEY (run_id) REFERENCES housing.billing_runs(id);
alter table housing.bills add constraint bills_status_check CHECK ((status = ANY (ARRAY['issued'::text, 'incomplete'::text])));
CREATE INDEX bills_incomplete_idx ON housing.bills USING btree (run_id, apartment_id) WHERE (status = 'incomplete'::text);
CREATE UNIQUE INDEX bills_revision_key ON housing.bills USING btree (apartment_id, month, revision);
CREATE UNIQUE INDEX bills_run_key ON housing.bills USING btree (run_id, apartment_id);

create table housing.confirmations (
  run_id bigint not null,
  apartment_id bigint not null,
  bill_id bigint not null,
  incomplete boolean not null
);
alter table housing.confirmations add constraint confirmations_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES housing.bills(id);
alter table housing.confirmations add constraint confirmations_pkey PRIMARY KEY (run_id, apartment_id);
alter table housing.confirmations add constraint confirmations_run_id_fkey FOREIGN KEY (run_id) REFERENCES housing.billing_runs(id);
CREATE INDEX confirmations_incomplete_idx ON housing.confirmations USING btree (run_id, apartment_id) WHERE incomplete;

create table housing.entries (
  id bigint generated always as identity not null,
  apartment_id bigint not null,
  bill_id bigint,
  payment_id bigint,
  amount numeric(14,2) not null,
  opening_balance numeric(18,2) not null,
  at timestamp with time zone default now() not null
);
alter table housing.entries add constraint entries_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.entries add constraint entries_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES housing.bills(id);
alter table housing.entries add constraint entries_bill_id_key UNIQUE (bill_id);
alter table housing.entries add constraint entries_one CHECK ((num_nonnulls(bill_id, payment_id) = 1));
alter table housing.entries add constraint entries_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES housing.payments(id);
alter table housing.entries add constraint entries_payment_id_key UNIQUE (payment_id);
alter table housing.entries add constraint entries_pkey PRIMARY KEY (id);
CREATE INDEX entries_apartment_idx ON housing.entries USING btree (apartment_id, id);

create table housing.houses (
  id bigint generated always as identity not null,
  address text not null,
  timezone text not null,
  missing_readings text default 'skip'::text not null,
  norm_cold_water numeric(8,3),
  norm_hot_water numeric(8,3),
  window_from smallint default 20 not null,
  window_to smallint default 25 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null
);
alter table housing.houses add constraint houses_address_check CHECK (((length(address) >= 1) AND (length(address) <= 300)));
alter table housing.houses add constraint houses_missing_readings_check CHECK ((missing_readings = ANY (ARRAY['skip'::text, 'average'::text, 'norm'::text])));
alter table housing.houses add constraint houses_norm CHECK (((missing_readings <> 'norm'::text) OR ((norm_cold_water IS NOT NULL) AND (norm_hot_water IS NOT NULL))));
alter table housing.houses add constraint houses_norm_cold_water_check CHECK ((norm_cold_water >= (0)::numeric));
alter table housing.houses add constraint houses_norm_hot_water_check CHECK ((norm_hot_water >= (0)::numeric));
alter table housing.houses add constraint houses_pkey PRIMARY KEY (id);
alter table housing.houses add constraint houses_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64)));
alter table housing.houses add constraint houses_window CHECK ((window_to >= window_from));
alter table housing.houses add constraint houses_window_from_check CHECK (((window_from >= 1) AND (window_from <= 28)));
alter table housing.houses add constraint houses_window_to_check CHECK ((window_to <= 28));
CREATE UNIQUE INDEX houses_address_key ON housing.houses USING btree (lower(address));
CREATE INDEX houses_order_idx ON housing.houses USING btree (address COLLATE platform."natural", id);
CREATE TRIGGER stamp_delete AFTER DELETE ON housing.houses REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_houses();
CREATE TRIGGER stamp_insert AFTER INSERT ON housing.houses REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_houses();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON housing.houses FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON housing.houses REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_houses();

create table housing.join_codes (
  id bigint generated always as identity not null,
  apartment_id bigint not null,
  hash bytea not null,
  created_by bigint,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  used_by bigint,
  used_at timestamp with time zone
);
alter table housing.join_codes add constraint join_codes_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.join_codes add constraint join_codes_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table housing.join_codes add constraint join_codes_hash_key UNIQUE (hash);
alter table housing.join_codes add constraint join_codes_pkey PRIMARY KEY (id);
alter table housing.join_codes add constraint join_codes_used CHECK (((used_at IS NULL) = (used_by IS NULL)));
alter table housing.join_codes add constraint join_codes_used_by_fkey FOREIGN KEY (used_by) REFERENCES accounts.users(id);
CREATE INDEX join_codes_apartment_idx ON housing.join_codes USING btree (apartment_id, id);

create table housing.meters (
  id bigint generated always as identity not null,
  apartment_id bigint not null,
  kind text not null,
  serial text not null,
  installed_on date not null,
  removed_on date,
  initial_value numeric(12,3) default 0 not null,
  digits smallint default 5 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null
);
alter table housing.meters add constraint meters_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.meters add constraint meters_digits_check CHECK (((digits >= 4) AND (digits <= 9)));
alter table housing.meters add constraint meters_initial_value CHECK ((initial_value < ((10)::numeric ^ (digits)::numeric)));
alter table housing.meters add constraint meters_initial_value_check CHECK ((initial_value >= (0)::numeric));
alter table housing.meters add constraint meters_kind_check CHECK ((kind = ANY (ARRAY['cold_water'::text, 'hot_water'::text])));
alter table housing.meters add constraint meters_pkey PRIMARY KEY (id);
alter table housing.meters add constraint meters_removed CHECK ((removed_on >= installed_on));
alter table housing.meters add constraint meters_serial_check CHECK (((length(serial) >= 1) AND (length(serial) <= 40)));
CREATE INDEX meters_apartment_idx ON housing.meters USING btree (apartment_id, id);
CREATE UNIQUE INDEX meters_serial_key ON housing.meters USING btree (serial);
CREATE TRIGGER stamp_delete AFTER DELETE ON housing.meters REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_meters();
CREATE TRIGGER stamp_insert AFTER INSERT ON housing.meters REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_meters();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON housing.meters FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON housing.meters REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_meters();

create table housing.payments (
  id bigint generated always as identity not null,
  apartment_id bigint not null,
  amount numeric(14,2) not null,
  paid_on date not null,
  reference text default ''::text not null,
  bill_id bigint,
  created_by bigint,
  created_at timestamp with time zone default now() not null
);
alter table housing.payments add constraint payments_amount_check CHECK ((amount > (0)::numeric));
alter table housing.payments add constraint payments_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.payments add constraint payments_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES housing.bills(id);
alter table housing.payments add constraint payments_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table housing.payments add constraint payments_pkey PRIMARY KEY (id);
alter table housing.payments add constraint payments_reference_check CHECK ((length(reference) <= 200));
CREATE INDEX payments_apartment_idx ON housing.payments USING btree (apartment_id, id);

create table housing.reading_changes (
  id bigint generated always as identity not null,
  reading_id bigint not null,
  value numeric(12,3) not null,
  rollover boolean not null,
  changed_by bigint,
  changed_at timestamp with time zone default now() not null
);
alter table housing.reading_changes add constraint reading_changes_changed_by_fkey FOREIGN KEY (changed_by) REFERENCES accounts.users(id);
alter table housing.reading_changes add constraint reading_changes_pkey PRIMARY KEY (id);
alter table housing.reading_changes add constraint reading_changes_reading_id_fkey FOREIGN KEY (reading_id) REFERENCES housing.readings(id) ON DELETE CASCADE;
CREATE INDEX reading_changes_reading_idx ON housing.reading_changes USING btree (reading_id, id);

create table housing.readings (
  id bigint generated always as identity not null,
  meter_id bigint not null,
  month date not null,
  value numeric(12,3) not null,
  rollover boolean default false not null,
  source text default 'staff'::text not null,
  submitted_by bigint,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null
);
alter table housing.readings add constraint readings_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES housing.meters(id);
alter table housing.readings add constraint readings_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric));
alter table housing.readings add constraint readings_pkey PRIMARY KEY (id);
alter table housing.readings add constraint readings_source_check CHECK ((source = ANY (ARRAY['resident'::text, 'staff'::text, 'import'::text])));
alter table housing.readings add constraint readings_submitted_by_fkey FOREIGN KEY (submitted_by) REFERENCES accounts.users(id);
alter table housing.readings add constraint readings_value_check CHECK ((value >= (0)::numeric));
CREATE UNIQUE INDEX readings_month_key ON housing.readings USING btree (meter_id, month) INCLUDE (value, rollover);
CREATE TRIGGER stamp_delete AFTER DELETE ON housing.readings REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_readings();
CREATE TRIGGER stamp_insert AFTER INSERT ON housing.readings REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_readings();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON housing.readings FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON housing.readings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_readings();

create table housing.recalculations (
  id bigint generated always as identity not null,
  apartment_id bigint not null,
  amount numeric(14,2) not null,
  reason text not null,
  month date,
  run_id bigint,
  bill_id bigint,
  created_by bigint,
  created_at timestamp with time zone default now() not null
);
alter table housing.recalculations add constraint recalculations_amount_check CHECK ((amount <> (0)::numeric));
alter table housing.recalculations add constraint recalculations_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.recalculations add constraint recalculations_bill_id_fkey FOREIGN KEY (bill_id) REFERENCES housing.bills(id);
alter table housing.recalculations add constraint recalculations_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table housing.recalculations add constraint recalculations_pkey PRIMARY KEY (id);
alter table housing.recalculations add constraint recalculations_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500)));
alter table housing.recalculations add constraint recalculations_revision CHECK (((month IS NULL) = (run_id IS NULL)));
alter table housing.recalculations add constraint recalculations_run_id_fkey FOREIGN KEY (run_id) REFERENCES housing.billing_runs(id);
CREATE INDEX recalculations_apartment_idx ON housing.recalculations USING btree (apartment_id, id);
CREATE INDEX recalculations_open_idx ON housing.recalculations USING btree (apartment_id) WHERE (bill_id IS NULL);
CREATE UNIQUE INDEX recalculations_revision_key ON housing.recalculations USING btree (run_id, apartment_id) WHERE (run_id IS NOT NULL);

create table housing.reminder_rounds (
  house_id bigint not null,
  month date not null,
  kind text not null,
  created_at timestamp with time zone default now() not null
);
alter table housing.reminder_rounds add constraint reminder_rounds_house_id_fkey FOREIGN KEY (house_id) REFERENCES housing.houses(id);
alter table housing.reminder_rounds add constraint reminder_rounds_kind_check CHECK ((kind = ANY (ARRAY['start'::text, 'end'::text])));
alter table housing.reminder_rounds add constraint reminder_rounds_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric));
alter table housing.reminder_rounds add constraint reminder_rounds_pkey PRIMARY KEY (house_id, month, kind);

create table housing.reminders (
  id bigint generated always as identity not null,
  apartment_id bigint not null,
  user_id bigint not null,
  month date not null,
  kind text not null,
  day date default ((now() AT TIME ZONE 'UTC'::text))::date not null,
  created_at timestamp with time zone default now() not null
);
alter table housing.reminders add constraint reminders_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.reminders add constraint reminders_key UNIQUE (apartment_id, user_id, month, kind, day);
alter table housing.reminders add constraint reminders_kind_check CHECK ((kind = ANY (ARRAY['start'::text, 'end'::text, 'office'::text])));
alter table housing.reminders add constraint reminders_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric));
alter table housing.reminders add constraint reminders_pkey PRIMARY KEY (id);
alter table housing.reminders add constraint reminders_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);
CREATE INDEX reminders_user_idx ON housing.reminders USING btree (user_id);

create table housing.residents (
  apartment_id bigint not null,
  user_id bigint not null,
  since timestamp with time zone default now() not null
);
alter table housing.residents add constraint residents_apartment_id_fkey FOREIGN KEY (apartment_id) REFERENCES housing.apartments(id);
alter table housing.residents add constraint residents_pkey PRIMARY KEY (apartment_id, user_id);
alter table housing.residents add constraint residents_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);
CREATE INDEX residents_user_idx ON housing.residents USING btree (user_id, apartment_id);
CREATE TRIGGER stamp_delete AFTER DELETE ON housing.residents REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_residents();
CREATE TRIGGER stamp_insert AFTER INSERT ON housing.residents REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_residents();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON housing.residents FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON housing.residents REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION housing.stamp_residents();

create view housing.run_bills as
 SELECT bills.run_id,
    bills.apartment_id,
    bills.id AS bill_id,
    (bills.status = 'incomplete'::text) AS incomplete
   FROM housing.bills
UNION ALL
 SELECT confirmations.run_id,
    confirmations.apartment_id,
    confirmations.bill_id,
    confirmations.incomplete
   FROM housing.confirmations;

create table housing.run_chunks (
  run_id bigint not null,
  number integer not null,
  apartments bigint[] not null,
  areas numeric(8,2)[] not null
);
alter table housing.run_chunks add constraint run_chunks_areas CHECK ((cardinality(areas) = cardinality(apartments)));
alter table housing.run_chunks add constraint run_chunks_pkey PRIMARY KEY (run_id, number);
alter table housing.run_chunks add constraint run_chunks_run_id_fkey FOREIGN KEY (run_id) REFERENCES housing.billing_runs(id);

create table housing.tariffs (
  id bigint generated always as identity not null,
  service text not null,
  price numeric(12,4) not null,
  unit text generated always as (
CASE service
    WHEN 'maintenance'::text THEN 'm2'::text
    ELSE 'm3'::text
END) stored not null,
  house_id bigint,
  valid_from date not null,
  created_by bigint,
  created_at timestamp with time zone default now() not null
);
alter table housing.tariffs add constraint tariffs_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table housing.tariffs add constraint tariffs_house_id_fkey FOREIGN KEY (house_id) REFERENCES housing.houses(id);
alter table housing.tariffs add constraint tariffs_pkey PRIMARY KEY (id);
alter table housing.tariffs add constraint tariffs_price_check CHECK ((price >= (0)::numeric));
alter table housing.tariffs add constraint tariffs_service_check CHECK ((service = ANY (ARRAY['cold_water'::text, 'hot_water'::text, 'maintenance'::text])));
alter table housing.tariffs add constraint tariffs_valid_from_check CHECK ((EXTRACT(day FROM valid_from) = (1)::numeric));
CREATE INDEX tariffs_house_idx ON housing.tariffs USING btree (house_id, service, valid_from);
CREATE UNIQUE INDEX tariffs_valid_from_key ON housing.tariffs USING btree (service, house_id, valid_from) NULLS NOT DISTINCT;

create schema mailings;

CREATE OR REPLACE FUNCTION mailings.admit(me uuid, tests boolean, calls integer, wanted_slots integer, concurrency integer, spacing_ms double precision, ahead_ms double precision, term_ms double precision, state text, latency jsonb, OUT permits integer, OUT slots integer, OUT first_slot_ms double precision, OUT now_ms double precision)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
declare
  moment timestamptz;
  slot timestamptz;
  theirs bigint;
  trying bigint;
  rivals bigint;
  before_me bigint;
  share bigint;
begin
  -- Whoever asks passes here alone, and reads what those before have written: each statement of a function sees anew.
  select next_slot_at into slot from mailings.gateway for update;
  moment := clock_timestamp();
  select coalesce(sum(s.in_flight), 0), count(*) filter (where s.is_test),
    count(*) filter (where not s.is_test and s.seen_at > moment - interval '3 s'),
    count(*) filter (where not s.is_test and s.seen_at > moment - interval '3 s' and s.id < me)
  into theirs, trying, rivals, before_me from mailings.senders s where s.id <> me and s.expires_at > moment;
  share := case when tests then 1 else greatest(concurrency - trying, 0) end;
  if not tests then
    share := share / (rivals + 1) + case when before_me < share % (rivals + 1) then 1 else 0 end;
  end if;
  permits := greatest(least(share, concurrency - theirs), 0);
  insert into mailings.senders as s (id, is_test, in_flight, under_way, breaker, latency_ms, seen_at, expires_at)
  values (me, tests, greatest(permits, calls), calls, state, latency, moment, moment + make_interval(secs => term_ms / 1000))
  on conflict (id) do update set in_flight = excluded.in_flight, under_way = excluded.under_way, breaker = excluded.breaker,
    latency_ms = coalesce(excluded.latency_ms, s.latency_ms), seen_at = excluded.seen_at, expires_at = excluded.expires_at;
  slots := 0;
  if spacing_ms > 0 and permits > 0 then
    -- What was not used is gone. The second bound counts where the clock was set back.
    slot := least(greatest(slot, moment + interval '10 ms'), moment + make_interval(secs => (ahead_ms + spacing_ms) / 1000));
    slots := greatest(least(wanted_slots, ceil(ahead_ms / spacing_ms / (rivals + 1)),
      ceil((ahead_ms - extract(epoch from slot - moment) * 1000) / spacing_ms)), 0);
    update mailings.gateway set next_slot_at = slot + make_interval(secs => slots * spacing_ms / 1000);
    first_slot_ms := extract(epoch from slot - moment) * 1000;
  end if;
  now_ms := extract(epoch from moment) * 1000;
end $function$;

CREATE OR REPLACE FUNCTION mailings.opens_at(at timestamp with time zone, zone text, from_time time without time zone, to_time time without time zone)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
declare
  t timestamptz := at;
  clock timestamp;
  opening timestamp;
  candidate timestamptz;
  low bigint;
  high bigint;
  middle bigint;
begin
  if from_time is null then return at; end if;
  loop
    clock := t at time zone zone;
    if (case when from_time < to_time then clock::time >= from_time and clock::time < to_time
        else clock::time >= from_time or clock::time < to_time end) then
      return t;
    end if;
    -- When it would open if the clock went on like this.
    opening := clock::date + from_time;
    if opening <= clock then opening := opening + interval '1 day'; end if;
    candidate := t + (opening - clock);
    if candidate at time zone zone <> opening then
      -- The clock is set before that: look again from the second on in which it is.
      low := floor(extract(epoch from t));
      high := ceil(extract(epoch from candidate));
      while high - low > 1 loop
        middle := (low + high) / 2;
        if to_timestamp(middle) at time zone zone - to_timestamp(middle) at time zone 'UTC'
           = clock - t at time zone 'UTC' then
          low := middle;
        else
          high := middle;
        end if;
      end loop;
      candidate := to_timestamp(high);
    end if;
    t := candidate;
  end loop;
end $function$;

create table mailings.clients (
  id bigint generated always as identity not null,
  phone text not null,
  operator_code text not null,
  tag text default ''::text not null,
  timezone text not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null
);
alter table mailings.clients add constraint clients_operator_code_check CHECK ((operator_code ~ '^[0-9]{3}$'::text));
alter table mailings.clients add constraint clients_phone_check CHECK ((phone ~ '^7[0-9]{10}$'::text));
alter table mailings.clients add constraint clients_pkey PRIMARY KEY (id);
alter table mailings.clients add constraint clients_tag_check CHECK ((length(tag) <= 64));
alter table mailings.clients add constraint clients_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64)));
CREATE INDEX clients_operator_code_idx ON mailings.clients USING btree (operator_code, id);
CREATE UNIQUE INDEX clients_phone_key ON mailings.clients USING btree (phone);
CREATE INDEX clients_tag_idx ON mailings.clients USING btree (tag, id);

create table mailings.counters (
  mailing_id bigint not null,
  operator_code text not null,
  total integer default 0 not null,
  sent integer default 0 not null,
  error integer default 0 not null,
  expired integer default 0 not null,
  attempts bigint default 0 not null
) with (fillfactor=50);
alter table mailings.counters add constraint counters_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES mailings.mailings(id) ON DELETE CASCADE;
alter table mailings.counters add constraint counters_pkey PRIMARY KEY (mailing_id, operator_code);
alter table mailings.counters add constraint counters_sum CHECK (((LEAST(total, sent, error, expired) >= 0) AND (((sent + error) + expired) <= total)));

create table mailings.daily_letters (
  id bigint generated always as identity not null,
  day date not null,
  created_at timestamp with time zone default now() not null
);
alter table mailings.daily_letters add constraint daily_letters_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX daily_letters_day_key ON mailings.daily_letters USING btree (day);

create table mailings.gateway (
  id boolean default true not null,
  next_slot_at timestamp with time zone default now() not null
) with (fillfactor=50);
alter table mailings.gateway add constraint gateway_id_check CHECK (id);
alter table mailings.gateway add constraint gateway_pkey PRIMARY KEY (id);

create table mailings.latencies (
  mailing_id bigint not null,
  bucket smallint not null,
  answers integer default 0 not null
) with (fillfactor=50);
alter table mailings.latencies add constraint latencies_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES mailings.mailings(id) ON DELETE CASCADE;
alter table mailings.latencies add constraint latencies_pkey PRIMARY KEY (mailing_id, bucket);

create table mailings.mailings (
  id bigint generated always as identity not null,
  text text not null,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  operator_codes text[] default '{}'::text[] not null,
  tags text[] default '{}'::text[] not null,
  audience text,
  audience_parameters jsonb,
  local_from time without time zone,
  local_to time without time zone,
  status text default 'scheduled'::text not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  paused_at timestamp with time zone,
  pause_reason text,
  unreachable integer default 0 not null,
  first_message_id bigint,
  last_message_id bigint,
  created_by bigint,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  draining boolean default false not null
);
alter table mailings.mailings add constraint mailings_audience CHECK ((((audience IS NULL) = (audience_parameters IS NULL)) AND ((audience IS NULL) OR ((operator_codes = '{}'::text[]) AND (tags = '{}'::text[])))));
alter table mailings.mailings add constraint mailings_audience_check CHECK (((length(audience) >= 1) AND (length(audience) <= 64)));
alter table mailings.mailings add constraint mailings_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table mailings.mailings add constraint mailings_draining CHECK (((NOT draining) OR (status = 'cancelled'::text)));
alter table mailings.mailings add constraint mailings_ends CHECK ((ends_at > starts_at));
alter table mailings.mailings add constraint mailings_finished CHECK (((status = ANY (ARRAY['finished'::text, 'cancelled'::text])) = (finished_at IS NOT NULL)));
alter table mailings.mailings add constraint mailings_pause_reason_check CHECK ((length(pause_reason) <= 300));
alter table mailings.mailings add constraint mailings_paused CHECK ((((paused_at IS NULL) OR (status = 'running'::text)) AND ((pause_reason IS NULL) OR (paused_at IS NOT NULL))));
alter table mailings.mailings add constraint mailings_pkey PRIMARY KEY (id);
alter table mailings.mailings add constraint mailings_started CHECK (
CASE status
    WHEN 'scheduled'::text THEN (started_at IS NULL)
    WHEN 'cancelled'::text THEN true
    ELSE (started_at IS NOT NULL)
END);
alter table mailings.mailings add constraint mailings_status_check CHECK ((status = ANY (ARRAY['scheduled'::text, 'running'::text, 'finished'::text, 'cancelled'::text])));
alter table mailings.mailings add constraint mailings_text_check CHECK (((length(text) >= 1) AND (length(text) <= 1000)));
alter table mailings.mailings add constraint mailings_unreachable_check CHECK ((unreachable >= 0));
alter table mailings.mailings add constraint mailings_window CHECK ((((local_from IS NULL) = (local_to IS NULL)) AND (local_from <> local_to)));
CREATE INDEX mailings_draining_idx ON mailings.mailings USING btree (id) WHERE draining;
CREATE INDEX mailings_running_idx ON mailings.mailings USING btree (id) WHERE (status = 'running'::text);
CREATE INDEX mailings_starts_idx ON mailings.mailings USING btree (starts_at) WHERE (status = 'scheduled'::text);
CREATE INDEX mailings_status_idx ON mailings.mailings USING btree (status, id);

create table mailings.messages (
  id bigint generated always as identity not null,
  mailing_id bigint not null,
  client_id bigint,
  phone text not null,
  operator_code text not null,
  status text default 'processing'::text not null,
  claimed boolean default false not null,
  attempts integer default 0 not null,
  refusals integer default 0 not null,
  due_at timestamp with time zone not null,
  last_error text,
  fields jsonb,
  created_at timestamp with time zone default now() not null,
  sent_at timestamp with time zone
) with (fillfactor=90);
alter table mailings.messages add constraint messages_attempts_check CHECK ((attempts >= 0));
alter table mailings.messages add constraint messages_client_id_fkey FOREIGN KEY (client_id) REFERENCES mailings.clients(id) ON DELETE SET NULL;
alter table mailings.messages add constraint messages_last_error_check CHECK ((length(last_error) <= 500));
alter table mailings.messages add constraint messages_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES mailings.mailings(id);
alter table mailings.messages add constraint messages_pkey PRIMARY KEY (id);
alter table mailings.messages add constraint messages_refusals_check CHECK ((refusals >= 0));
alter table mailings.messages add constraint messages_sent CHECK (((status = 'sent'::text) = (sent_at IS NOT NULL)));
alter table mailings.messages add constraint messages_status_check CHECK ((status = ANY (ARRAY['processing'::text, 'sent'::text, 'error'::text, 'expired'::text])));
CREATE INDEX messages_client_idx ON mailings.messages USING btree (client_id, id);
CREATE UNIQUE INDEX messages_client_key ON mailings.messages USING btree (mailing_id, client_id);
CREATE INDEX messages_due_idx ON mailings.messages USING btree (mailing_id, due_at, id) WHERE (status = 'processing'::text);
CREATE INDEX messages_failed_idx ON mailings.messages USING btree (mailing_id, status, id) WHERE (status = ANY (ARRAY['error'::text, 'expired'::text]));

create table mailings.minutes (
  mailing_id bigint not null,
  at timestamp with time zone not null,
  sent integer default 0 not null,
  error integer default 0 not null
) with (fillfactor=50);
alter table mailings.minutes add constraint minutes_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES mailings.mailings(id) ON DELETE CASCADE;
alter table mailings.minutes add constraint minutes_pkey PRIMARY KEY (mailing_id, at);
CREATE INDEX minutes_at_idx ON mailings.minutes USING btree (at);

create table mailings.recent_answers (
  mailing_id bigint not null,
  answers text default ''::text not null
) with (fillfactor=50);
alter table mailings.recent_answers add constraint recent_answers_answers_check CHECK ((answers ~ '^[01]{0,200}$'::text));
alter table mailings.recent_answers add constraint recent_answers_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES mailings.mailings(id) ON DELETE CASCADE;
alter table mailings.recent_answers add constraint recent_answers_pkey PRIMARY KEY (mailing_id);

create table mailings.senders (
  id uuid not null,
  in_flight integer default 0 not null,
  breaker text default 'closed'::text not null,
  latency_ms jsonb,
  seen_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  is_test boolean default false not null,
  under_way integer default 0 not null
) with (fillfactor=50);
alter table mailings.senders add constraint senders_breaker_check CHECK ((breaker = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text])));
alter table mailings.senders add constraint senders_in_flight_check CHECK ((in_flight >= 0));
alter table mailings.senders add constraint senders_pkey PRIMARY KEY (id);

create table mailings.stops (
  phone text not null,
  reason text not null,
  created_by bigint,
  created_at timestamp with time zone default now() not null
);
alter table mailings.stops add constraint stops_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table mailings.stops add constraint stops_phone_check CHECK ((phone ~ '^7[0-9]{10}$'::text));
alter table mailings.stops add constraint stops_pkey PRIMARY KEY (phone);
alter table mailings.stops add constraint stops_reason_check CHECK ((length(reason) <= 300));
CREATE INDEX stops_order_idx ON mailings.stops USING btree (created_at, phone);

create table mailings.tests (
  id bigint default nextval('mailings.messages_id_seq'::regclass) not null,
  mailing_id bigint,
  phone text not null,
  text text not null,
  status text default 'processing'::text not null,
  last_error text,
  created_by bigint,
  created_at timestamp with time zone default now() not null
);
alter table mailings.tests add constraint tests_created_by_fkey FOREIGN KEY (created_by) REFERENCES accounts.users(id);
alter table mailings.tests add constraint tests_mailing_id_fkey FOREIGN KEY (mailing_id) REFERENCES mailings.mailings(id) ON DELETE CASCADE;
alter table mailings.tests add constraint tests_phone_check CHECK ((phone ~ '^7[0-9]{10}$'::text));
alter table mailings.tests add constraint tests_pkey PRIMARY KEY (id);
alter table mailings.tests add constraint tests_status_check CHECK ((status = ANY (ARRAY['processing'::text, 'sent'::text, 'error'::text])));
CREATE INDEX tests_mailing_idx ON mailings.tests USING btree (mailing_id, id);

create schema platform;

CREATE OR REPLACE FUNCTION platform.admit(subjects text[], spans integer[], limits integer[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  wait integer;
  moment timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended(s, 11)) from (select distinct unnest(subjects) s order by s) t;
  moment := clock_timestamp();
  -- The newest attempt that must leave the span before there is room again.
  select ceil(extract(epoch from max(a.at + make_interval(secs => l.span) - moment)))::integer into wait
  from unnest(subjects, spans, limits) l(subject, span, allowed)
  cross join lateral (
    select at, sum(count) over (order by at desc) newer_or_this from platform.attempts
    where subject = l.subject and at > moment - make_interval(secs => l.span)) a
  where a.newer_or_this >= l.allowed;
  if wait is not null then return greatest(wait, 1); end if;
  insert into platform.attempts (subject, at, expires_at)
  select subject, moment, moment + make_interval(secs => max(span)) from unnest(subjects, spans) l(subject, span)
  group by subject order by subject
  on conflict (subject, at) do update set count = attempts.count + 1;
  return 0;
end $function$;

CREATE OR REPLACE FUNCTION platform.forget_stamps(keep interval, most integer DEFAULT 1000)
 RETURNS bigint
 LANGUAGE sql
AS $function$
  with old as (
    select scope, shard from platform.stamps where scope like '%:%' and changed_at < now() - keep
    limit most for update skip locked),
  gone as (delete from platform.stamps s using old o where (s.scope, s.shard) = (o.scope, o.shard) returning 1)
  select count(*) from gone
$function$;

CREATE OR REPLACE FUNCTION platform.stamp_truncate()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  delete from platform.stamps;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION platform.stamp(details text[], lists text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  insert into platform.stamps (scope)
  select distinct scope from unnest(details) scope where scope is not null order by scope
  on conflict (scope, shard) do update set stamp = excluded.stamp, changed_at = excluded.changed_at;
  insert into platform.stamps (scope, shard)
  select list, coalesce(
    (select s.shard from platform.stamps s where s.scope = list
     order by s.shard <> pg_backend_pid() % 16, s.shard limit 1 for update skip locked),
    pg_backend_pid() % 16)
  from unnest(lists) list order by list
  on conflict (scope, shard) do update set stamp = excluded.stamp, changed_at = excluded.changed_at;
end $function$;

CREATE OR REPLACE FUNCTION platform.wants_letter(reader bigint, of_kind text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select not exists (select from platform.muted_letters where user_id = reader and kind = of_kind)
$function$;

CREATE OR REPLACE FUNCTION platform.watch(watched regclass, own text DEFAULT NULL::text, details text[] DEFAULT '{}'::text[], lists text[] DEFAULT '{}'::text[], columns text[] DEFAULT '{}'::text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  place text;
  bare text;
  stamper text;
  event text;
  tables text[];
  scopes text[];
  body text := '';
begin
  select nspname, relname into place, bare
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = watched;
  stamper := format('%I.%I', place, 'stamp_' || bare);
  foreach event in array '{insert,update,delete,truncate}'::text[] loop
    execute format('drop trigger if exists %I on %s', 'stamp_' || event, watched);
  end loop;

  foreach event in array case when columns = '{}' then '{insert,update,delete}' else '{update}' end::text[] loop
    tables := case event when 'insert' then '{new_rows}' when 'delete' then '{old_rows}' else '{old_rows,new_rows}' end;
    scopes := array(select format('select %s from %I changed', scope, source) from unnest(details) scope, unnest(tables) source)
      || case when own is not null and event <> 'insert' then array[format('select %s from old_rows changed', own)] end;
    body := body || format($branch$
  if tg_op = %L then
    if exists (%s) then
      perform platform.stamp(%s, %L);
    end if;
  end if;$branch$,
      upper(event),
      case when columns = '{}' then format('select from %I', tables[1])
        else format('select %1$s from new_rows except all select %1$s from old_rows',
          (select string_agg(quote_ident(c), ', ') from unnest(columns) c)) end,
      coalesce('array(' || nullif(array_to_string(scopes, ' union '), '') || ')', $$'{}'$$),
      lists);
  end loop;
  execute format('create or replace function %s() returns trigger language plpgsql as %L', stamper,
    format(E'begin%s\n  return null;\nend', body));

  if columns = '{}' then
    execute format('create trigger stamp_insert after insert on %s referencing new table as new_rows
      for each statement execute function %s()', watched, stamper);
    execute format('create trigger stamp_delete after delete on %s referencing old table as old_rows
      for each statement execute function %s()', watched, stamper);
    execute format('create trigger stamp_truncate after truncate on %s
      for each statement execute function platform.stamp_truncate()', watched);
  end if;
  execute format('create trigger stamp_update after update on %s referencing old table as old_rows new table as new_rows
    for each statement execute function %s()', watched, stamper);
end $function$;

create table platform.attempts (
  subject text not null,
  at timestamp with time zone not null,
  count integer default 1 not null,
  expires_at timestamp with time zone not null
);
alter table platform.attempts add constraint attempts_pkey PRIMARY KEY (subject, at);
CREATE INDEX attempts_expires_idx ON platform.attempts USING btree (expires_at);

create table platform.audit_log (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  user_id bigint,
  action text not null,
  subject text not null,
  subject_id bigint,
  before jsonb,
  after jsonb,
  address text,
  request_id text
);
alter table platform.audit_log add constraint audit_log_pkey PRIMARY KEY (id);
CREATE INDEX audit_log_at_idx ON platform.audit_log USING brin (at);
CREATE INDEX audit_log_subject_idx ON platform.audit_log USING btree (subject, subject_id, id);
CREATE INDEX audit_log_user_idx ON platform.audit_log USING btree (user_id, id);

create table platform.idempotency (
  user_id bigint not null,
  route text not null,
  key text not null,
  request_hash bytea not null,
  body text,
  created_at timestamp with time zone default now() not null
);
alter table platform.idempotency add constraint idempotency_key_check CHECK (((length(key) >= 1) AND (length(key) <= 128)));
alter table platform.idempotency add constraint idempotency_pkey PRIMARY KEY (user_id, route, key);
CREATE INDEX idempotency_created_at_idx ON platform.idempotency USING btree (created_at);

create table platform.installation (
  id boolean default true not null,
  name text default 'Двор'::text not null,
  requisites jsonb default '{}'::jsonb not null,
  secret_fingerprint text
);
alter table platform.installation add constraint installation_id_check CHECK (id);
alter table platform.installation add constraint installation_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)));
alter table platform.installation add constraint installation_pkey PRIMARY KEY (id);

create table platform.leases (
  name text not null,
  holder uuid not null,
  expires_at timestamp with time zone not null
) with (fillfactor=50);
alter table platform.leases add constraint leases_pkey PRIMARY KEY (name);

create table platform.muted_letters (
  user_id bigint not null,
  kind text not null
);
alter table platform.muted_letters add constraint muted_letters_pkey PRIMARY KEY (user_id, kind);
alter table platform.muted_letters add constraint muted_letters_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;

create table platform.notifications (
  id bigint generated always as identity not null,
  user_id bigint not null,
  kind text not null,
  key text not null,
  path text not null,
  params jsonb default '{}'::jsonb not null,
  created_at timestamp with time zone default now() not null,
  read_at timestamp with time zone
);
alter table platform.notifications add constraint notifications_key UNIQUE (user_id, kind, key);
alter table platform.notifications add constraint notifications_path_check CHECK ((path ~ '^/[^/\\]'::text));
alter table platform.notifications add constraint notifications_pkey PRIMARY KEY (id);
alter table platform.notifications add constraint notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id) ON DELETE CASCADE;
CREATE INDEX notifications_at_idx ON platform.notifications USING brin (created_at);
CREATE INDEX notifications_unread_idx ON platform.notifications USING btree (user_id) WHERE (read_at IS NULL);
CREATE INDEX notifications_user_idx ON platform.notifications USING btree (user_id, id);

create table platform.outbox (
  id bigint generated always as identity not null,
  key text not null,
  kind text not null,
  "to" text not null,
  subject text,
  text text not null,
  html text,
  secret jsonb,
  state text default 'queued'::text not null,
  error text,
  user_id bigint,
  created_at timestamp with time zone default now() not null,
  sent_at timestamp with time zone,
  job jsonb
);
alter table platform.outbox add constraint outbox_held CHECK ((((state = 'held'::text) = (job IS NOT NULL)) AND ((state <> 'held'::text) OR (user_id IS NOT NULL))));
alter table platform.outbox add constraint outbox_key_key UNIQUE (key);
alter table platform.outbox add constraint outbox_kind_fkey FOREIGN KEY (kind) REFERENCES platform.outbox_kinds(name);
alter table platform.outbox add constraint outbox_pkey PRIMARY KEY (id);
alter table platform.outbox add constraint outbox_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'failed'::text, 'held'::text])));
CREATE INDEX outbox_created_at_idx ON platform.outbox USING btree (created_at);
CREATE INDEX outbox_held_idx ON platform.outbox USING btree (user_id) WHERE (state = 'held'::text);
CREATE INDEX outbox_kind_idx ON platform.outbox USING btree (kind, id);

create table platform.outbox_kinds (
  name text not null
);
alter table platform.outbox_kinds add constraint outbox_kinds_pkey PRIMARY KEY (name);

create table platform.roles (
  name text not null
);
alter table platform.roles add constraint roles_pkey PRIMARY KEY (name);

create table platform.stamps (
  scope text not null,
  shard smallint default 0 not null,
  stamp uuid default gen_random_uuid() not null,
  changed_at timestamp with time zone default now() not null
) with (fillfactor=50);
alter table platform.stamps add constraint stamps_pkey PRIMARY KEY (scope, shard);

create schema shop;

CREATE OR REPLACE FUNCTION shop.stamp_order_items()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp('{}', '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'order:' || changed.order_id from old_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'order:' || changed.order_id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION shop.stamp_orders()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp('{}', '{}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'order:' || changed.id from old_rows changed), '{}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'order:' || changed.id from old_rows changed), '{}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION shop.stamp_product_pictures()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp(array(select 'product:' || changed.product_id from new_rows changed), '{products}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'product:' || changed.product_id from old_rows changed union select 'product:' || changed.product_id from new_rows changed), '{products}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'product:' || changed.product_id from old_rows changed), '{products}');
    end if;
  end if;
  return null;
end$function$;

CREATE OR REPLACE FUNCTION shop.stamp_products()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin
  if tg_op = 'INSERT' then
    if exists (select from new_rows) then
      perform platform.stamp('{}', '{products}');
    end if;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'product:' || changed.id from old_rows changed), '{products}');
    end if;
  end if;
  if tg_op = 'DELETE' then
    if exists (select from old_rows) then
      perform platform.stamp(array(select 'product:' || changed.id from old_rows changed), '{products}');
    end if;
  end if;
  return null;
end$function$;

create table shop.order_events (
  id bigint generated always as identity not null,
  order_id bigint not null,
  event text not null,
  user_id bigint,
  detail jsonb default '{}'::jsonb not null,
  created_at timestamp with time zone default statement_timestamp() not null
);
alter table shop.order_events add constraint order_events_event_check CHECK ((event = ANY (ARRAY['processing'::text, 'shipped'::text, 'delivered'::text, 'cancelled'::text, 'document'::text, 'shipping_call'::text, 'shipping_delivered'::text, 'shipping_failed'::text, 'shipping_again'::text])));
alter table shop.order_events add constraint order_events_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders(id);
alter table shop.order_events add constraint order_events_pkey PRIMARY KEY (id);
alter table shop.order_events add constraint order_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);
CREATE INDEX order_events_order_idx ON shop.order_events USING btree (order_id, id);
CREATE UNIQUE INDEX order_events_status_key ON shop.order_events USING btree (order_id, event) WHERE (event = ANY (ARRAY['processing'::text, 'shipped'::text, 'delivered'::text, 'cancelled'::text, 'document'::text]));

create table shop.order_items (
  order_id bigint not null,
  "position" smallint not null,
  product_id bigint not null,
  name text not null,
  quantity integer not null,
  price_at_purchase numeric(14,2) not null,
  amount numeric(18,2) generated always as ((price_at_purchase * (quantity)::numeric)) stored not null
);
alter table shop.order_items add constraint order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders(id);
alter table shop.order_items add constraint order_items_pkey PRIMARY KEY (order_id, "position");
alter table shop.order_items add constraint order_items_position_check CHECK ((("position" >= 1) AND ("position" <= 100)));
alter table shop.order_items add constraint order_items_price_at_purchase_check CHECK ((price_at_purchase > (0)::numeric));
alter table shop.order_items add constraint order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id);
alter table shop.order_items add constraint order_items_product_key UNIQUE (product_id, order_id);
alter table shop.order_items add constraint order_items_quantity_check CHECK (((quantity >= 1) AND (quantity <= 1000000)));
CREATE TRIGGER stamp_delete AFTER DELETE ON shop.order_items REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_order_items();
CREATE TRIGGER stamp_insert AFTER INSERT ON shop.order_items REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_order_items();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON shop.order_items FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON shop.order_items REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_order_items();

create table shop.orders (
  id bigint generated always as identity not null,
  user_id bigint not null,
  status text default 'pending'::text not null,
  total_price numeric(18,2) not null,
  document text,
  shipping text,
  shipping_attempts smallint default 0 not null,
  shipping_at timestamp with time zone,
  created_at timestamp with time zone default statement_timestamp() not null,
  updated_at timestamp with time zone default statement_timestamp() not null,
  address text default ''::text not null,
  phone text,
  comment text default ''::text not null
) with (fillfactor=70);
alter table shop.orders add constraint orders_address_check CHECK ((length(address) <= 500));
alter table shop.orders add constraint orders_comment_check CHECK ((length(comment) <= 1000));
alter table shop.orders add constraint orders_document_key UNIQUE (document);
alter table shop.orders add constraint orders_phone_check CHECK ((phone ~ '^[1-9][0-9]{6,14}$'::text));
alter table shop.orders add constraint orders_pkey PRIMARY KEY (id);
alter table shop.orders add constraint orders_shipping CHECK (((shipping IS NOT NULL) = (status = ANY (ARRAY['shipped'::text, 'delivered'::text]))));
alter table shop.orders add constraint orders_shipping_at CHECK (((shipping IS NOT NULL) = (shipping_at IS NOT NULL)));
alter table shop.orders add constraint orders_shipping_attempts_check CHECK (((shipping_attempts >= 0) AND (shipping_attempts <= 4)));
alter table shop.orders add constraint orders_shipping_check CHECK ((shipping = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text])));
alter table shop.orders add constraint orders_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'shipped'::text, 'delivered'::text, 'cancelled'::text])));
alter table shop.orders add constraint orders_total_price_check CHECK ((total_price > (0)::numeric));
alter table shop.orders add constraint orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);
CREATE INDEX orders_created_at_idx ON shop.orders USING btree (created_at, id);
CREATE INDEX orders_status_idx ON shop.orders USING btree (status, created_at, id);
CREATE INDEX orders_user_idx ON shop.orders USING btree (user_id, created_at, id);
CREATE INDEX orders_waiting_idx ON shop.orders USING btree (shipping_at) WHERE (shipping = 'waiting'::text);
CREATE TRIGGER stamp_delete AFTER DELETE ON shop.orders REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_orders();
CREATE TRIGGER stamp_insert AFTER INSERT ON shop.orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_orders();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON shop.orders FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON shop.orders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_orders();

create table shop.product_pictures (
  id bigint generated always as identity not null,
  product_id bigint not null,
  picture text not null,
  created_at timestamp with time zone default now() not null
);
alter table shop.product_pictures add constraint product_pictures_picture_key UNIQUE (picture);
alter table shop.product_pictures add constraint product_pictures_pkey PRIMARY KEY (id);
alter table shop.product_pictures add constraint product_pictures_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE;
CREATE INDEX product_pictures_product_idx ON shop.product_pictures USING btree (product_id, id);
CREATE TRIGGER stamp_delete AFTER DELETE ON shop.product_pictures REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_product_pictures();
CREATE TRIGGER stamp_insert AFTER INSERT ON shop.product_pictures REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_product_pictures();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON shop.product_pictures FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON shop.product_pictures REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_product_pictures();

create table shop.products (
  id bigint generated always as identity not null,
  name text not null,
  description text default ''::text not null,
  price numeric(14,2) not null,
  stock integer default 0 not null,
  category text not null,
  hidden_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  words tsvector generated always as ((setweight(to_tsvector('russian'::regconfig, translate(lower(name), 'ё'::text, 'е'::text)), 'A'::"char") || setweight(to_tsvector('russian'::regconfig, translate(lower(description), 'ё'::text, 'е'::text)), 'C'::"char"))) stored not null
) with (fillfactor=60);
alter table shop.products add constraint products_category_check CHECK ((category = ANY (ARRAY['electronics'::text, 'clothing'::text, 'books'::text, 'home'::text, 'services'::text, 'other'::text])));
alter table shop.products add constraint products_description_check CHECK ((length(description) <= 10000));
alter table shop.products add constraint products_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)));
alter table shop.products add constraint products_pkey PRIMARY KEY (id);
alter table shop.products add constraint products_price_check CHECK (((price > (0)::numeric) AND (price < ('10000000000'::bigint)::numeric)));
alter table shop.products add constraint products_stock_check CHECK ((stock >= 0));
CREATE INDEX products_created_at_idx ON shop.products USING btree (created_at, id) WHERE (hidden_at IS NULL);
CREATE INDEX products_letters_idx ON shop.products USING gin (translate(lower(((name || ' '::text) || description)), 'ё'::text, 'е'::text) gin_trgm_ops);
CREATE INDEX products_name_idx ON shop.products USING btree (name COLLATE "ru-x-icu", id) WHERE (hidden_at IS NULL);
CREATE INDEX products_price_idx ON shop.products USING btree (price, id) WHERE (hidden_at IS NULL);
CREATE INDEX products_words_idx ON shop.products USING gin (words);
CREATE TRIGGER stamp_delete AFTER DELETE ON shop.products REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_products();
CREATE TRIGGER stamp_insert AFTER INSERT ON shop.products REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_products();
CREATE TRIGGER stamp_truncate AFTER TRUNCATE ON shop.products FOR EACH STATEMENT EXECUTE FUNCTION platform.stamp_truncate();
CREATE TRIGGER stamp_update AFTER UPDATE ON shop.products REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION shop.stamp_products();

create view shop.stock_ledger as
 SELECT stock_movements.product_id,
    stock_movements.kind,
    stock_movements.change,
    stock_movements.created_at,
    NULL::bigint AS order_id
   FROM shop.stock_movements
UNION ALL
 SELECT i.product_id,
    'sold'::text AS kind,
    (- i.quantity) AS change,
    o.created_at,
    o.id AS order_id
   FROM (shop.order_items i
     JOIN shop.orders o ON ((o.id = i.order_id)))
UNION ALL
 SELECT i.product_id,
    'restored'::text AS kind,
    i.quantity AS change,
    e.created_at,
    e.order_id
   FROM (shop.order_items i
     JOIN shop.order_events e ON (((e.order_id = i.order_id) AND (e.event = 'cancelled'::text))));

create table shop.stock_movements (
  id bigint generated always as identity not null,
  product_id bigint not null,
  kind text not null,
  change integer not null,
  user_id bigint,
  created_at timestamp with time zone default now() not null
);
alter table shop.stock_movements add constraint stock_movements_change_check CHECK ((change <> 0));
alter table shop.stock_movements add constraint stock_movements_direction CHECK (((kind = 'corrected'::text) OR (change > 0)));
alter table shop.stock_movements add constraint stock_movements_kind_check CHECK ((kind = ANY (ARRAY['initial'::text, 'received'::text, 'corrected'::text])));
alter table shop.stock_movements add constraint stock_movements_pkey PRIMARY KEY (id);
alter table shop.stock_movements add constraint stock_movements_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE;
alter table shop.stock_movements add constraint stock_movements_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);
CREATE UNIQUE INDEX stock_movements_initial_key ON shop.stock_movements USING btree (product_id) WHERE (kind = 'initial'::text);
CREATE INDEX stock_movements_product_idx ON shop.stock_movements USING btree (product_id, id);
