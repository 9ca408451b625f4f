-- Jobs: each is a row from the moment it is asked for until it is pruned. The row is the truth; what a broker holds is
-- only the news that there is one. Times are RFC 3339 text, as everywhere.
CREATE TABLE background_jobs (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    queue TEXT NOT NULL,
    payload TEXT NOT NULL,
    -- waiting (for its time, and for a scheduler), sent (to the broker), running, done, dead
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    sent_at TEXT,
    started_at TEXT,
    finished_at TEXT,
    worker TEXT,
    lease_until TEXT,
    error TEXT
);
CREATE INDEX background_jobs_by_state ON background_jobs (state, due_at);

-- When each schedule fires next. Who moves the time forward is the one who fires.
CREATE TABLE schedules (
    name TEXT PRIMARY KEY NOT NULL,
    -- As it was when the time was reckoned by it.
    schedule TEXT NOT NULL,
    due_at TEXT NOT NULL
);

-- Who may open the dashboard. Passwords are kept as argon2 hashes.
CREATE TABLE accounts (
    name TEXT PRIMARY KEY NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TEXT NOT NULL
);

-- The example job's result: how many words each note has.
CREATE TABLE note_words (
    note_id TEXT PRIMARY KEY NOT NULL,
    words BIGINT NOT NULL,
    counted_at TEXT NOT NULL
);
