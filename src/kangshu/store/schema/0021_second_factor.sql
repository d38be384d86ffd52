-- The second factor: seeds of time-based codes, sealed with a key that is not in the database (docs/adr/0013), and
-- digests of recovery codes. A seed without `enrolled` has been shown and not yet proved.
create table second_factor (
  account    text collate "C" primary key references account (name) on delete cascade,
  seed       bytea not null,
  enrolled   timestamptz,
  used_step  bigint not null default 0                 -- the last 30-second step whose code was taken: none twice
);

create table recovery_code (
  account  text collate "C" not null references account (name) on delete cascade,
  digest   bytea not null,                             -- SHA-256; a code has 79 random bits
  used     timestamptz,
  primary key (account, digest)
);

-- Failed sign-ins by address of the network, for throttling; old rows are swept as new ones come.
create table sign_in_failure (
  address  text collate "C" not null,
  at       timestamptz not null default now()
);
create index sign_in_failure_address on sign_in_failure (address, at);
