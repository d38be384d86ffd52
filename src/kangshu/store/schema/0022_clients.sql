-- Service accounts: their public keys and scopes, and the assertions that were taken, so that none is taken twice.
create table client (
  account   text collate "C" primary key references account (name) on delete cascade,
  jwks_url  text collate "C" not null default '',      -- keys by URL; "" where they stand in client_key
  scopes    text[] not null default '{}',
  changed   timestamptz not null default now()
);

create table client_key (
  account   text collate "C" not null references account (name) on delete cascade,
  kid       text collate "C" not null,
  key       text not null,                             -- a public JWK (RFC 7517)
  added     timestamptz not null default now(),
  added_by  text collate "C" not null,
  last_used timestamptz,
  primary key (account, kid)
);

create table assertion_used (
  account  text collate "C" not null references account (name) on delete cascade,
  jti      bytea not null,                             -- SHA-256
  expires  timestamptz not null,
  primary key (account, jti)
);
create index assertion_used_expires on assertion_used (expires);
