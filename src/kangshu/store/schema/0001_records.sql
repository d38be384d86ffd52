-- Dictionaries: small numbers for names that every row repeats.
create table resource_type (
    type smallint primary key,
    name text collate "C" not null unique
);

create table parameter (
    param integer primary key,
    type smallint not null references resource_type (type),
    code text collate "C" not null,
    unique (type, code)
);

create table code_system (
    system integer generated always as identity primary key,
    url text collate "C" not null unique
);
insert into code_system (url) values ('');

create table codec (
    codec smallint primary key,
    name text collate "C" not null,
    dictionary bytea not null,
    created timestamptz not null default now()
);
insert into codec (codec, name, dictionary) values (0, 'zstd', '');

-- Records: the current row, and the versions it replaced.
create sequence resource_key as bigint cache 1;

create table resource (
    key bigint primary key default nextval('resource_key'),
    type smallint not null,
    id text collate "C" not null,
    version integer not null,
    deleted boolean not null default false,
    updated timestamptz not null,
    district text collate "C" not null,
    -- where the district comes from: 0 the record itself, 1 its resident, 2 its first organisation
    district_from smallint not null,
    organisations text[] collate "C" not null,
    patient text collate "C" not null,
    codec smallint not null,
    body bytea not null,
    unique (type, id)
);
alter table resource alter column body set storage external;
create index resource_current on resource (type, key) where not deleted;
create index resource_updated on resource (type, updated, key);
create index resource_patient on resource (patient, type, key) where patient <> '';
create index resource_inherited on resource ((organisations[1])) where district_from = 2;

create table version (
    key bigint not null,
    version integer not null,
    type smallint not null,
    deleted boolean not null,
    updated timestamptz not null,
    district text collate "C" not null,
    organisations text[] collate "C" not null,
    patient text collate "C" not null,
    codec smallint not null,
    body bytea not null,
    primary key (key, version)
);
alter table version alter column body set storage external;
create index version_updated on version (type, updated, key, version);

-- Index entries by kind. `part` numbers the element that the parts of one composite value share.
create table index_token (
    key bigint not null,
    param integer not null,
    system integer not null,
    part smallint not null,
    code text collate "C" not null
);
create index index_token_value on index_token (param, code, system, key);
create index index_token_key on index_token (key, param);

create table index_string (
    key bigint not null,
    param integer not null,
    part smallint not null,
    folded text collate "C" not null,
    exact text collate "C" not null
);
-- a long text is found by its beginning; what is compared beyond is read from the row
create index index_string_value on index_string (param, left(folded, 300), key);
create index index_string_key on index_string (key, param);

create table index_date (
    key bigint not null,
    low timestamptz not null,
    high timestamptz not null,
    param integer not null,
    part smallint not null
);
create index index_date_low on index_date (param, low, high, key);
create index index_date_high on index_date (param, high, key);
create index index_date_key on index_date (key, param);

create table index_number (
    key bigint not null,
    param integer not null,
    part smallint not null,
    low numeric not null,
    high numeric not null
);
create index index_number_value on index_number (param, low, high, key);
create index index_number_key on index_number (key, param);

create table index_quantity (
    key bigint not null,
    param integer not null,
    system integer not null,
    part smallint not null,
    code text collate "C" not null,
    unit text collate "C" not null,
    low numeric not null,
    high numeric not null
);
create index index_quantity_value on index_quantity (param, low, high, key);
create index index_quantity_key on index_quantity (key, param);

-- target_type 0: `target` is an absolute URL or a canonical.
create table index_reference (
    key bigint not null,
    param integer not null,
    target_type smallint not null,
    part smallint not null,
    target text collate "C" not null
);
create index index_reference_value on index_reference (param, target, target_type, key);
create index index_reference_key on index_reference (key, param);

create table index_uri (
    key bigint not null,
    param integer not null,
    value text collate "C" not null
);
create index index_uri_value on index_uri (param, value, key);
create index index_uri_key on index_uri (key, param);

-- A code's frequency depends on its parameter: without these the planner multiplies the two.
create statistics index_token_frequency (mcv, dependencies) on param, code, system from index_token;
create statistics index_reference_frequency (mcv, dependencies) on param, target_type, target from index_reference;

-- Values that no two records may share, kept from the registers' declarations.
create table unique_key (
    rule text collate "C" not null,
    value text collate "C" not null,
    key bigint not null,
    primary key (rule, value)
);
create index unique_key_owner on unique_key (key);

-- Small documents of the installation.
create table setting (
    name text collate "C" primary key,
    value text not null,
    updated timestamptz not null default now()
);
