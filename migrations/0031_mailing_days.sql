-- compatible: Statistics by day read the minutes of all mailings of the last month.
create index minutes_at_idx on mailings.minutes (at);
