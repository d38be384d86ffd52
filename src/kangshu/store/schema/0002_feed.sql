-- Writers append to feed_pending with their transaction id; sequence_feed() numbers what can no longer change.
create table feed_pending (
    seq bigint generated always as identity primary key,
    txid xid8 not null default pg_current_xact_id(),
    key bigint not null,
    version integer not null,
    kind smallint not null, -- 0 create, 1 update, 2 delete, 3 scope
    recorded timestamptz not null
);

create table feed (
    position bigint primary key,
    key bigint not null,
    version integer not null,
    kind smallint not null,
    recorded timestamptz not null
);

-- Numbers densely, in the order of writing, the rows whose transactions are all older than every running one.
-- A row of a transaction id that this cluster has not reached comes from a restored dump: it is committed too.
-- Returns the last position.
create function sequence_feed(most integer default 100000) returns bigint language plpgsql as $$
declare
    last bigint;
begin
    perform pg_advisory_xact_lock(7301, 1);
    select coalesce(max(position), 0) into last from feed;
    with horizon as materialized (
        select pg_snapshot_xmin(s) as low, pg_snapshot_xmax(s) as high from (select pg_current_snapshot() as s) one
    ), blocked as materialized (
        select min(seq) as seq from feed_pending, horizon where txid >= horizon.low and txid < horizon.high
    ), ready as (
        select p.seq from feed_pending p, blocked
        where blocked.seq is null or p.seq < blocked.seq
        order by p.seq limit most
    ), moved as (
        delete from feed_pending p using ready where p.seq = ready.seq
        returning p.seq, p.key, p.version, p.kind, p.recorded
    ), numbered as (
        insert into feed (position, key, version, kind, recorded)
        select last + row_number() over (order by seq), key, version, kind, recorded from moved
        returning position
    )
    select coalesce(max(position), last) into last from numbered;
    return last;
end $$;

-- Work that waits: claimed with SKIP LOCKED, retried with growing pauses.
create table job (
    job bigint generated always as identity primary key,
    kind text collate "C" not null,
    payload text not null,
    run_after timestamptz not null default now(),
    attempts integer not null default 0,
    claimed_until timestamptz,
    unique_value text collate "C",
    failed boolean not null default false,
    fault text not null default '',
    created timestamptz not null default now()
);
create index job_waiting on job (kind, run_after, job) where not failed;
create unique index job_unique on job (kind, unique_value) where unique_value is not null and not failed;

-- Audit: rows of a write come with its transaction (audit_pending); append_audit() numbers them and the rows of
-- reads in one batch, whose digest covers the batch before it.
create table audit_pending (
    seq bigint generated always as identity primary key,
    txid xid8 not null default pg_current_xact_id(),
    at timestamptz not null,
    account text collate "C" not null,
    action text collate "C" not null,
    type text collate "C" not null,
    id text collate "C" not null,
    outcome text collate "C" not null,
    purpose text collate "C" not null,
    detail text not null
);

create table audit (
    position bigint primary key,
    batch bigint not null,
    at timestamptz not null,
    account text collate "C" not null,
    action text collate "C" not null,
    type text collate "C" not null,
    id text collate "C" not null,
    outcome text collate "C" not null,
    purpose text collate "C" not null,
    detail text not null
);
create index audit_account on audit (account, at);
create index audit_resource on audit (type, id, at);
create index audit_at on audit (at);

create table audit_batch (
    batch bigint primary key,
    last bigint not null, -- position of its last row
    digest bytea not null
);

create function audit_text(a audit) returns text language sql stable as $$
    select concat_ws(E'\x1f', a.position, extract(epoch from a.at), a.account, a.action, a.type, a.id, a.outcome,
        a.purpose, a.detail)
$$;

create function append_audit(ats timestamptz[], accounts text[], actions text[], types text[], ids text[],
    outcomes text[], purposes text[], details text[]) returns bigint language plpgsql as $$
declare
    previous audit_batch;
    written text;
    final bigint;
begin
    perform pg_advisory_xact_lock(7301, 2);
    select * into previous from audit_batch order by batch desc limit 1;
    with horizon as materialized (
        select pg_snapshot_xmin(s) as low, pg_snapshot_xmax(s) as high from (select pg_current_snapshot() as s) one
    ), moved as (
        delete from audit_pending p using horizon where p.txid < horizon.low or p.txid >= horizon.high
        returning p.*
    ), rows as (
        select 0 as source, seq, at, account, action, type, id, outcome, purpose, detail from moved
        union all
        select 1, n, at, account, action, type, id, outcome, purpose, detail
        from unnest(ats, accounts, actions, types, ids, outcomes, purposes, details) with ordinality
            as u(at, account, action, type, id, outcome, purpose, detail, n)
    ), numbered as (
        insert into audit
        select coalesce(previous.last, 0) + row_number() over (order by source, seq), coalesce(previous.batch, 0) + 1,
            at, account, action, type, id, outcome, purpose, detail
        from rows
        returning audit.*
    )
    select string_agg(audit_text(numbered::audit), E'\x1e' order by position), max(position)
    into written, final from (select * from numbered) numbered;
    if final is null then
        return coalesce(previous.last, 0);
    end if;
    insert into audit_batch values (coalesce(previous.batch, 0) + 1, final,
        sha256(coalesce(previous.digest, ''::bytea) || convert_to(written, 'UTF8')));
    return final;
end $$;

-- Returns the first batch whose digest does not hold, or null.
create function audit_broken() returns bigint language plpgsql stable as $$
declare
    one audit_batch;
    digest bytea := '';
begin
    for one in select * from audit_batch order by batch loop
        select sha256(digest || convert_to(coalesce(
            string_agg(audit_text(a), E'\x1e' order by a.position), ''), 'UTF8'))
        into digest from audit a where a.batch = one.batch;
        if digest <> one.digest then
            return one.batch;
        end if;
    end loop;
    return null;
end $$;
