-- One text for every engine; the words in braces are filled in by its driver.
-- Times are Unix milliseconds. Ids are never given twice.

CREATE TABLE users (
    id {id},
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE, -- lower-cased: addresses are compared without regard to case
    created_at BIGINT NOT NULL
);

CREATE TABLE links (
    id {id},
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    short_code TEXT NOT NULL UNIQUE,
    original_url TEXT NOT NULL,
    title TEXT,
    search_text TEXT NOT NULL, -- lower-cased target, line feed, title
    is_active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX links_of_user ON links (user_id{then_id}) WHERE user_id IS NOT NULL;

-- What links were that have changed since, or are gone: the values that were true up to and including `version`.
CREATE TABLE link_versions (
    link_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    short_code TEXT NOT NULL,
    original_url TEXT NOT NULL,
    PRIMARY KEY (link_id, version)
){clustered};

-- A log: no foreign keys, for what it names may be gone. Here is what clients and imports bring and what was done to
-- links; the clicks of redirects are in click_blocks. Both have their ids from event_sequence.
CREATE TABLE events (
    id {given_id},
    link_id BIGINT NOT NULL,
    user_id BIGINT,
    event_type TEXT NOT NULL,
    is_counted BOOLEAN NOT NULL, -- whether it adds to its link's total: a click, and not a bot's
    at BIGINT NOT NULL,
    details TEXT
);

CREATE INDEX events_of_link ON events (link_id{then_id});
CREATE INDEX events_of_user ON events (user_id{then_id}) WHERE user_id IS NOT NULL;
CREATE INDEX events_of_type ON events (event_type{then_id});

-- One row.
CREATE TABLE event_sequence (last_id BIGINT NOT NULL);
INSERT INTO event_sequence (last_id) VALUES (0);

-- What clicks have in common, stored once. Found by digest, then compared: a unique index over long texts is larger
-- than the texts, and more than some engines can do. Two rows with the same content do no harm.
CREATE TABLE texts (
    id {id},
    digest BIGINT NOT NULL,
    content TEXT NOT NULL
);

CREATE INDEX texts_by_digest ON texts (digest);

-- Clicks with consecutive event ids, packed: docs/click-storage.md has the bytes of every body here and below.
CREATE TABLE click_blocks (
    first_id {given_id},
    clicks BIGINT NOT NULL,
    body {bytes} NOT NULL
);

-- Where the clicks of a link (kind 0) or of a link's owner (kind 1) are: sorted runs, each of consecutive blocks.
CREATE TABLE click_runs (
    first_id {given_id},
    last_id BIGINT NOT NULL,
    clicks BIGINT NOT NULL
);

CREATE TABLE click_postings (
    run_id BIGINT NOT NULL, -- the first_id of its run
    kind BIGINT NOT NULL,
    first_subject BIGINT NOT NULL,
    first_id BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    body {bytes} NOT NULL,
    PRIMARY KEY (run_id, kind, first_subject, first_id)
){clustered};

-- Counted events of 256 consecutive link ids each: rows of events, and clicks up to click_index.indexed_through.
-- Apart from links: a hot link's clicks must neither rewrite its row nor wait for it.
CREATE TABLE click_totals (
    chunk {given_id},
    body {bytes} NOT NULL
);

-- One row: the last click that is in a run and in the totals. Blocks behind it are the tail.
CREATE TABLE click_index (indexed_through BIGINT NOT NULL);
INSERT INTO click_index (indexed_through) VALUES (0);

-- How far each lane of each click journal has been shipped: moved by the transaction that stores the clicks.
CREATE TABLE journal_positions (
    journal_id TEXT NOT NULL,
    lane BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,
    PRIMARY KEY (journal_id, lane)
);

-- The highest id that a link ever had, which may be higher than that of any link that is left.
CREATE VIEW link_sequence AS {link_sequence};
