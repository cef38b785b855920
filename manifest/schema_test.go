package manifest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tend"
	"tend/manifest"
)

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	var b bytes.Buffer
	if err := manifest.Schema(&b); err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("tend.schema.json", document); err != nil {
		return nil, err
	}
	return c.Compile("tend.schema.json")
})

// validate has somebody else's validator, and somebody else's reader of TOML, look at a file.
func validate(t interface{ Fatal(...any) }, text []byte) error {
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	document := map[string]any{}
	if err := toml.Unmarshal(text, &document); err != nil {
		return err
	}
	plain, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

func TestSchemaIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := manifest.Schema(&want); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../docs/tend.schema.json"); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/tend.schema.json is not what the option table says: go generate ./cli (%v)", err)
	}
}

// TestExamples: each example of a tend.toml in the documents is one, by the reader and by the schema.
func TestExamples(t *testing.T) {
	examples := 0
	for _, path := range []string{"../README.md", "../docs/manual.md", "../docs/toml.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllSubmatch(text, -1) {
			examples++
			if _, err := manifest.Read(path, block[1], manifest.Origin{Caller: caller}); err != nil {
				t.Errorf("%s: %v\n%s", path, err, block[1])
			}
			if err := validate(t, block[1]); err != nil {
				t.Errorf("%s: %v\n%s", path, err, block[1])
			}
		}
	}
	if examples == 0 {
		t.Error("there are no examples")
	}
}

// TestSchemaRefuses what the reader refuses because of keys and types.
func TestSchemaRefuses(t *testing.T) {
	for _, text := range []string{
		"x = 1", "[services.web]", "[services.web]\ncommand = 1", "[services.web]\ncommand = 'x'\nnonsense = 1", "[services.web]\ncommand = 'x'\nshell = 'yes'",
		"[services.web]\ncommand = 'x'\ntags = 'a'", "[services.web]\ncommand = 'x'\nenvironment = 1", "[services.web]\ncommand = 'x'\nrestart = true",
		"[services.'a/b']\ncommand = 'x'", "[services.web]\ncommand = 'x'\ncommand_line = 'x'", "[defaults]\ncommand = 'x'", "[services.web]\ncommand = 'x'\numask = '888'",
	} {
		if validate(t, []byte(text)) == nil {
			t.Errorf("the schema takes\n%s", text)
		}
		if _, err := manifest.Read("x", []byte(text), manifest.Origin{Caller: caller}); err == nil {
			t.Errorf("the reader takes\n%s", text)
		}
	}
}

// TestSchemaHasEveryKey, with words for whoever writes one.
func TestSchemaHasEveryKey(t *testing.T) {
	var b bytes.Buffer
	if err := manifest.Schema(&b); err != nil {
		t.Fatal(err)
	}
	for i := range tend.Options {
		if !strings.Contains(b.String(), `"`+tend.Options[i].Key+`": {`) {
			t.Errorf("the schema has no %s", tend.Options[i].Key)
		}
	}
}
