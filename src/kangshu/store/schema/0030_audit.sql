-- A row of the audit tells besides: for whom a deputy acted, through which application, from which network address,
-- with which stated reason, and which residents' records were shown where type and id do not tell it (lists, exports).
alter table audit_pending
    add column on_behalf_of text collate "C" not null default '',
    add column app text collate "C" not null default '',
    add column address text collate "C" not null default '',
    add column reason text not null default '',
    add column residents text[] collate "C";

alter table audit
    add column on_behalf_of text collate "C" not null default '',
    add column app text collate "C" not null default '',
    add column address text collate "C" not null default '',
    add column reason text not null default '',
    add column residents text[] collate "C";

create index audit_residents on audit using gin (residents) where residents is not null;
create index audit_emergency on audit (position) where purpose = 'BTG';

-- The text that a batch's digest covers: 1 as batches before this step have it, 2 with every column.
alter table audit_batch add column form smallint not null default 1;
alter table audit_batch alter column form set default 2;

-- Replaces the function of 0002. It runs with the rights of the owner of the schema, so that the product's own role
-- may append and do nothing else to these tables. `shown` holds residents' ids, comma between.
drop function append_audit(timestamptz[], text[], text[], text[], text[], text[], text[], text[]);
create function append_audit(ats timestamptz[], accounts text[], actions text[], types text[], ids text[],
    outcomes text[], purposes text[], details text[], behalves text[], apps text[], addresses text[], reasons text[],
    shown text[]) returns bigint language plpgsql security definer set search_path = "$user", public, pg_temp as $$
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
        select 0 as source, seq, at, account, action, type, id, outcome, purpose, detail, on_behalf_of, app, address,
            reason, residents
        from moved
        union all
        select 1, n, at, account, action, type, id, outcome, purpose, detail, on_behalf_of, app, address, reason,
            string_to_array(nullif(residents, ''), ',')
        from unnest(ats, accounts, actions, types, ids, outcomes, purposes, details, behalves, apps, addresses,
            reasons, shown) with ordinality as u(at, account, action, type, id, outcome, purpose, detail,
            on_behalf_of, app, address, reason, residents, n)
    ), numbered as (
        insert into audit (position, batch, at, account, action, type, id, outcome, purpose, detail, on_behalf_of,
            app, address, reason, residents)
        select coalesce(previous.last, 0) + row_number() over (order by source, seq), coalesce(previous.batch, 0) + 1,
            at, account, action, type, id, outcome, purpose, detail, on_behalf_of, app, address, reason, residents
        from rows
        returning *
    )
    select string_agg(concat_ws(E'\x1f', position, extract(epoch from at), account, action, type, id, outcome, purpose,
            detail, on_behalf_of, app, address, reason, coalesce(array_to_string(residents, ','), '')),
            E'\x1e' order by position), max(position)
    into written, final from numbered;
    if final is null then
        return coalesce(previous.last, 0);
    end if;
    insert into audit_batch (batch, last, digest, form) values (coalesce(previous.batch, 0) + 1, final,
        sha256(coalesce(previous.digest, ''::bytea) || convert_to(written, 'UTF8')), 2);
    return final;
end $$;

-- The check is the program's: a function kept in the database could be changed along with the rows.
drop function audit_broken();
drop function audit_text(audit);

-- Rows are added and never changed or taken away. What waits is moved by append_audit() and by nothing else.
create function audit_stands() returns trigger language plpgsql as $$
declare
    stack text;
begin
    if tg_table_name = 'audit_pending' and tg_op = 'DELETE' then
        get diagnostics stack = pg_context;
        if stack like '%append_audit(%' then
            return null;
        end if;
    end if;
    raise exception '% of % is refused: the audit is only added to', tg_op, tg_table_name
        using errcode = 'restrict_violation';
end $$;

create trigger audit_stands before update or delete or truncate on audit
    for each statement execute function audit_stands();
create trigger audit_stands before update or delete or truncate on audit_batch
    for each statement execute function audit_stands();
create trigger audit_stands before update or delete or truncate on audit_pending
    for each statement execute function audit_stands();
alter table audit enable always trigger audit_stands;
alter table audit_batch enable always trigger audit_stands;
alter table audit_pending enable always trigger audit_stands;

-- For an installation that separates roles: the owner of the schema calls this once with the role under which the
-- product runs. That role reads and writes everything, but of the audit it may only read and append.
create function admit_product_role(product name) returns void language plpgsql as $$
begin
    execute format('grant usage on schema public to %I', product);
    execute format('grant select, insert, update, delete on all tables in schema public to %I', product);
    execute format('grant usage, select on all sequences in schema public to %I', product);
    execute format('alter default privileges in schema public grant select, insert, update, delete on tables to %I',
        product);
    execute format('alter default privileges in schema public grant usage, select on sequences to %I', product);
    execute format('revoke all on audit, audit_batch, audit_pending, schema_version from %I', product);
    execute format('grant select on audit, audit_batch, schema_version to %I', product);
    execute format('grant select, insert on audit_pending to %I', product);
    execute format('grant execute on function append_audit(timestamptz[], text[], text[], text[], text[], text[], text[], '
        'text[], text[], text[], text[], text[], text[]) to %I', product);
end $$;
revoke execute on function admit_product_role(name) from public;
revoke execute on function append_audit(timestamptz[], text[], text[], text[], text[], text[], text[], text[], text[],
    text[], text[], text[], text[]) from public;
