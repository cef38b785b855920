package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"tend"
)

// A NULL among the script's columns means what "" means in a definition; in working_directory it means /, the one
// directory that is there for certain and does not depend on who reads the row.
const selectServices = "SELECT name, command_line, working_directory, stdin, stdout, stderr, settings FROM process"

// Services returns all definitions, by name. One that cannot be read has Broken set and no settings: a bad row must not
// hide the good ones.
func (s *Store) Services(ctx context.Context) (services []tend.Service, err error) {
	err = s.read(ctx, "reading the services", func(ctx context.Context) (err error) {
		services, err = s.services(ctx)
		return err
	})
	return services, err
}

// services does it. The caller owns conn.
func (s *Store) services(ctx context.Context) (services []tend.Service, err error) {
	err = s.each(ctx, selectServices+" ORDER BY name", nil, func(scan func(...any) error) error {
		service, err := s.scanService(scan)
		if errors.As(err, &service.Broken) {
			service.Settings, err = tend.Settings{}, nil
		}
		services = append(services, service)
		return err
	})
	if err != nil {
		return nil, err
	}
	return services, nil
}

// Service returns one definition; tend.CodeNoService if there is none of that name.
func (s *Store) Service(ctx context.Context, name string) (service tend.Service, err error) {
	err = s.read(ctx, "reading the service "+name, func(ctx context.Context) error {
		found := false
		err := s.each(ctx, selectServices+" WHERE name = ?", []any{name}, func(scan func(...any) error) (err error) {
			found = true
			service, err = s.scanService(scan)
			return err
		})
		if err == nil && !found {
			return s.noSuchService(ctx, name)
		}
		return err
	})
	return service, err
}

func (s *Store) scanService(scan func(...any) error) (service tend.Service, err error) {
	var command, directory, stdin, stdout, stderr sql.NullString
	var settings sql.RawBytes
	if err := scan(&service.Name, &command, &directory, &stdin, &stdout, &stderr, &settings); err != nil {
		return service, err
	}
	service.CommandLine, service.WorkingDirectory = command.String, directory.String
	service.Stdin, service.Stdout, service.Stderr = stdin.String, stdout.String, stderr.String
	if service.WorkingDirectory == "" {
		service.WorkingDirectory = "/"
	}
	if service.Settings, err = decodeSettings(settings); err != nil {
		repair := "UPDATE process SET settings = '{}' WHERE name = '" + sqlEscape(service.Name) + "'"
		return service, tend.Errorf(tend.CodeUsage, "the settings of %s in the database %s are not valid: %w", service.Name, s.path, err).
			About(service.Name).WithHint("set them back to the defaults: sqlite3 %s", quote(s.path)+" "+quote(repair))
	}
	return service, nil
}

// decodeSettings reads the JSON of settings. A key that is not known is an error: it would be lost at the next change.
func decodeSettings(text []byte) (settings tend.Settings, err error) {
	if len(text) == 0 || string(text) == "{}" {
		return settings, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&settings)
	return settings, err
}

// Add adds a service; tend.CodeConflict if there is one of that name.
func (s *Store) Add(ctx context.Context, service tend.Service) error {
	return s.write(ctx, "adding "+service.Name, true, func(ctx context.Context) error { return s.add(ctx, service) })
}

func (s *Store) add(ctx context.Context, service tend.Service) error {
	err := s.define(ctx, `INSERT INTO process (command_line, working_directory, stdin, stdout, stderr, settings, name)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, service, nil)
	if isTaken(err) {
		return taken(service.Name)
	}
	return err
}

func taken(name string) error {
	return tend.Errorf(tend.CodeConflict, "there is a service %s already", name).About(name).
		WithHint("choose another name, or remove it first: tend remove %s", quote(name))
}

// Change replaces the definition of a service; tend.CodeNoService if there is none of that name.
func (s *Store) Change(ctx context.Context, service tend.Service) error {
	return s.write(ctx, "changing "+service.Name, true, func(ctx context.Context) error { return s.change(ctx, service) })
}

func (s *Store) change(ctx context.Context, service tend.Service) error {
	var changed int64
	err := s.define(ctx, `UPDATE process SET command_line = ?, working_directory = ?, stdin = ?, stdout = ?, stderr = ?, settings = ?
		WHERE name = ?`, service, &changed)
	if err == nil && changed == 0 {
		return s.noSuchService(ctx, service.Name)
	}
	return err
}

func (s *Store) define(ctx context.Context, query string, service tend.Service, rows *int64) error {
	settings, err := json.Marshal(service.Settings)
	if err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	result, err := s.run(ctx, query, service.CommandLine, nullable(service.WorkingDirectory), nullable(service.Stdin),
		nullable(service.Stdout), nullable(service.Stderr), string(settings), service.Name)
	if err == nil && rows != nil {
		*rows, err = result.RowsAffected()
	}
	return err
}

// Remove removes services and their states, all or none of them; their runs and history stay.
func (s *Store) Remove(ctx context.Context, names ...string) error {
	return s.write(ctx, "removing services", true, func(ctx context.Context) error {
		for _, name := range names {
			n, err := s.number(ctx, "SELECT count(*) FROM process WHERE name = ?", name)
			if err != nil {
				return err
			}
			if n == 0 {
				return s.noSuchService(ctx, name)
			}
		}
		for _, name := range names {
			if err := s.exec(ctx, deleteService, name); err != nil {
				return err
			}
		}
		return nil
	})
}

const deleteService = "DELETE FROM process WHERE name = ?"

// noSuchService is the error for a name that there is not.
func (s *Store) noSuchService(ctx context.Context, name string) error {
	var targets []tend.Target
	err := s.each(ctx, "SELECT name FROM process ORDER BY name", nil, func(scan func(...any) error) error {
		var t tend.Target
		err := scan(&t.Name)
		targets = append(targets, t)
		return err
	})
	if err != nil {
		return err
	}
	return tend.NoSuchService(targets, name)
}
