-- How many places a record has (a slot, a day of a ward) and how many are taken. What takes them is derived from the
-- records themselves; a row is made when the record is first written or first asked for a place.
create table capacity (
    rule text collate "C" not null,
    key bigint not null,
    places integer not null check (places >= 0),
    taken integer not null check (taken >= 0),
    open boolean not null,
    primary key (rule, key)
) with (fillfactor = 70);
