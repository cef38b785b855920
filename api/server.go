package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"tend"
)

// Server is the supervisor's door: the socket and who answers at it. It can be closed and opened again.
type Server struct {
	socket   string
	http     *http.Server
	listener net.Listener
	file     os.FileInfo // the socket's, as it was made; nil while the door is closed
}

// NewServer returns a server that answers for the supervisor once it is opened.
func NewServer(socket string, s Supervisor) *Server {
	mux := handler(s)
	return &Server{socket: socket, http: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.Visit()()
		mux.ServeHTTP(w, r)
	})}}
}

// Open lets clients in, also where the socket of a door that is open has been removed.
func (v *Server) Open() error {
	v.closeDoor()
	listener, err := Listen(v.socket)
	if err != nil {
		return err
	}
	v.listener = listener
	if v.file, err = os.Lstat(v.socket); err != nil {
		listener.Close()
		return fmt.Errorf("making the socket: %w", err)
	}
	go func() {
		if err := v.http.Serve(listener); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			log.Printf("answering clients: %v", err)
		}
	}()
	return nil
}

// Close lets nobody in any more. Requests that are being answered go on.
func (v *Server) Close() {
	if err := os.Remove(v.socket); err != nil && !os.IsNotExist(err) {
		log.Printf("removing the socket: %v", err)
	}
	v.closeDoor()
}

func (v *Server) closeDoor() {
	v.file = nil
	if v.listener != nil {
		v.listener.Close()
	}
}

// InPlace reports whether the socket is still where clients look for it, if it is to be there at all.
func (v *Server) InPlace() bool {
	now, err := os.Lstat(v.socket)
	return v.file == nil || err == nil && os.SameFile(now, v.file)
}

// HandOver closes the door for good and leaves the socket's file to the next supervisor, which puts its own in its place.
// Until then it refuses connections, so that whoever looks for a supervisor does not take us for one. Who waits for an answer
// is cut off, and asks the next one: we may live on for a while, to see to it that there is one.
func (v *Server) HandOver() {
	v.closeDoor()
	v.http.Close()
}

// handler answers each request.
func handler(s Supervisor) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/services", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		services, err := s.Statuses(r.Context(), tend.Query{Words: query["name"], Brief: query.Has("brief")})
		if err != nil {
			answerError(w, err)
			return
		}
		answer(w, http.StatusOK, List{Version: Version, Services: services})
	})
	mux.HandleFunc("POST /v1/do", func(w http.ResponseWriter, r *http.Request) {
		var request tend.Request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&request); err != nil {
			answerError(w, tend.Errorf(tend.CodeUsage, "reading the request: %w", err))
			return
		}
		stream(w, func(send func(line)) error {
			return s.Do(r.Context(), request, func(p tend.Progress) { send(line{Progress: &p}) })
		})
	})
	mux.HandleFunc("POST /v1/changed", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Changed(r.Context()); err != nil {
			answerError(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// stream answers with one JSON line a piece of news, each sent at once, and a last one that says how it ended.
func stream(w http.ResponseWriter, work func(send func(line)) error) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder, flush := json.NewEncoder(w), http.NewResponseController(w).Flush
	send := func(l line) {
		if encoder.Encode(l) == nil {
			_ = flush() // a client that has gone is none of the work's concern
		}
	}
	if err := work(send); err != nil {
		send(line{Error: tend.AsError(err)})
		return
	}
	send(line{Done: true})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is none of ours
}

func answerError(w http.ResponseWriter, err error) {
	e := tend.AsError(err)
	status, ok := httpStatus[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	answer(w, status, line{Error: e})
}
