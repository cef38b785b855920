package tend_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"tend"
)

// TestExitStatus is the contract with scripts.
func TestExitStatus(t *testing.T) {
	for code, want := range map[tend.Code]int{
		tend.CodeFailed: 1, tend.CodeUsage: 2, tend.CodeNotRunning: 3, tend.CodeNoService: 4, tend.CodeConflict: 5, tend.CodeBusy: 75,
		tend.CodeInterrupted: 130, "unheard of": 1,
	} {
		err := error(tend.Errorf(code, "it did not work"))
		for range 2 {
			if got := tend.ExitStatus(err); got != want || tend.CodeOf(err) != code {
				t.Errorf("%s: %d, %s", code, got, tend.CodeOf(err))
			}
			err = fmt.Errorf("doing it: %w", err)
		}
	}
	if tend.ExitStatus(nil) != 0 || tend.CodeOf(nil) != "" {
		t.Error("nothing is an error")
	}
	if err := errors.New("other"); tend.ExitStatus(err) != 1 || tend.CodeOf(err) != tend.CodeFailed {
		t.Error("an error of another kind is a failure")
	}
}

func TestError(t *testing.T) {
	plain := tend.Errorf(tend.CodeNoService, "opening %s: %w", "web", fs.ErrNotExist)
	full := plain.WithHint("tend %s", "list").About("web")
	if plain.Error() != "opening web: file does not exist" || full.Error() != "opening web: file does not exist; tend list" {
		t.Errorf("%q, %q", plain, full)
	}
	if !errors.Is(full, fs.ErrNotExist) || full.Service != "web" || full.Code != tend.CodeNoService {
		t.Errorf("%+v", full)
	}
	if got := tend.AsError(fmt.Errorf("doing it: %w", full)); got != full {
		t.Errorf("found in the chain: %+v", got)
	}
	if got := tend.AsError(fs.ErrExist); got.Code != tend.CodeFailed || got.Message != fs.ErrExist.Error() || !errors.Is(got, fs.ErrExist) {
		t.Errorf("made of another error: %+v", got)
	}
	if tend.AsError(nil) != nil {
		t.Error("nothing is an error")
	}
	if plain.Hint != "" || plain.Service != "" {
		t.Error("the original was changed")
	}
}
