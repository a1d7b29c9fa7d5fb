-- compatible: indexes of lists that sorted whole tables: collects in their usual order, the outbox by kind and by age.

-- Not of collected_amount and donors_count, which every payment changes: see decision 44.
create index collects_created_at_idx on collects.collects (created_at, id);
create index outbox_created_at_idx on platform.outbox (created_at);
create index outbox_kind_idx on platform.outbox (kind, id);
