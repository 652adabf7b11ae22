package sql

// AttemptsFunction is a function that follows a person through the steps of a funnel,
// for engines that have it (Dialect.FollowsAttempts):
//
//	funnel_attempts(events, steps, exclusions, window, which)
//
// events is a LIST of BIGINT in any order, each the milliseconds of an event since any
// instant, times 2^AttemptBits, plus a bit for what it can be: the lowest for the first
// step and so on, and above the steps' a bit for each exclusion. exclusions is a list of
// two steps for each exclusion, from 1: its event ends an attempt where it happens
// after the instant of the one and before that of the other. window is in milliseconds,
// its end within. An attempt takes of each step the first event from the step before
// on; no event may be of two steps.
//
// The answer is a list of attempts: of each the milliseconds of the steps it got to.
// which is BestAttempt, FirstAttempt or AllAttempts.
const AttemptsFunction = "funnel_attempts"

// AttemptBits is how many bits of an event say what it is.
const AttemptBits = 22

// Which attempts are wanted.
const (
	BestAttempt  = "best"  // the one that got furthest, of these the earliest
	FirstAttempt = "first" // the earliest
	AllAttempts  = "all"   // each that starts after the one before is over: converted, or out of time
)

// Attempts is a call of AttemptsFunction, an aggregate over rows. t is milliseconds
// and not before origin; those of the answer are since origin.
func Attempts(t Expr, origin int64, bits []Expr, steps int, exclusions []Expr, windowMS int64, which string) Expr {
	packed := E("(? - ?) * ?", t, Int(origin), Int(1<<AttemptBits))
	for i, b := range bits {
		packed = E("? + CASE WHEN ? THEN ? ELSE 0 END", packed, b, Int(1<<i))
	}
	ends := E("CAST([] AS BIGINT[])")
	if len(exclusions) > 0 {
		ends = E("[?]", List(exclusions...))
	}
	return E("?(list(?), ?, ?, ?, ?)", E(AttemptsFunction), packed, Int(int64(steps)), ends, Int(windowMS), Text(which))
}
