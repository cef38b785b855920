package tend

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Target is what a command needs to know of a service, or of a copy of one, to tell whether it is meant.
type Target struct {
	Name    string
	Service string // what it is a copy of; "": it is a service by its own name
	Copy    int
	Tags    []string
}

// service is the name of the service.
func (t Target) service() string { return cmp.Or(t.Service, t.Name) }

// label is the name of the copy as people write it, also where there is only one.
func (t Target) label() string { return t.service() + "@" + strconv.Itoa(t.Copy) }

// Select returns the names of the services that the words mean, each once, in the order of the words: an exact name,
// or else a glob pattern (web*; * matches a slash too) or a tag (@shop). The name of a service means all of its copies,
// NAME@1 one of them. With all, every service. A word that means nothing is an error with the nearest name.
func Select(services []Target, words []string, all bool) ([]string, error) {
	var names []string
	if all {
		for _, s := range services {
			names = append(names, s.Name)
		}
		return names, nil
	}
	seen := map[string]bool{}
	for _, word := range words {
		found := meant(services, word)
		if len(found) == 0 {
			return nil, NoSuchService(services, word)
		}
		for _, name := range found {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names, nil
}

func meant(services []Target, word string) []string {
	var found []string
	for _, s := range services {
		if s.service() == word {
			found = append(found, s.Name)
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, s := range services {
		if s.label() == word {
			return []string{s.Name}
		}
	}
	tag, isTag := strings.CutPrefix(word, "@")
	for _, s := range services {
		if matches(word, s.service()) || strings.Contains(word, "@") && matches(word, s.label()) || isTag && slices.Contains(s.Tags, tag) {
			found = append(found, s.Name)
		}
	}
	return found
}

// matches reports whether the word is a pattern that the name fits.
func matches(word, name string) bool {
	ok, _ := path.Match(strings.ReplaceAll(word, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
	return ok && strings.ContainsAny(word, "*?[")
}

// NoSuchService is the error for a word that means no service.
func NoSuchService(services []Target, word string) *Error {
	e := Errorf(CodeNoService, "no such service: %s", word).About(word)
	if strings.HasPrefix(word, "@") {
		e = Errorf(CodeNoService, "no service has the tag %s", word)
	} else if strings.ContainsAny(word, "*?[") {
		e = Errorf(CodeNoService, "no service matches %s", word)
	}
	if word == "all" {
		return e.WithHint("every service is --all")
	}
	if len(services) == 0 {
		return e.WithHint("there is none yet: tend run NAME -- COMMAND")
	}
	var candidates []string
	for _, s := range services {
		if strings.HasPrefix(word, "@") {
			for _, tag := range s.Tags {
				candidates = append(candidates, "@"+tag)
			}
		} else {
			candidates = append(candidates, s.service())
		}
	}
	if near := Nearest(word, candidates); near != "" {
		return e.WithHint("did you mean %s?", near)
	}
	return e.WithHint("tend list")
}

// Nearest returns the candidate that is most like the word, "" if none is like it: one that begins with it, or the one
// that takes the fewest changed, swapped, missing or surplus letters: one in every three of the word's, and never all.
func Nearest(word string, candidates []string) string {
	length := utf8.RuneCountInString(word)
	best, bestDistance := "", min((length+2)/3+1, length)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if word != "" && strings.HasPrefix(c, word) {
			return c
		}
		if d := editDistance(strings.ToLower(word), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance counts the single-letter edits, a swap of neighbours being one, that lead from a to b.
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
