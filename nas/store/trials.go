package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet/nas"
)

const columns = "number, arch, hash, fidelity, seed, parent, state, worker, attempts, lease, started, finished, score, error, info"

// scan reads a row of columns.
func scan(row interface{ Scan(...any) error }) (Trial, error) {
	var t Trial
	var seed, lease, started, finished int64
	var score sql.NullFloat64
	var info sql.NullString
	err := row.Scan(&t.Number, &t.Key, &t.Hash, &t.Fidelity, &seed, &t.Parent, &t.State, &t.Worker, &t.Attempts,
		&lease, &started, &finished, &score, &t.Error, &info)
	if err != nil {
		return t, err
	}
	t.Seed, t.Score = uint64(seed), score.Float64
	t.Lease, t.Started, t.Finished = at(lease), at(started), at(finished)
	if info.String != "" {
		t.Info = json.RawMessage(info.String)
	}
	t.Arch, err = nas.ReadArch(t.Key)
	return t, err
}

// at is the time of a number of milliseconds; 0 is no time.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (s *Store) trials(ctx context.Context, q querier) ([]Trial, error) {
	rows, err := q.QueryContext(ctx, s.sql("SELECT "+columns+" FROM mixnet_trials ORDER BY number"))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Trial
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// Trials returns all trials in the order of their numbers.
func (s *Store) Trials(ctx context.Context) ([]Trial, error) {
	all, err := s.trials(ctx, s.db)
	if noTable(err) {
		return nil, ErrNoSearch
	}
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return all, nil
}

// History returns trials as strategies see them.
func History(all []Trial) *nas.History {
	h := &nas.History{}
	for _, t := range all {
		h.Add(nas.Trial{
			Number: t.Number, Arch: t.Arch, Fidelity: t.Fidelity, Parent: t.Parent,
			Done: t.State == Done || t.State == Failed, Failed: t.State == Failed, Score: t.Score,
		})
	}
	return h
}

// Claim gives a worker a trial for the time of a lease: one that waits, one
// whose lease has run out, or else a further one that propose makes of the
// trials so far. It is ErrDone when the search has as many as it asks for, and
// whatever error propose returns.
func (s *Store) Claim(ctx context.Context, worker string, lease time.Duration, propose func(*nas.History) (nas.Proposal, error)) (Trial, error) {
	claimed, err := s.claim(ctx, false, worker, lease, func(context.Context, tx) (Trial, error) { return Trial{}, sql.ErrNoRows })
	if !errors.Is(err, sql.ErrNoRows) {
		return claimed, err
	}
	return s.claim(ctx, true, worker, lease, func(ctx context.Context, t tx) (Trial, error) { return s.further(ctx, t, propose) })
}

// claim gives a worker a trial that nobody works on, or else the one that make
// returns.
func (s *Store) claim(ctx context.Context, alone bool, worker string, lease time.Duration, make func(context.Context, tx) (Trial, error)) (claimed Trial, err error) {
	err = s.change(ctx, alone, func(t tx) error {
		row := t.QueryRowContext(ctx, s.sql("SELECT "+columns+" FROM mixnet_trials WHERE state = ? OR state = ? AND lease < "+s.now()+" ORDER BY number LIMIT 1"+s.skipLocked()), Waiting, Running)
		next, err := scan(row)
		if errors.Is(err, sql.ErrNoRows) {
			next, err = make(ctx, t)
		}
		if err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, s.sql("UPDATE mixnet_trials SET state = ?, worker = ?, attempts = attempts + 1, started = "+s.now()+", lease = "+s.now()+" + ? WHERE number = ?"),
			Running, worker, lease.Milliseconds(), next.Number); err != nil {
			return err
		}
		claimed, err = scan(t.QueryRowContext(ctx, s.sql("SELECT "+columns+" FROM mixnet_trials WHERE number = ?"), next.Number))
		return err
	})
	return claimed, err
}

// further adds the trial that propose makes.
func (s *Store) further(ctx context.Context, t tx, propose func(*nas.History) (nas.Proposal, error)) (Trial, error) {
	var search Search
	var text string
	if err := t.QueryRowContext(ctx, s.sql("SELECT search FROM mixnet_search")).Scan(&text); err != nil {
		return Trial{}, err
	}
	if err := json.Unmarshal([]byte(text), &search); err != nil {
		return Trial{}, err
	}
	all, err := s.trials(ctx, t)
	if err != nil {
		return Trial{}, err
	}
	if len(all) >= search.Trials {
		return Trial{}, ErrDone
	}
	p, err := propose(History(all))
	if err != nil {
		return Trial{}, err
	}
	next := Trial{Number: len(all), Key: p.Arch.String(), Hash: nas.HashText(search.Space, p.Arch), Fidelity: p.Fidelity, Seed: search.Seed, Parent: p.Parent}
	_, err = t.ExecContext(ctx, s.sql("INSERT INTO mixnet_trials (number, arch, hash, fidelity, seed, parent, state, worker, attempts, lease, started, finished, error) VALUES (?, ?, ?, ?, ?, ?, ?, '', 0, 0, 0, 0, '')"),
		next.Number, next.Key, next.Hash, next.Fidelity, int64(next.Seed), next.Parent, Waiting)
	return next, err
}

// Renew prolongs a worker's lease. It is an error that wraps ErrTrial if the
// trial is no longer the worker's, which may finish it all the same.
func (s *Store) Renew(ctx context.Context, number int, worker string, lease time.Duration) error {
	return s.change(ctx, false, func(t tx) error {
		r, err := t.ExecContext(ctx, s.sql("UPDATE mixnet_trials SET lease = "+s.now()+" + ? WHERE number = ? AND worker = ? AND state = ?"), lease.Milliseconds(), number, worker, Running)
		return one(r, err, number)
	})
}

// Finish records a trial's outcome. Every result is kept; the first one of a
// trial is its score, also if the lease had run out.
func (s *Store) Finish(ctx context.Context, number int, worker string, score float64, info json.RawMessage) error {
	return s.change(ctx, false, func(t tx) error {
		if _, err := t.ExecContext(ctx, s.sql("INSERT INTO mixnet_results (trial, worker, score, at) VALUES (?, ?, ?, "+s.now()+")"), number, worker, score); err != nil {
			return err
		}
		var state State
		if err := t.QueryRowContext(ctx, s.sql("SELECT state FROM mixnet_trials WHERE number = ?"), number).Scan(&state); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				err = fmt.Errorf("%w: %d", ErrTrial, number)
			}
			return err
		}
		if state == Done {
			return nil
		}
		_, err := t.ExecContext(ctx, s.sql("UPDATE mixnet_trials SET state = ?, worker = ?, score = ?, info = ?, error = '', finished = "+s.now()+" WHERE number = ?"),
			Done, worker, score, string(info), number)
		return err
	})
}

// Fail records that a trial has no outcome, and why.
func (s *Store) Fail(ctx context.Context, number int, worker, why string) error {
	return s.change(ctx, false, func(t tx) error {
		r, err := t.ExecContext(ctx, s.sql("UPDATE mixnet_trials SET state = ?, error = ?, finished = "+s.now()+" WHERE number = ? AND worker = ? AND state = ?"), Failed, why, number, worker, Running)
		return one(r, err, number)
	})
}

// Release gives a trial back that a worker was stopped at.
func (s *Store) Release(ctx context.Context, number int, worker string) error {
	return s.change(ctx, false, func(t tx) error {
		r, err := t.ExecContext(ctx, s.sql("UPDATE mixnet_trials SET state = ?, worker = '', lease = 0 WHERE number = ? AND worker = ? AND state = ?"), Waiting, number, worker, Running)
		return one(r, err, number)
	})
}

// Retry lets a failed trial run again.
func (s *Store) Retry(ctx context.Context, number int) error {
	return s.change(ctx, false, func(t tx) error {
		r, err := t.ExecContext(ctx, s.sql("UPDATE mixnet_trials SET state = ?, worker = '', lease = 0, error = '' WHERE number = ? AND state = ?"), Waiting, number, Failed)
		return one(r, err, number)
	})
}

// one is ErrTrial where a statement changed nothing.
func one(r sql.Result, err error, number int) error {
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return fmt.Errorf("%w: %d", ErrTrial, number)
	}
	return nil
}
