// Package manifest reads and writes definitions as files: tend.toml in and out, its JSON Schema, and a Procfile in.
//
// Everything about keys comes from tend.Options: which there are, what type each value has (tend.Kind), and what is allowed,
// which is for the option's own Set to say. So whatever can be an option can be a key.
//
// What is wrong with a file is said with its place, file:line:column, and the key, and as much at once as can be known.
package manifest
