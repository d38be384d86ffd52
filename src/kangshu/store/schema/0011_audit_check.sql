-- The check of the audit's chain walks the rows by position, once, however many batches there are. A row that no
-- batch covers, or that stands in another batch than its own, breaks the chain as a changed one does.
create or replace function audit_broken() returns bigint language plpgsql stable as $$
declare
    one audit_batch;
    digest bytea := '';
    before bigint := 0;
    number bigint := 0;
begin
    for one in select * from audit_batch order by batch loop
        select sha256(digest || convert_to(coalesce(
            string_agg(audit_text(a), E'\x1e' order by a.position), ''), 'UTF8'))
        into digest from audit a where a.position > before and a.position <= one.last;
        if digest <> one.digest then
            return one.batch;
        end if;
        before := one.last;
        number := one.batch;
    end loop;
    if exists (select from audit where position > before) then
        return number + 1;
    end if;
    return null;
end $$;
