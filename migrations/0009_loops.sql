-- Which process runs a loop. A row is a lease with a term on the database's clock: its holder renews it while it lives, and
-- whoever finds it run out takes it.
create table platform.leases (
  name text primary key,
  holder uuid not null,
  expires_at timestamptz not null
) with (fillfactor = 50);
comment on table platform.leases is 'Loops of which one process at a time runs each; the holder renews its rows, and a dead one''s run out';
