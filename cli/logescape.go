package cli

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// screen makes what a service wrote harmless to a terminal: of all that would act instead of show, only colours and tabs
// pass. It remembers the colours of each source, so that they neither reach the next one's lines nor end with the line.
type screen struct {
	colours bool // pass; else they are left out
	carried []byte
}

// maxCarried is how much of colours is remembered, bytes.
const maxCarried = 128

const (
	plainColours = "\x1b[0m"
	markBegin    = "\x1b[7m" // reverse video, which leaves the colours as they are
	markEnd      = "\x1b[27m"
)

// begin writes the colours that a line before has left on.
func (s *screen) begin(to []byte) []byte { return append(to, s.carried...) }

// end turns them off.
func (s *screen) end(to []byte) []byte {
	if len(s.carried) == 0 {
		return to
	}
	return append(to, plainColours...)
}

// show appends the text. The spans, in order, are marked.
func (s *screen) show(to, text []byte, spans [][]int) []byte {
	at := 0
	for _, span := range spans {
		if !s.colours || span[0] == span[1] {
			continue
		}
		to = s.escape(to, text[at:span[0]])
		to = append(to, markBegin...)
		to = s.escape(to, text[span[0]:span[1]])
		to = append(to, markEnd...)
		at = span[1]
	}
	return s.escape(to, text[at:])
}

func (s *screen) escape(to, text []byte) []byte {
	for len(text) > 0 {
		if n := plainPrefix(text); n > 0 {
			to, text = append(to, text[:n]...), text[n:]
			continue
		}
		if n := colourPrefix(text); n > 0 {
			if s.colours {
				to = append(to, text[:n]...)
				s.carry(text[:n])
			}
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		if acts(r) || r == utf8.RuneError && size == 1 {
			to = appendEscaped(to, text[:size], r)
		} else {
			to = append(to, text[:size]...)
		}
		text = text[size:]
	}
	return to
}

// carry remembers a colour.
func (s *screen) carry(sequence []byte) {
	parameters := sequence[2 : len(sequence)-1]
	if len(bytes.Trim(parameters, "0;")) == 0 { // everything off
		s.carried = s.carried[:0]
		return
	}
	if len(s.carried)+len(sequence) > maxCarried {
		s.carried = s.carried[:0]
	}
	s.carried = append(s.carried, sequence...)
}

// acts reports whether a terminal does something at the character instead of showing it, or shows what comes after it in
// another place.
func acts(r rune) bool {
	return unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// appendEscaped appends what stands for a character that acts, or for a byte that is none, as in a string of Go.
func appendEscaped(to, text []byte, r rune) []byte {
	if r == utf8.RuneError {
		const digits = "0123456789abcdef"
		return append(to, '\\', 'x', digits[text[0]>>4], digits[text[0]&15])
	}
	quoted := strconv.AppendQuoteRuneToASCII(nil, r)
	return append(to, quoted[1:len(quoted)-1]...)
}

// plainPrefix is how many ASCII characters that show the text begins with.
func plainPrefix(text []byte) int {
	for i, b := range text {
		if (b < ' ' || b > '~') && b != '\t' {
			return i
		}
	}
	return len(text)
}

// colourPrefix is how long the sequence is that sets colours, if the text begins with one: ESC [ numbers m.
func colourPrefix(text []byte) int {
	if !bytes.HasPrefix(text, []byte("\x1b[")) {
		return 0
	}
	for i, b := range text[2:min(len(text), maxCarried/2)] {
		switch {
		case b == 'm':
			return i + 3
		case (b < '0' || b > '9') && b != ';' && b != ':':
			return 0
		}
	}
	return 0
}

// wholeCharacters is how much of an unfinished text can be shown already: not the beginning of a character or of a colour.
func wholeCharacters(text []byte) int {
	n := len(text)
	if i := bytes.LastIndexByte(text, 0x1b); i >= 0 && n-i < maxCarried/2 && colourPrefix(append(text[i:n:n], 'm')) == n-i+1 {
		n = i
	}
	if i := bytes.LastIndexByte(text, 0x1b); i >= 0 && i == n-1 {
		n = i
	}
	for back := 1; back < utf8.UTFMax && back <= n; back++ {
		if b := text[n-back]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(text[n-back:n]) {
				n -= back
			}
			break
		}
	}
	return n
}
