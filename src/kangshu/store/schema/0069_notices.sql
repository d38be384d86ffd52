-- Where accounts want to be told (短信, 政务微信 …), and what was told there. No text is kept and no address in clear.
create table contact (
  account   text collate "C" not null references account (name) on delete cascade,
  channel   text collate "C" not null,
  address   bytea not null,                         -- sealed with a key that is not in the database
  hint      text not null,                          -- what its owner knows it by: 138****5678
  code      bytea,                                  -- digest of the code that proves it, while it waits
  code_ends timestamptz,
  tries     int not null default 0,
  codes     int not null default 1,                 -- codes sent since `began`
  began     timestamptz not null default now(),
  confirmed timestamptz,
  primary key (account, channel)
);

create table delivery (
  id            bigint generated always as identity primary key,
  communication text collate "C" not null,
  channel       text collate "C" not null,
  account       text collate "C" not null,           -- "" for a channel that has one address for all
  recipient     text collate "C" not null,           -- Organization/… or Patient/…
  kind          text collate "C" not null default '',
  task          text collate "C" not null default '',
  urgent        boolean not null default false,
  state         text collate "C" not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'dropped')),
  due           timestamptz not null,
  attempts      int not null default 0,
  fault         text not null default '',
  made          timestamptz not null default now(),
  changed       timestamptz not null default now(),
  unique (communication, channel, account)
);
create index delivery_waiting on delivery (due) where state = 'waiting';
create index delivery_sent on delivery (channel, account, changed) where state = 'sent';
