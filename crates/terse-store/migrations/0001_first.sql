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

-- Apart from links: a hot link's clicks must neither rewrite its row nor wait for it. No row means none.
CREATE TABLE link_totals (
    link_id BIGINT NOT NULL PRIMARY KEY REFERENCES links (id) ON DELETE CASCADE,
    clicks BIGINT NOT NULL
);

-- What clicks have in common, stored once. Found by digest, then compared: a unique index over texts of 8 KiB
-- is larger than the texts, and more than some engines can do. Two rows with the same content do no harm.
CREATE TABLE texts (
    id {id},
    digest BIGINT NOT NULL,
    content TEXT NOT NULL
);

CREATE INDEX texts_by_digest ON texts (digest);

-- A log: no foreign keys, for what it names may be gone. Shipped clicks have the four texts instead of details.
CREATE TABLE events (
    id {id},
    link_id BIGINT NOT NULL,
    user_id BIGINT,
    event_type TEXT NOT NULL,
    is_counted BOOLEAN NOT NULL, -- whether it adds to its link's total: a click, and not a bot's
    at BIGINT NOT NULL,
    details TEXT,
    code_text BIGINT,
    target_text BIGINT,
    referrer_text BIGINT,
    agent_text BIGINT
);

-- Nearly all events are clicks, so a click pays for two indices at most.
CREATE INDEX events_of_link ON events (link_id{then_id});
CREATE INDEX events_of_user ON events (user_id{then_id}) WHERE user_id IS NOT NULL;
CREATE INDEX events_of_type ON events (event_type{then_id}) WHERE event_type <> 'click';
CREATE INDEX events_of_link_and_type ON events (link_id, event_type{then_id}) WHERE event_type <> 'click';

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
