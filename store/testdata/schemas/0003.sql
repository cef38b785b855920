PRAGMA application_id=1952804452;
PRAGMA user_version=3;
CREATE TABLE process (
	name VARCHAR(255) NOT NULL, 
	pid INTEGER, 
	command_line VARCHAR(255), 
	working_directory VARCHAR(255), 
	stdin VARCHAR(255), 
	stdout VARCHAR(255), 
	stderr VARCHAR(255), settings TEXT NOT NULL DEFAULT '{}', 
	PRIMARY KEY (name)
);
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
, ended_after TEXT);
CREATE INDEX run_by_service ON run (service, started_at);
CREATE INDEX run_by_end ON run (ended_at);
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	at TEXT NOT NULL,
	service VARCHAR(255) NOT NULL,
	run TEXT,
	kind TEXT NOT NULL,
	text TEXT NOT NULL
, supervision TEXT);
CREATE INDEX event_by_service ON event (service);
CREATE TABLE state (
	service VARCHAR(255) NOT NULL PRIMARY KEY,
	phase TEXT NOT NULL,
	wanted INTEGER NOT NULL,
	state TEXT NOT NULL,
	place TEXT NOT NULL
);
CREATE TRIGGER process_removed AFTER DELETE ON process BEGIN
	DELETE FROM state WHERE service = OLD.name;
	DELETE FROM state WHERE service > OLD.name || '@' AND service < OLD.name || 'A' AND rtrim(service, '0123456789') = OLD.name || '@'
		AND service NOT IN (SELECT name FROM process);
END;
CREATE TRIGGER process_renamed AFTER UPDATE OF name ON process WHEN NEW.name <> OLD.name BEGIN
	UPDATE state SET service = NEW.name WHERE service = OLD.name;
	UPDATE state SET service = NEW.name || substr(service, length(OLD.name) + 1)
		WHERE service > OLD.name || '@' AND service < OLD.name || 'A' AND rtrim(service, '0123456789') = OLD.name || '@'
		AND service NOT IN (SELECT name FROM process);
END;
INSERT INTO process VALUES('mine',NULL,'sleep 4321','/','/dev/null','/dev/null','/dev/null','{}');
INSERT INTO process VALUES('odd name/with:things',NULL,'sleep 1000','/','/dev/null','/dev/null','/dev/null','{}');
INSERT INTO process VALUES('stale',999999,'sleep 1000','/','/dev/null','/dev/null','/dev/null','{}');
INSERT INTO process VALUES('web',NULL,'sh -c ''echo up; exec sleep 1000''','/tmp','/dev/null','/tmp/script-web.out','/dev/null','{}');
INSERT INTO process VALUES('zero',0,'sleep 1000','/','/dev/null','/dev/null','/dev/null','{}');
