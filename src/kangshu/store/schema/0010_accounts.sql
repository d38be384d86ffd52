-- Who may sign in, and the open sessions and bearer tokens. Secrets are kept as digests only.
create table account (
  name          text collate "C" primary key,
  display       text not null,
  roles         text[] not null default '{}',
  organisation  text collate "C" not null default '',
  practitioner  text collate "C" not null default '',
  patient       text collate "C" not null default '',
  wards         text[] not null default '{}',
  district      text collate "C" not null default '',
  password      text,                                  -- argon2id; null: no sign-in by password
  must_change   boolean not null default false,
  active        boolean not null default true,
  failures      integer not null default 0,
  locked_until  timestamptz,
  created       timestamptz not null default now(),
  last_sign_in  timestamptz
);

create table account_token (
  digest     bytea primary key,                        -- SHA-256 of the token
  account    text collate "C" not null references account (name) on delete cascade,
  kind       text not null check (kind in ('session', 'bearer')),
  label      text not null default '',
  created    timestamptz not null default now(),
  last_seen  timestamptz not null default now(),
  expires    timestamptz not null
);

create index account_token_account on account_token (account, kind);
create index account_token_expires on account_token (expires);
