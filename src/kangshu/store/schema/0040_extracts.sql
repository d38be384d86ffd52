-- Extracts of data (数据提取件): whom each was made for and under which approval, its rows until the use ends, the report
-- on its risk, and by what a leaked copy is recognised. Rows are never changed; when the use ends the body goes.
create table data_extract (
    id text collate "C" primary key,
    application text collate "C" not null,      -- id of the Task that approves it
    organisation text collate "C" not null,     -- id of the Organization that asked for it
    definition text collate "C" not null,
    level text collate "C" not null,
    made_by text collate "C" not null,
    made_at timestamptz not null default now(),
    expires date not null,
    facts text not null,                        -- JSON: number, recipient, purpose, columns, levels, risk, feed position
    fingerprint bytea not null,                 -- of what a leaked copy is recognised by; it names nobody
    body bytea,                                 -- the rows, packed; null when the use has ended
    digest bytea not null                       -- SHA-256 of the rows as they were made
);
create index data_extract_application on data_extract (application);
create index data_extract_organisation on data_extract (organisation);
