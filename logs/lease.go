package logs

// writers says what is known of who has a file open for writing.
type writers int

const (
	writersUnknown writers = iota
	writersNone
	writersSome
)
