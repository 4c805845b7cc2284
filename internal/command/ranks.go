package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mixnet-go/mixnet/internal/launch"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/train"
)

// Program is what is particular to one of the programs that have this command
// line.
type Program struct {
	// Name is that of its folder in cmd.
	Name string
	// Module is the path of its module.
	Module string
	// Join meets the processes that a launcher has started with this one; nil if
	// the program works alone.
	Join func() (Ranks, error)
	// MPI says what Join would use; nil likewise.
	MPI func() MPI
	// Exit ends the process; nil for os.Exit.
	Exit func(code int)

	// trial scores a network of a search in place of a training, in tests.
	trial func(context.Context, store.Trial) (search.Outcome, error)
}

// Ranks are the processes of a job.
type Ranks interface {
	train.Ranks
	// Close waits for the other ranks to do the same and ends the job. It
	// returns an error if they have not after some time; 0 waits for ever.
	Close(patience time.Duration) error
	// Abort ends all ranks with an exit code, if it can.
	Abort(code int)
}

// MPI is the library that ranks talk through.
type MPI struct {
	Library string `json:"library"` // its file
	Version string `json:"version"`
	ABI     string `json:"abi"`
	// Launcher is what has started this process, Ranks how many of them; "" and 1
	// for a process by itself.
	Launcher string `json:"launcher"`
	Ranks    int    `json:"ranks"`
	Problem  string `json:"problem,omitempty"`
}

// join makes this process one of those that the launcher has started, if there
// is one. All but the first have nothing to say but what went wrong.
func (e *env) join() error {
	l := launch.Detect()
	if l.Size < 2 || e.ranks != nil {
		return nil
	}
	if l.Rank > 0 {
		e.stdout = io.Discard
		e.follower = fmt.Sprintf("rank %d: ", l.Rank)
	}
	if e.of.Join == nil {
		return fmt.Errorf("%s has started %d of these processes, each of which would train by itself: mixnet-x makes them train together", l.By, l.Size)
	}
	var err error
	e.ranks, err = e.of.Join()
	return err
}

// leads reports whether this process is to show and write what comes out.
func (e *env) leads() bool { return e.follower == "" }

// alone refuses work that ranks do not share.
func (e *env) alone(what string) error {
	if e.ranks != nil {
		return usagef("%s is the work of one process: leave out mpirun", what)
	}
	return nil
}

// shared returns the ranks that train together; nil for this process alone.
func (e *env) shared() train.Ranks {
	if e.ranks == nil {
		return nil
	}
	return e.ranks
}

// computing says what the work is done by.
func (e *env) computing() string {
	if e.ranks == nil {
		return fmt.Sprintf("%d threads", e.cores())
	}
	return fmt.Sprintf("%d ranks of %s", e.ranks.Size(), plural(e.cores(), "thread"))
}

// launched writes a command line that is to be run by as many processes.
func (e *env) launched(args ...string) string {
	if e.ranks == nil {
		return e.command(args...)
	}
	return fmt.Sprintf("mpirun -n %d %s", e.ranks.Size(), e.command(args...))
}

// firstTells is how long other ranks wait with an error that the first may have
// as well: it ends them then.
const firstTells = time.Second

// leavePatience is how long a rank that was interrupted waits for the others.
const leavePatience = 10 * time.Second

// leave ends this process's part in a job, after a command that returned err.
// The first one's exit code is that of the job.
func (e *env) leave(err error, code int) int {
	if e.ranks == nil {
		return code
	}
	patience := time.Duration(0)
	switch {
	case err == nil || train.Agreed(err):
	case errors.Is(err, context.Canceled):
		patience = leavePatience
	default:
		time.Sleep(firstTells / 4) // for the launcher to pass on what was said
		e.ranks.Abort(code)
		return code
	}
	if err := e.ranks.Close(patience); err != nil {
		e.failure(err)
		code = max(code, exitFailure)
		e.ranks.Abort(code)
		return code
	}
	if !e.leads() {
		return exitOK
	}
	return code
}
