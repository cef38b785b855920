// Package store keeps everything that tend knows in one SQLite file: definitions, states, runs and history. All SQL of
// tend is here.
//
// # The file
//
// Table process is the table of the 2008 script: its seven columns keep their names, types and meaning, so the script's
// own queries and a plain sqlite3 go on working, and a row that they insert is a whole definition. tend adds the column
// settings and the tables state, run and event. Times are text, UTC, always with nine decimals, so that they sort.
// The schema uses nothing that SQLite 3.7 does not know: old hosts have old sqlite3 commands.
//
// PRAGMA application_id tells that a database is tend's, PRAGMA user_version which migration it has seen: both are
// in the header of the file, so a look at an up-to-date database costs two reads of one page. A release that adds a
// setting adds a migration, even an empty one: an older tend must refuse what it would otherwise silently drop.
//
// # Who writes what
//
// Definitions are written by whoever runs a command (Add, Change, Remove, Initialize), each with a commit that survives
// a power failure. All the rest is written by the supervisor, through Commit.
//
// # The trap
//
// POSIX locks belong to a process and a file: closing any descriptor of the database file drops the locks of SQLite in
// this process. So nothing here, nor anywhere in tend, opens the database file except the driver; it is only ever
// stat'ed, and created where it was not.
package store
