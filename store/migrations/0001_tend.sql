-- +goose Up

-- The table of the 2008 script, to the letter. Where the script has made the file, the table is there already.
CREATE TABLE IF NOT EXISTS process (
	name VARCHAR(255) NOT NULL, 
	pid INTEGER, 
	command_line VARCHAR(255), 
	working_directory VARCHAR(255), 
	stdin VARCHAR(255), 
	stdout VARCHAR(255), 
	stderr VARCHAR(255), 
	PRIMARY KEY (name)
);

-- JSON of what differs from the defaults.
ALTER TABLE process ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- Where each service stands: phase and wanted for people, state and place (JSON) for tend.
CREATE TABLE state (
	service VARCHAR(255) NOT NULL PRIMARY KEY REFERENCES process(name) ON UPDATE CASCADE ON DELETE CASCADE,
	phase TEXT NOT NULL,
	wanted INTEGER NOT NULL,
	state TEXT NOT NULL,
	place TEXT NOT NULL
);

-- For those who write with sqlite3, where foreign keys are off: a service that comes back must not find an old state.
-- +goose StatementBegin
CREATE TRIGGER process_removed AFTER DELETE ON process BEGIN
	DELETE FROM state WHERE service = OLD.name;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER process_renamed AFTER UPDATE OF name ON process BEGIN
	UPDATE state SET service = NEW.name WHERE service = OLD.name;
END;
-- +goose StatementEnd

-- One row a run. ended_at is NULL while it lives. exit is JSON; exit_code and exit_signal say it for people.
CREATE TABLE run (
	id TEXT NOT NULL PRIMARY KEY,
	service VARCHAR(255) NOT NULL,
	cause TEXT NOT NULL,
	host TEXT NOT NULL,
	boot TEXT NOT NULL,
	namespace INTEGER NOT NULL,
	pid INTEGER,
	start INTEGER,
	started_at TEXT NOT NULL,
	ready_at TEXT,
	ended_at TEXT,
	exit_code INTEGER,
	exit_signal TEXT,
	exit TEXT,
	log_offset INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX run_by_service ON run (service, started_at);
CREATE INDEX run_by_end ON run (ended_at);

-- History, in the order in which it was written.
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	at TEXT NOT NULL,
	service VARCHAR(255) NOT NULL,
	run TEXT,
	kind TEXT NOT NULL,
	text TEXT NOT NULL
);
CREATE INDEX event_by_service ON event (service);

CREATE TABLE meta (
	name TEXT NOT NULL PRIMARY KEY,
	value
);

-- "tend"
PRAGMA application_id = 1952804452;
