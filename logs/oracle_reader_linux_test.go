package logs

import (
	"context"
	"fmt"
	"io"
)

// An onlooker follows a log from its beginning while it is rotated.
type onlooker struct {
	text []byte
	end  context.CancelFunc
	done chan error
}

func look(ctx context.Context, path string) *onlooker {
	l := &onlooker{done: make(chan error, 1)}
	ctx, l.end = context.WithCancel(ctx)
	go func() {
		s := NewStream(path)
		defer s.Close()
		l.done <- s.Follow(ctx, 0, func(offset int64, text []byte) error {
			if offset != int64(len(l.text)) {
				return fmt.Errorf("it was given the offset %d after %d bytes", offset, len(l.text))
			}
			l.text = append(l.text, text...)
			return nil
		})
	}()
	return l
}

// saw ends the following and compares what was followed.
func (l *onlooker) saw(text []byte) error {
	l.end()
	if err := <-l.done; err != nil {
		return fmt.Errorf("who followed it: %w", err)
	}
	if err := sameBytes(l.text, text); err != nil {
		return fmt.Errorf("who followed it: %w", err)
	}
	return nil
}

// readStream compares what a stream has to give with what it should.
func readStream(path string, want []byte) error {
	s, err := OpenStream(path)
	if err != nil {
		return err
	}
	defer s.Close()
	end, err := s.End()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.NewSectionReader(s, 0, end))
	if err == nil {
		err = sameBytes(text, want)
	}
	if err != nil {
		return fmt.Errorf("who reads its stream: %w", err)
	}
	return nil
}
