-- What people choose for their own screens and keep under a name, and what an office chooses for a screen of all.
create table kept_choice (
  account  text collate "C" not null,  -- '' for what is chosen for everybody
  kind     text collate "C" not null,
  name     text not null,
  value    text not null,
  by       text collate "C" not null,
  changed  timestamptz not null default now(),
  primary key (account, kind, name)
);
