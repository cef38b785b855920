package tend_test

import (
	"testing"

	"tend"
)

// TestOptionAreas: each option is in one area.
func TestOptionAreas(t *testing.T) {
	in := map[string]string{}
	for _, area := range tend.OptionAreas() {
		for _, key := range area.Keys {
			if in[key] != "" {
				t.Errorf("%s is in %q and in %q", key, in[key], area.Title)
			}
			if in[key] = area.Title; tend.FindOption(key) == nil {
				t.Errorf("%s, in %q, is no option", key, area.Title)
			}
		}
	}
	for _, o := range tend.Options {
		if in[o.Key] == "" {
			t.Errorf("%s is in no area", o.Key)
		}
	}
}
