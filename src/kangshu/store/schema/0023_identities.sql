-- Identities of a provider (OpenID Connect) that belong to accounts, codes that invite their owners to link them, and
-- sign-ins that are on their way to a provider and back.
create table identity (
  id         bigint generated always as identity primary key,
  issuer     text collate "C" not null,
  subject    text collate "C" not null,
  account    text collate "C" not null references account (name) on delete cascade,
  linked     timestamptz not null default now(),
  linked_by  text collate "C" not null,
  last_used  timestamptz,
  unique (issuer, subject)
);
create index identity_account on identity (account);

create table invitation (
  digest   bytea primary key,
  account  text collate "C" not null references account (name) on delete cascade,
  made_by  text collate "C" not null,
  expires  timestamptz not null
);

create table sign_in_journey (
  state     bytea primary key,                         -- SHA-256 of the state that the provider gives back
  provider  text collate "C" not null,
  browser   bytea not null,                            -- SHA-256 of a value that only this browser holds
  nonce     text not null,
  verifier  text not null,                             -- PKCE
  next      text not null,
  subject   text collate "C" not null default '',      -- after the return, of an identity that no account has yet
  expires   timestamptz not null
);
create index sign_in_journey_expires on sign_in_journey (expires);
