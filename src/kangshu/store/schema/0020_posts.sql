-- Posts (岗位): what an account may do hangs on the post that it acts in. Deputies (代办): who acts in another's post.
-- What stood in the account's own columns becomes its first post.
create table post (
  id            bigint generated always as identity primary key,
  account       text collate "C" not null references account (name) on delete cascade,
  title         text not null default '',
  roles         text[] not null default '{}',
  organisation  text collate "C" not null default '',
  practitioner  text collate "C" not null default '',
  district      text collate "C" not null default '',
  stand_in      text collate "C" references account (name) on delete set null,  -- the holder of the B 岗
  opened        timestamptz not null default now(),
  ended         timestamptz
);
create index post_account on post (account) where ended is null;

insert into post (account, roles, organisation, practitioner, district, opened)
select name, roles, organisation, practitioner, district, created from account where name <> 'system' order by created, name;

alter table account
  drop column roles, drop column organisation, drop column practitioner, drop column district,
  add column kind text not null default 'person' check (kind in ('person', 'service'));

create table deputy (
  id            bigint generated always as identity primary key,
  post          bigint not null references post (id) on delete cascade,
  account       text collate "C" not null references account (name) on delete cascade,
  starts        timestamptz not null,
  ends          timestamptz not null,
  reason        text not null,
  appointed_by  text collate "C" not null,
  created       timestamptz not null default now(),
  revoked       timestamptz,
  revoked_by    text collate "C" not null default '',
  check (ends > starts)
);
create index deputy_account on deputy (account) where revoked is null;
create index deputy_post on deputy (post) where revoked is null;

-- A session acts in one post (none: the first), as its holder or as a deputy. A token of an application names it and
-- may be narrowed to scopes. A step is a sign-in whose password was right and whose second factor is outstanding.
alter table account_token
  add column post    bigint references post (id) on delete cascade,
  add column deputy  bigint references deputy (id) on delete cascade,
  add column app     text collate "C" not null default '',
  add column scopes  text[],
  add column address text not null default '',
  add column agent   text not null default '',
  drop constraint account_token_kind_check,
  add constraint account_token_kind_check check (kind in ('session', 'bearer', 'step'));
