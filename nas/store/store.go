// Package store keeps the trials of an architecture search in a database that
// many processes share: a SQLite file, or PostgreSQL for many machines.
//
// A worker claims a trial for the time of a lease, which it renews while it
// works. A trial whose lease has run out is given to another worker; should the
// first one finish after all, its result is kept. A trial is one architecture
// at one fidelity and seed, and is never there twice.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/nas"
)

// Errors that the package's errors wrap.
var (
	// ErrVersion says that a database was made by another version.
	ErrVersion = errors.New("the search was made by another version of this program")
	// ErrNoSearch says that a database holds no search.
	ErrNoSearch = errors.New("there is no search here")
	// ErrExists says that a database holds a search already.
	ErrExists = errors.New("there is a search here already")
	// ErrDone says that the search has all the trials it asked for; those that
	// run may not have ended.
	ErrDone = errors.New("the search has no further trials")
	// ErrTrial says that there is no such trial, or not in a state to do that.
	ErrTrial = errors.New("no such trial")
)

// version is that of the tables.
const version = 1

// Search is what is searched, and how. It is fixed when a search begins.
type Search struct {
	Name     string `json:"name"`
	Space    string `json:"space"`              // its name, or its TOML
	Strategy string `json:"strategy"`           // see nas.Strategies
	Seed     uint64 `json:"seed"`               // of the proposals
	Trials   int    `json:"trials"`             // how many to run
	Fidelity int    `json:"fidelity,omitempty"` // epochs of a trial
	// Settings are what the command that runs the trials needs to know.
	Settings json.RawMessage `json:"settings,omitempty"`
}

// State is where a trial stands.
type State string

// The states of a trial.
const (
	Waiting State = "waiting" // to be run, again if it ran before
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Trial is one of a search.
type Trial struct {
	Number   int      `json:"number"`
	Arch     nas.Arch `json:"-"`
	Key      string   `json:"arch"` // Arch as text
	Hash     string   `json:"hash"`
	Fidelity int      `json:"fidelity"`
	Seed     uint64   `json:"seed"`
	Parent   int      `json:"parent"` // -1 for none
	State    State    `json:"state"`
	Worker   string   `json:"worker,omitempty"`
	Attempts int      `json:"attempts"` // how often it was claimed

	Lease    time.Time `json:"lease,omitzero"` // until when it is the worker's
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`

	Score float64 `json:"score"`           // of a trial that is done
	Error string  `json:"error,omitempty"` // of one that failed
	// Info is what else is known of the outcome: costs, curves, the run folder.
	Info json.RawMessage `json:"info,omitempty"`
}

// Store is a search in a database. It is safe for concurrent use.
type Store struct {
	db *sql.DB
	dialect
	readOnly bool
	beside   bool // it is the Beside of another
}

// dialect is what differs between databases.
type dialect interface {
	// schema returns the statements that make the tables.
	schema() []string
	// begin begins a transaction. Of those that are alone there is one at a
	// time: they add trials.
	begin(ctx context.Context, db *sql.DB, alone bool) (tx, error)
	// skipLocked ends a SELECT that passes over rows which others are changing,
	// and locks the one that it finds.
	skipLocked() string
	// bind turns the question marks of a statement into the database's.
	bind(statement string) string
	// now is an expression for the time in milliseconds.
	now() string
}

// tx is a transaction. Rollback after Commit does nothing.
type tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	Commit() error
	Rollback() error
}

// Open opens the database of a search: a file, or an address that begins with
// postgres://. With readOnly nothing can be changed, and nobody who changes
// something is held up.
func Open(ctx context.Context, target string, readOnly bool) (*Store, error) {
	open := openSQLite
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		open = openPostgres
	}
	s, err := open(ctx, target, readOnly)
	if err != nil {
		return nil, err
	}
	if err := s.checkVersion(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Beside returns a second search in the same database, with trials of its own,
// that the first is compared with. It is open as long as the first, which is
// the one to close.
func (s *Store) Beside() *Store {
	return &Store{db: s.db, dialect: s.dialect, readOnly: s.readOnly, beside: true}
}

// tables begin with this, and with the other where they are a second search's.
const (
	prefix       = "mixnet_"
	besidePrefix = "mixnet_beside_"
)

// sql returns a statement as the database is to be given it.
func (s *Store) sql(statement string) string {
	if s.beside {
		statement = strings.ReplaceAll(statement, prefix, besidePrefix)
	}
	return s.bind(statement)
}

// checkVersion refuses tables of another version. That there are none yet is no
// error.
func (s *Store) checkVersion(ctx context.Context) error {
	found, err := s.version(ctx)
	if err != nil {
		return err
	}
	if found != 0 && found != version {
		return fmt.Errorf("%w: its tables have version %d, these are %d", ErrVersion, found, version)
	}
	return nil
}

func (s *Store) version(ctx context.Context) (int, error) {
	var v int
	err := s.db.QueryRowContext(ctx, s.sql("SELECT version FROM mixnet_search")).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) || noTable(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("search: %w", err)
	}
	return v, nil
}

// noTable reports whether a statement failed for want of the tables.
func noTable(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "does not exist"))
}

// Create begins a search. It is an error that wraps ErrExists if there is one.
func (s *Store) Create(ctx context.Context, search Search) error {
	text, err := json.Marshal(search)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	return s.change(ctx, true, func(t tx) error {
		for _, statement := range s.schema() {
			if _, err := t.ExecContext(ctx, s.sql(statement)); err != nil {
				return err
			}
		}
		var n int
		if err := t.QueryRowContext(ctx, s.sql("SELECT count(*) FROM mixnet_search")).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrExists
		}
		_, err := t.ExecContext(ctx, s.sql("INSERT INTO mixnet_search (version, search) VALUES (?, ?)"), version, string(text))
		return err
	})
}

// Search returns what is searched.
func (s *Store) Search(ctx context.Context) (Search, error) {
	var text string
	err := s.db.QueryRowContext(ctx, s.sql("SELECT search FROM mixnet_search")).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) || noTable(err) {
		return Search{}, ErrNoSearch
	}
	if err != nil {
		return Search{}, fmt.Errorf("search: %w", err)
	}
	var out Search
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return out, fmt.Errorf("search: %w", err)
	}
	return out, nil
}

// Extend changes how many trials a search is to run.
func (s *Store) Extend(ctx context.Context, trials int) error {
	return s.change(ctx, true, func(t tx) error {
		var text string
		if err := t.QueryRowContext(ctx, s.sql("SELECT search FROM mixnet_search")).Scan(&text); err != nil {
			return err
		}
		var search Search
		if err := json.Unmarshal([]byte(text), &search); err != nil {
			return err
		}
		search.Trials = trials
		changed, err := json.Marshal(search)
		if err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, s.sql("UPDATE mixnet_search SET search = ?"), string(changed))
		return err
	})
}

// change runs f in a transaction.
func (s *Store) change(ctx context.Context, alone bool, f func(tx) error) error {
	if s.readOnly {
		return errors.New("search: opened for reading only")
	}
	t, err := s.begin(ctx, s.db, alone)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = t.Rollback() }() // nothing after Commit
	if err := f(t); err != nil {
		return failed(err)
	}
	if err := t.Commit(); err != nil {
		return failed(err)
	}
	return nil
}

// failed says what a change failed by.
func failed(err error) error {
	if text := err.Error(); strings.Contains(text, "disk is full") || strings.Contains(text, "disk I/O error") {
		return fmt.Errorf("search: the database cannot be written: %w: what was recorded is kept; make room on its disk, and go on", err)
	}
	return fmt.Errorf("search: %w", err)
}
