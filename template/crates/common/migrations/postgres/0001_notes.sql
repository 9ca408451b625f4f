-- The example: notes. Times are RFC 3339 text, which every kind of database sorts and stores alike.
CREATE TABLE notes (
    id TEXT PRIMARY KEY NOT NULL,
    text TEXT NOT NULL,
    created_at TEXT NOT NULL
);
