-- +goose Up

-- A state may be that of a copy of a service, by the name NAME@1, NAME@2 …, which no row of process has. So the table is made
-- again without a foreign key; what that did, the triggers do.
DROP TRIGGER process_removed;
DROP TRIGGER process_renamed;
CREATE TABLE state_before AS SELECT service, phase, wanted, state, place FROM state;
DROP TABLE state;
CREATE TABLE state (
	service VARCHAR(255) NOT NULL PRIMARY KEY,
	phase TEXT NOT NULL,
	wanted INTEGER NOT NULL,
	state TEXT NOT NULL,
	place TEXT NOT NULL
);
INSERT INTO state SELECT * FROM state_before;
DROP TABLE state_before;

-- A service that comes back must not find an old state, nor must its copies. '@' and 'A' follow each other in ASCII.
-- +goose StatementBegin
CREATE TRIGGER process_removed AFTER DELETE ON process BEGIN
	DELETE FROM state WHERE service = OLD.name;
	DELETE FROM state WHERE service > OLD.name || '@' AND service < OLD.name || 'A' AND rtrim(service, '0123456789') = OLD.name || '@'
		AND service NOT IN (SELECT name FROM process);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER process_renamed AFTER UPDATE OF name ON process WHEN NEW.name <> OLD.name BEGIN
	UPDATE state SET service = NEW.name WHERE service = OLD.name;
	UPDATE state SET service = NEW.name || substr(service, length(OLD.name) + 1)
		WHERE service > OLD.name || '@' AND service < OLD.name || 'A' AND rtrim(service, '0123456789') = OLD.name || '@'
		AND service NOT IN (SELECT name FROM process);
END;
-- +goose StatementEnd
