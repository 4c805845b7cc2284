package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
)

// TestMain lets the test's own program be a worker.
func TestMain(m *testing.M) {
	if target := os.Getenv("MIXNET_TEST_WORKER"); target != "" {
		if err := work(context.Background(), target, fmt.Sprint(os.Getpid())); err != nil && !errors.Is(err, store.ErrDone) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// score is what trials of these tests come to.
func score(a nas.Arch) float64 {
	sum := 0.0
	for i, c := range a {
		sum += float64(c) / float64(i+1)
	}
	return sum
}

// work runs trials until there are no further ones.
func work(ctx context.Context, target, name string) error {
	s, err := store.Open(ctx, target, false)
	if err != nil {
		return err
	}
	defer s.Close()
	search, err := s.Search(ctx)
	if err != nil {
		return err
	}
	space, err := nas.Lookup(search.Space)
	if err != nil {
		return err
	}
	strategy, err := nas.NewStrategy(search.Strategy)
	if err != nil {
		return err
	}
	p := &nas.Problem{Space: space, Seed: search.Seed, Fidelity: search.Fidelity}
	for {
		t, err := s.Claim(ctx, name, 500*time.Millisecond, func(h *nas.History) (nas.Proposal, error) { return strategy.Propose(p, h) })
		if err != nil {
			return err
		}
		if err := s.Finish(ctx, t.Number, name, score(t.Arch), json.RawMessage(`{"seconds":0}`)); err != nil {
			return err
		}
	}
}

// targets are the databases to test: a file, and a PostgreSQL if
// MIXNET_POSTGRES has the address of one where tables may be made.
func targets(t *testing.T) map[string]string {
	all := map[string]string{"sqlite": filepath.Join(t.TempDir(), "search with space.db")}
	if address := os.Getenv("MIXNET_POSTGRES"); address != "" {
		db, err := sql.Open("pgx", address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("DROP TABLE IF EXISTS mixnet_search, mixnet_trials, mixnet_results, mixnet_beside_search, mixnet_beside_trials, mixnet_beside_results"); err != nil {
			t.Fatal(err)
		}
		all["postgres"] = address
	}
	return all
}

// open opens a database and begins a search of the macro space.
func open(t *testing.T, target string, trials int) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), target, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Create(t.Context(), store.Search{Name: "test", Space: "nas-bench-macro", Strategy: "evolution", Seed: 9, Trials: trials, Fidelity: 2}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStates(t *testing.T) {
	for name, target := range targets(t) {
		t.Run(name, func(t *testing.T) {
			s := open(t, target, 3)
			ctx := t.Context()
			if err := s.Create(ctx, store.Search{}); !errors.Is(err, store.ErrExists) {
				t.Errorf("a second search: %v", err)
			}
			number := 0
			propose := func(h *nas.History) (nas.Proposal, error) {
				if len(h.Trials) != number {
					t.Errorf("%d trials known, want %d", len(h.Trials), number)
				}
				number++
				return nas.Proposal{Arch: nas.Arch{uint8(number % 3), 1, 0, 0, 0, 0, 0, 0}, Fidelity: 2, Parent: -1}, nil
			}
			first, err := s.Claim(ctx, "a", time.Hour, propose)
			if err != nil || first.Number != 0 || first.State != store.Running || first.Attempts != 1 {
				t.Fatalf("%+v, %v", first, err)
			}
			second, err := s.Claim(ctx, "b", time.Millisecond, propose)
			if err != nil || second.Number != 1 {
				t.Fatalf("%+v, %v", second, err)
			}
			time.Sleep(5 * time.Millisecond)
			again, err := s.Claim(ctx, "c", time.Hour, propose) // b's lease has run out
			if err != nil || again.Number != 1 || again.Worker != "c" || again.Attempts != 2 {
				t.Fatalf("%+v, %v", again, err)
			}
			if err := s.Renew(ctx, 1, "b", time.Hour); !errors.Is(err, store.ErrTrial) {
				t.Errorf("a lease that was lost: %v", err)
			}
			if err := s.Finish(ctx, 1, "b", 0.25, nil); err != nil { // late, and kept
				t.Error(err)
			}
			if err := s.Finish(ctx, 1, "c", 0.5, nil); err != nil { // the first result stays
				t.Error(err)
			}
			if err := s.Finish(ctx, 7, "c", 0.5, nil); !errors.Is(err, store.ErrTrial) {
				t.Errorf("a trial that is not there: %v", err)
			}
			if err := s.Renew(ctx, 0, "a", time.Hour); err != nil {
				t.Error(err)
			}
			if err := s.Fail(ctx, 0, "a", "the loss is NaN"); err != nil {
				t.Error(err)
			}
			if err := s.Retry(ctx, 1); !errors.Is(err, store.ErrTrial) {
				t.Errorf("a trial that is done, again: %v", err)
			}
			if err := s.Retry(ctx, 0); err != nil {
				t.Error(err)
			}
			back, err := s.Claim(ctx, "d", time.Hour, propose)
			if err != nil || back.Number != 0 || back.Error != "" {
				t.Fatalf("%+v, %v", back, err)
			}
			if err := s.Release(ctx, 0, "d"); err != nil {
				t.Error(err)
			}
			if _, err := s.Claim(ctx, "d", time.Hour, propose); err != nil {
				t.Error(err)
			}
			if _, err := s.Claim(ctx, "e", time.Hour, propose); err != nil {
				t.Error(err)
			}
			if _, err := s.Claim(ctx, "f", time.Hour, propose); !errors.Is(err, store.ErrDone) {
				t.Errorf("a fourth trial of three: %v", err)
			}
			if err := s.Extend(ctx, 4); err != nil {
				t.Error(err)
			}
			if _, err := s.Claim(ctx, "f", time.Hour, func(*nas.History) (nas.Proposal, error) { return nas.Proposal{}, nas.ErrExhausted }); !errors.Is(err, nas.ErrExhausted) {
				t.Errorf("nothing to propose: %v", err)
			}
			view, err := store.Open(ctx, target, true)
			if err != nil {
				t.Fatal(err)
			}
			defer view.Close()
			all, err := view.Trials(ctx)
			if err != nil || len(all) != 3 || all[1].State != store.Done || all[1].Score != 0.25 || all[1].Worker != "b" {
				t.Errorf("%+v, %v", all, err)
			}
			if err := view.Retry(ctx, 0); err == nil {
				t.Error("a viewer changes a trial")
			}
		})
	}
}

// Workers that are killed at random lose and double no trial, and a viewer
// never gets into their way. The next proposal is that of a search that was
// left alone.
func TestKills(t *testing.T) {
	trials, workers, kills := 120, 4, 6
	if os.Getenv("MIXNET_TEST_KILLS") != "" {
		trials, workers, kills = 2000, 8, 60
	}
	for name, target := range targets(t) {
		t.Run(name, func(t *testing.T) {
			s := open(t, target, trials)
			ctx := t.Context()
			done := make(chan struct{})
			var views, wg sync.WaitGroup
			views.Go(func() {
				view, err := store.Open(ctx, target, true)
				if err != nil {
					t.Error(err)
					return
				}
				defer view.Close()
				for {
					select {
					case <-done:
						return
					case <-time.After(20 * time.Millisecond):
					}
					if _, err := view.Trials(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			})
			var mu sync.Mutex
			left := kills
			for i := range workers {
				wg.Go(func() {
					rng := rand.New(rand.NewPCG(1, uint64(i)))
					for {
						var stderr strings.Builder
						cmd := exec.Command(os.Args[0])
						cmd.Env = append(os.Environ(), "MIXNET_TEST_WORKER="+target)
						cmd.Stderr = &stderr
						if err := cmd.Start(); err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						kill := left > 0
						left--
						mu.Unlock()
						if kill {
							time.Sleep(time.Duration(50+rng.IntN(400)) * time.Millisecond)
							_ = cmd.Process.Kill()
						}
						err := cmd.Wait()
						if stderr.Len() > 0 {
							t.Errorf("worker %d: %s", i, stderr.String())
							return
						}
						if err == nil {
							return
						}
					}
				})
			}
			wg.Wait()
			time.Sleep(600 * time.Millisecond) // until leases of the killed have run out
			if err := work(ctx, target, "last"); !errors.Is(err, store.ErrDone) {
				t.Error(err)
			}
			close(done)
			views.Wait()
			all, err := s.Trials(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != trials {
				t.Errorf("%d trials, want %d", len(all), trials)
			}
			seen := map[string]bool{}
			for i, tr := range all {
				if tr.Number != i || tr.State != store.Done || tr.Score != score(tr.Arch) || seen[tr.Hash] {
					t.Fatalf("trial %d: %+v, seen before: %t", i, tr, seen[tr.Hash])
				}
				seen[tr.Hash] = true
			}
			space, err := nas.Lookup("nas-bench-macro")
			if err != nil {
				t.Fatal(err)
			}
			p := &nas.Problem{Space: space, Seed: 9, Fidelity: 2}
			want, err := nas.Evolution{}.Propose(p, store.History(all))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Extend(ctx, trials+1); err != nil {
				t.Fatal(err)
			}
			next, err := s.Claim(ctx, "after", time.Minute, func(h *nas.History) (nas.Proposal, error) { return nas.Evolution{}.Propose(p, h) })
			if err != nil || !slices.Equal(next.Arch, want.Arch) || next.Parent != want.Parent {
				t.Errorf("next is %v, %v, want %v", next.Arch, err, want.Arch)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	if _, err := store.Open(ctx, filepath.Join(dir, "none.db"), true); !errors.Is(err, store.ErrNoSearch) {
		t.Errorf("a viewer of nothing: %v", err)
	}
	if _, err := store.Open(ctx, filepath.Join(dir, "no", "folder.db"), false); err == nil {
		t.Error("a file in a folder that is not there")
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(ctx, text, false); err == nil {
		t.Error("a text as a database")
	}
	path := filepath.Join(dir, "other.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE mixnet_search (version INTEGER, search TEXT); INSERT INTO mixnet_search VALUES (99, '{}')"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(ctx, path, false); !errors.Is(err, store.ErrVersion) {
		t.Errorf("tables of another version: %v", err)
	}
	if _, err := store.Open(ctx, "postgres://user:secret@127.0.0.1:1/nothing", false); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an address that nobody listens at: %v", err)
	}
	s, err := store.Open(ctx, filepath.Join(dir, "empty.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Search(ctx); !errors.Is(err, store.ErrNoSearch) {
		t.Errorf("a database without a search: %v", err)
	}
	if _, err := s.Trials(ctx); !errors.Is(err, store.ErrNoSearch) {
		t.Errorf("trials of no search: %v", err)
	}
}
