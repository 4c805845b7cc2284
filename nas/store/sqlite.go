package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// busy is how long, in milliseconds, a statement waits for others' to end.
const busy = 60000

// sqlite is the dialect of SQLite.
type sqlite struct{}

func openSQLite(ctx context.Context, path string, readOnly bool) (*Store, error) {
	q := url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", busy), "foreign_keys(1)"}}
	if readOnly {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s", ErrNoSearch, path)
		}
		q.Set("mode", "ro")
	} else {
		// Readers go on while one writes; what is committed survives a crash of
		// the process, and of the machine too.
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "synchronous(FULL)")
		q.Set("_txlock", "immediate")
	}
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return &Store{db: db, dialect: sqlite{}, readOnly: readOnly}, nil
}

func (sqlite) schema() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS mixnet_search (version INTEGER NOT NULL, search TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS mixnet_trials (
			number INTEGER PRIMARY KEY, arch TEXT NOT NULL, hash TEXT NOT NULL, fidelity INTEGER NOT NULL, seed INTEGER NOT NULL,
			parent INTEGER NOT NULL, state TEXT NOT NULL, worker TEXT NOT NULL, attempts INTEGER NOT NULL,
			lease INTEGER NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL,
			score REAL, error TEXT NOT NULL, info TEXT, UNIQUE (hash, fidelity, seed))`,
		`CREATE TABLE IF NOT EXISTS mixnet_results (trial INTEGER NOT NULL, worker TEXT NOT NULL, score REAL NOT NULL, at INTEGER NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS mixnet_open ON mixnet_trials (state, lease)`,
	}
}

// begin begins a transaction with the write lock.
func (sqlite) begin(ctx context.Context, db *sql.DB, _ bool) (tx, error) { return db.BeginTx(ctx, nil) }

func (sqlite) skipLocked() string { return "" }

func (sqlite) bind(statement string) string { return statement }

func (sqlite) now() string { return "CAST(unixepoch('subsec') * 1000 AS INTEGER)" }
