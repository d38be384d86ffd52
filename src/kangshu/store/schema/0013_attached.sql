-- Which record a Binary belongs to (securityContext): it is in that record's compartment and bears its labels.
create table attached (
    key bigint primary key,
    type smallint not null,
    id text collate "C" not null
);
create index attached_to on attached (type, id);
