-- Emergency access (应急调阅, break-glass): who opened which resident's records for a while, why, and how it was judged.
create table emergency (
  id            bigint generated always as identity primary key,
  account       text collate "C" not null references account (name),
  organisation  text collate "C" not null,              -- of the post in which the account acted
  on_behalf_of  text collate "C" not null default '',   -- the holder of that post, where a deputy acted
  patient       text collate "C" not null,
  reason_code   text collate "C" not null,
  reason        text not null,
  opened        timestamptz not null,
  until         timestamptz not null,
  ended         timestamptz,                            -- before its time, by whom
  ended_by      text collate "C" not null default '',
  review_due    date not null,
  verdict       text collate "C" not null default '' check (verdict in ('', 'justified', 'improper')),
  comment       text not null default '',
  reviewed      timestamptz,
  reviewer      text collate "C" not null default '',
  check (until > opened),
  check ((verdict = '') = (reviewed is null)),
  check (reviewer <> account)
);
create index emergency_account on emergency (account, until);
create index emergency_patient on emergency (patient);
create index emergency_unreviewed on emergency (review_due) where verdict = '';
