-- Where a record without a district of its own belongs: its resident's place, else its first organisation's.
-- The shared locks keep those two from moving until the writer has committed; each statement of a volatile
-- function sees what was committed before it, so the look-up after the lock is current.
create function place_of(patient_type smallint, patient_id text, organisation_type smallint, organisation_id text,
    out district text, out district_from smallint) language plpgsql as $$
begin
    if patient_id <> '' then
        perform pg_advisory_xact_lock_shared(hashtextextended('Patient/' || patient_id, 7301));
        select r.district into district from resource r
        where r.type = patient_type and r.id = patient_id and not r.deleted;
        if district <> '' then
            district_from := 1;
            return;
        end if;
    end if;
    if organisation_id <> '' then
        perform pg_advisory_xact_lock_shared(hashtextextended('Organization/' || organisation_id, 7301));
        select r.district into district from resource r
        where r.type = organisation_type and r.id = organisation_id and not r.deleted;
        district := coalesce(district, '');
        district_from := 2;
        return;
    end if;
    district := '';
    district_from := case when patient_id <> '' then 1 else 0 end;
end $$;

-- A resident moved: what has its place from the resident moves along, and the feed says so. Returns the rows moved.
create function move_resident(resident text, own bigint, place text) returns bigint language plpgsql as $$
declare
    moved_rows bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('Patient/' || resident, 7301));
    with moved as (
        update resource r set district = place, district_from = 1
        where r.patient = resident and r.key <> own and r.district_from <> 0 and r.district <> place
        returning r.key, r.version
    ), told as (
        insert into feed_pending (key, version, kind, recorded) select key, version, 3, now() from moved
    )
    select count(*) into moved_rows from moved;
    return moved_rows;
end $$;

create function move_organisation(organisation text, own bigint, place text, patient_type smallint)
returns bigint language plpgsql as $$
declare
    moved_rows bigint := 0;
    one record;
begin
    perform pg_advisory_xact_lock(hashtextextended('Organization/' || organisation, 7301));
    for one in
        with moved as (
            update resource r set district = place
            where r.organisations[1] = organisation and r.key <> own and r.district_from = 2 and r.district <> place
            returning r.key, r.version, r.type, r.id
        ), told as (
            insert into feed_pending (key, version, kind, recorded) select key, version, 3, now() from moved
        )
        select key, type, id from moved order by key
    loop
        moved_rows := moved_rows + 1;
        if one.type = patient_type then
            moved_rows := moved_rows + move_resident(one.id, one.key, place);
        end if;
    end loop;
    return moved_rows;
end $$;
