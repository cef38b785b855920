-- +goose Up

-- A run of whose end only is known that it was between ended_after and ended_at.
ALTER TABLE run ADD COLUMN ended_after TEXT;

-- Of an entry about tend itself (service ''): which supervisor began, and what was before it, as JSON.
ALTER TABLE event ADD COLUMN supervision TEXT;

-- Nothing has ever used it. Some databases were made without it.
DROP TABLE IF EXISTS meta;
