-- The care relation: which organisation a resident's records are open to, since when, until when and what for. The
-- store keeps it inside the transaction of the record that says so (`key`), by the rules of access/care.yaml. What
-- is not here is closed. A refusal is looked at when the relation is read: it needs no upkeep and takes effect at once.
create table care (
    patient text collate "C" not null,
    organisation text collate "C" not null,
    relation text collate "C" not null,
    purpose text collate "C" not null,          -- a code of v3-PurposeOfUse; '' for any
    refusable boolean not null,
    kinds smallint[] not null,                  -- the types of records that it opens; empty for all
    since timestamptz not null,
    until timestamptz not null,                 -- the first instant at which it does not hold any more
    key bigint not null
);
create index care_patient on care (patient, organisation) include (relation, purpose, refusable, kinds, since, until);
create index care_organisation on care (organisation, relation) include (patient, purpose, refusable, kinds, since, until);
create index care_key on care (key);

create table dissent (
    patient text collate "C" not null,
    organisation text collate "C" not null,     -- '' for every organisation
    purpose text collate "C" not null,          -- '' for every purpose
    spared text[] collate "C" not null,         -- 'organisation purpose' (or 'organisation ') that it excepts
    since timestamptz not null,
    until timestamptz not null,
    key bigint not null
);
create index dissent_patient on dissent (patient);
create index dissent_key on dissent (key);

-- The organisation and those above it.
create function organisations_above(organisation text) returns text[] language sql stable as $$
    with recursive up (id) as (
        select organisation collate "C"
        union
        select i.target from up
        join resource_type t on t.name = 'Organization'
        join resource r on r.type = t.type and r.id = up.id and not r.deleted
        join parameter p on p.type = t.type and p.code = 'partof'
        join index_reference i on i.key = r.key and i.param = p.param and i.target_type = t.type
    )
    select array_agg(id) from up
$$;

-- Whether a refusal that names `named` and excepts `spared` covers `organisation` for `purpose`: whoever refuses a
-- hospital refuses its departments.
create function dissent_covers(named text, spared text[], organisation text, purpose text) returns boolean
language plpgsql stable as $$
declare
    above text[];
begin
    if named in ('', organisation) and cardinality(spared) = 0 then
        return true;
    end if;
    above := organisations_above(organisation);
    return (named = '' or named = any(above)) and not exists (
        select from unnest(above) as one(id) where one.id || ' ' = any(spared) or one.id || ' ' || purpose = any(spared)
    );
end $$;

-- Sensitivity labels: the codes of meta.security that restrict. For records that are here already they are told by
-- their index rows; those of old versions are in their bodies alone, so until the background worker has read them
-- they carry '?', which no role names.
alter table resource add column labels text[] collate "C" not null default '{}';
alter table version add column labels text[] collate "C" not null default '{?}';
alter table version alter column labels set default '{}';
update resource r set labels = found.codes from (
    select i.key, array_agg(distinct i.code order by i.code) as codes
    from index_token i join parameter p on p.param = i.param and p.code = '_security'
    join code_system s on s.system = i.system
    where not (i.code in ('N', 'L', 'M', 'U')
        and s.url in ('', 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'))
    group by i.key
) found where r.key = found.key;
-- a deleted record has no index rows: it stays closed until its versions have been read
update resource set labels = '{?}' where deleted;
