package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// postgres is the dialect of PostgreSQL. One database, or schema, holds one
// search.
type postgres struct{}

func openPostgres(ctx context.Context, address string, readOnly bool) (*Store, error) {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return nil, fmt.Errorf("the search's database: %w", redacted(err, address))
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the search's database: %w", redacted(err, address)), db.Close())
	}
	return &Store{db: db, dialect: postgres{}, readOnly: readOnly}, nil
}

// redacted takes the password out of an error's text.
func redacted(err error, address string) error {
	_, rest, ok := strings.Cut(address, "://")
	user, _, at := strings.Cut(rest, "@")
	_, password, has := strings.Cut(user, ":")
	if !ok || !at || !has || password == "" {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), password, "xxxxx"))
}

func (postgres) schema() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS mixnet_search (version INTEGER NOT NULL, search TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS mixnet_trials (
			number BIGINT PRIMARY KEY, arch TEXT NOT NULL, hash TEXT NOT NULL, fidelity BIGINT NOT NULL, seed BIGINT NOT NULL,
			parent BIGINT NOT NULL, state TEXT NOT NULL, worker TEXT NOT NULL, attempts BIGINT NOT NULL,
			lease BIGINT NOT NULL, started BIGINT NOT NULL, finished BIGINT NOT NULL,
			score DOUBLE PRECISION, error TEXT NOT NULL, info TEXT, UNIQUE (hash, fidelity, seed))`,
		`CREATE TABLE IF NOT EXISTS mixnet_results (trial BIGINT NOT NULL, worker TEXT NOT NULL, score DOUBLE PRECISION NOT NULL, at BIGINT NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS mixnet_open ON mixnet_trials (state, lease)`,
	}
}

// lockKey is that of the lock that transactions which may add a trial take.
const lockKey = 0x6d69786e6574

// begin takes a lock of the database for a transaction that is to be alone: a
// proposal depends on every trial before it, so there is one at a time. Others
// do not wait for it.
func (postgres) begin(ctx context.Context, db *sql.DB, alone bool) (tx, error) {
	t, err := db.BeginTx(ctx, nil)
	if err != nil || !alone {
		return t, err
	}
	if _, err := t.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lockKey)); err != nil {
		return nil, errors.Join(err, t.Rollback())
	}
	return t, nil
}

func (postgres) skipLocked() string { return " FOR UPDATE SKIP LOCKED" }

func (postgres) bind(statement string) string {
	var b strings.Builder
	n := 0
	for _, c := range statement {
		if c == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (postgres) now() string { return "(extract(epoch FROM clock_timestamp()) * 1000)::bigint" }
