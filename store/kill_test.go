package store
var helpers = map[string]func([]string) error{}
