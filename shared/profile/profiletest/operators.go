package profiletest

import (
	"testing"

	"loch/shared/profile"
)

// operatorCase is a story of one profile: updates one after the other, then
// what it holds. A refused update names the operator that did not fit.
type operatorCase struct {
	says    string
	updates []string
	refused string // the operator of the last update's refusal
	holds   string // "" with gone: no profile at all
	gone    bool
}

var operatorCases = []operatorCase{
	// $set
	{says: "$set creates the profile", updates: []string{`$set plan "free"`}, holds: `plan "free"`},
	{says: "$set overwrites", updates: []string{`$set plan "free"`, `$set plan "pro"`}, holds: `plan "pro"`},
	{says: "$set may change a type", updates: []string{`$set plan "free"`, `$set plan {"tier":3}`}, holds: `plan {"tier":3}`},
	{says: "$set keeps what it does not name", updates: []string{`$set plan "free"; $set age 30`, `$set age 31`}, holds: `plan "free"; age 31`},
	{says: "an update without operators creates an empty profile", updates: []string{``}, holds: ``},
	{says: "numbers keep their digits", updates: []string{`$set a 9007199254740993; $set b 0.10; $set c 1E+2; $set d -0; $set e 123456789012345678901234567890.5`},
		holds: `a 9007199254740993; b 0.10; c 1E+2; d -0; e 123456789012345678901234567890.5`},
	{says: "text keeps its spelling", updates: []string{`$set a "caf\u00e9 ☕"; $set b ""; $set c "2026-11-23T12:00:00"`},
		holds: `a "caf\u00e9 ☕"; b ""; c "2026-11-23T12:00:00"`},
	{says: "nested values are kept as they were sent", updates: []string{`$set a {"z":1,"a":[1,{"b":null}],"z":2}; $set b [true,false,null]`},
		holds: `a {"z":1,"a":[1,{"b":null}],"z":2}; b [true,false,null]`},
	{says: "names may be anything", updates: []string{`$set $email "a@example.com"; $set Größe 180; $set a.b[0] 1`},
		holds: `$email "a@example.com"; Größe 180; a.b[0] 1`},

	// $set_once
	{says: "$set_once sets what is absent", updates: []string{`$set_once source "ad"`}, holds: `source "ad"`},
	{says: "$set_once leaves what is there", updates: []string{`$set_once source "ad"`, `$set_once source "mail"`}, holds: `source "ad"`},
	{says: "$set_once leaves a null, so that a later campaign does not mix into the first one",
		updates: []string{`$set_once initial_utm_source "ad"; $set_once initial_utm_term null`, `$set_once initial_utm_source "mail"; $set_once initial_utm_term "boots"`},
		holds:   `initial_utm_source "ad"; initial_utm_term null`},
	{says: "$set_once sets again after $unset", updates: []string{`$set source "ad"`, `$unset source`, `$set_once source "mail"`}, holds: `source "mail"`},
	{says: "$set overwrites what $set_once set", updates: []string{`$set_once source "ad"`, `$set source "mail"`}, holds: `source "mail"`},

	// $add
	{says: "$add counts an absent trait as 0", updates: []string{`$add visits 5`}, holds: `visits 5`},
	{says: "$add adds", updates: []string{`$add visits 5`, `$add visits 2`}, holds: `visits 7`},
	{says: "$add takes away", updates: []string{`$set credit 5`, `$add credit -7`}, holds: `credit -2`},
	{says: "$add of 0 changes nothing", updates: []string{`$set credit 5`, `$add credit 0`}, holds: `credit 5`},
	{says: "$add of a first decimal keeps its digits", updates: []string{`$add paid 1.50`}, holds: `paid 1.50`},
	{says: "$add of decimals does not drift", updates: []string{`$set paid 0.1`, `$add paid 0.2`}, holds: `paid 0.3`},
	{says: "$add of decimals that make a whole", updates: []string{`$set paid 0.75`, `$add paid 0.25`}, holds: `paid 1`},
	{says: "$add of a decimal and an integer", updates: []string{`$set paid 20`, `$add paid -0.01`}, holds: `paid 19.99`},
	{says: "$add is exact beyond 2^53", updates: []string{`$set n 9007199254740992`, `$add n 1`}, holds: `n 9007199254740993`},
	{says: "$add is exact beyond 2^63", updates: []string{`$set n 9223372036854775807`, `$add n 1`}, holds: `n 9223372036854775808`},
	{says: "$add is exact at 30 digits", updates: []string{`$set n 999999999999999999999999999999`, `$add n 1`}, holds: `n 1000000000000000000000000000000`},
	{says: "$add to nothing but nines below the point", updates: []string{`$set n 0.999999999999999999`, `$add n 0.000000000000000001`}, holds: `n 1`},
	{says: "$add knows exponents", updates: []string{`$set n 1e3`, `$add n 2.5E-1`}, holds: `n 1000.25`},
	{says: "$add of far larger numbers stays short", updates: []string{`$set n 1e300`, `$add n 1e300`}, holds: `n 2e300`},
	{says: "$add to below zero and back", updates: []string{`$set n -1.5`, `$add n 1.5`}, holds: `n 0`},
	{says: "$add to text is refused", updates: []string{`$set n "5"`, `$add n 1`}, refused: "$add", holds: `n "5"`},
	{says: "$add to null is refused", updates: []string{`$set n null`, `$add n 1`}, refused: "$add", holds: `n null`},
	{says: "$add to a list is refused", updates: []string{`$set n [5]`, `$add n 1`}, refused: "$add", holds: `n [5]`},
	{says: "$add of text is refused", updates: []string{`$set n 5`, `$add n "1"`}, refused: "$add", holds: `n 5`},
	{says: "$add of true is refused", updates: []string{`$add n true`}, refused: "$add", gone: true},
	{says: "$add of numbers too far apart to be exact is refused", updates: []string{`$set n 1e5000`, `$add n 1`}, refused: "$add", holds: `n 1e5000`},

	// $append
	{says: "$append makes a list of one", updates: []string{`$append bought "hat"`}, holds: `bought ["hat"]`},
	{says: "$append adds to the end", updates: []string{`$append bought "hat"`, `$append bought "tie"`}, holds: `bought ["hat","tie"]`},
	{says: "$append keeps duplicates", updates: []string{`$append bought "hat"`, `$append bought "hat"`}, holds: `bought ["hat","hat"]`},
	{says: "$append of a list adds one item, the list", updates: []string{`$set a [1]`, `$append a [2,3]`}, holds: `a [1,[2,3]]`},
	{says: "$append to an empty list", updates: []string{`$set a [ ]`, `$append a 1`}, holds: `a [1]`},
	{says: "$append of a transaction keeps its digits", updates: []string{`$append $transactions {"$amount":9.90,"$time":"2026-11-23T12:00:00"}`},
		holds: `$transactions [{"$amount":9.90,"$time":"2026-11-23T12:00:00"}]`},
	{says: "$append to text is refused", updates: []string{`$set a "hat"`, `$append a "tie"`}, refused: "$append", holds: `a "hat"`},
	{says: "$append to null is refused", updates: []string{`$set a null`, `$append a "tie"`}, refused: "$append", holds: `a null`},

	// $union
	{says: "$union makes a list", updates: []string{`$union tags ["a","b"]`}, holds: `tags ["a","b"]`},
	{says: "$union adds what is not there yet", updates: []string{`$set tags ["a","b"]`, `$union tags ["b","c"]`}, holds: `tags ["a","b","c"]`},
	{says: "$union takes one value, too", updates: []string{`$set tags ["a"]`, `$union tags "b"`}, holds: `tags ["a","b"]`},
	{says: "$union of a value twice keeps one", updates: []string{`$union tags ["a","a"]`}, holds: `tags ["a"]`},
	{says: "$union leaves duplicates that were there", updates: []string{`$set tags ["a","a"]`, `$union tags "b"`}, holds: `tags ["a","a","b"]`},
	{says: "$union compares by value", updates: []string{`$set tags [1,{"a":1,"b":2},"é"]`, `$union tags [1.0,10e-1,{"b":2.0,"a":1},"\u00e9"]`}, holds: `tags [1,{"a":1,"b":2},"é"]`},
	{says: "$union tells 1 from \"1\", and large integers apart", updates: []string{`$set tags [1,9007199254740992]`, `$union tags ["1",true,9007199254740993]`},
		holds: `tags [1,9007199254740992,"1",true,9007199254740993]`},
	{says: "$union of an empty list makes an empty list", updates: []string{`$union tags []`}, holds: `tags []`},
	{says: "$union with text is refused", updates: []string{`$set tags "a"`, `$union tags ["b"]`}, refused: "$union", holds: `tags "a"`},

	// $remove
	{says: "$remove takes a value out", updates: []string{`$set tags ["a","b"]`, `$remove tags "a"`}, holds: `tags ["b"]`},
	{says: "$remove takes every equal value out", updates: []string{`$set tags ["a","b","a"]`, `$remove tags "a"`}, holds: `tags ["b"]`},
	{says: "$remove of the last value leaves an empty list", updates: []string{`$set tags ["a"]`, `$remove tags "a"`}, holds: `tags []`},
	{says: "$remove of what is not in the list changes nothing", updates: []string{`$set tags [ "a" ]`, `$remove tags "b"`}, holds: `tags [ "a" ]`},
	{says: "$remove compares by value", updates: []string{`$set tags [1.0,2,{"a":1,"b":[2]}]`, `$remove tags 1`, `$remove tags {"b":[2.00],"a":1}`}, holds: `tags [2]`},
	{says: "$remove of null", updates: []string{`$set tags [null,0,""]`, `$remove tags null`}, holds: `tags [0,""]`},
	{says: "$remove from an absent trait changes nothing", updates: []string{`$set a 1`, `$remove tags "a"`}, holds: `a 1`},
	{says: "$remove on nobody creates nobody", updates: []string{`$remove tags "a"`}, gone: true},
	{says: "$remove from text is refused", updates: []string{`$set tags "a"`, `$remove tags "a"`}, refused: "$remove", holds: `tags "a"`},

	// $unset
	{says: "$unset takes a trait away", updates: []string{`$set a 1; $set b 2`, `$unset a`}, holds: `b 2`},
	{says: "$unset of an absent trait changes nothing", updates: []string{`$set a 1`, `$unset b`}, holds: `a 1`},
	{says: "$unset of the last trait leaves an empty profile", updates: []string{`$set a 1`, `$unset a`}, holds: ``},
	{says: "$unset on nobody creates nobody", updates: []string{`$unset a`}, gone: true},

	// $delete
	{says: "$delete takes the profile away", updates: []string{`$set a 1`, `$delete`}, gone: true},
	{says: "$delete of nobody is fine", updates: []string{`$delete`}, gone: true},
	{says: "after $delete a profile starts anew", updates: []string{`$set a 1`, `$delete`, `$set b 2`}, holds: `b 2`},
	{says: "$delete and $set in one update", updates: []string{`$set a 1`, `$delete; $set b 2`}, holds: `b 2`},
	{says: "$set and $delete in one update", updates: []string{`$set a 1; $delete`}, gone: true},

	// Several operators
	{says: "all operators of an update apply, in order",
		updates: []string{`$set a 1; $add a 2; $set_once b "x"; $append c 1; $append c 2; $union c [2,3]; $remove c 1; $set d 0; $unset d`},
		holds:   `a 3; b "x"; c [2,3]`},
	{says: "traits stand in the order in which they were first set", updates: []string{`$set b 1; $set a 2`, `$set c 3; $set b 4`}, holds: `b 4; a 2; c 3`},
	{says: "a trait that was taken away comes back at the end", updates: []string{`$set a 1; $set b 2`, `$unset a; $set a 3`}, holds: `b 2; a 3`},
	{says: "many operators on many traits",
		updates: []string{
			`$set a 1; $set b 2; $set c 3; $set d 4; $set e 5; $set f 6; $set g 7; $set h 8; $set i 9; $set j 10`,
			`$unset a; $add b 1; $unset c; $set a 11; $set_once d 0; $set_once c 12; $add j 1; $unset j; $add j 1; $set e 13; $unset f`,
		},
		holds: `b 3; d 4; e 13; g 7; h 8; i 9; a 11; c 12; j 1`},
	{says: "an operator that does not exist is refused", updates: []string{`$set a 1`, `$unknown a 1`}, refused: "$unknown", holds: `a 1`},
}

func testOperators(t *testing.T, open Opener) {
	s := open(t)
	for i, c := range operatorCases {
		t.Run(c.says, func(t *testing.T) {
			id := "person-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			for j, line := range c.updates {
				u := update(id, line)
				u.Index = j
				refusals := apply(t, s, profile.Changes{Updates: []profile.Update{u}})
				last := j == len(c.updates)-1
				switch {
				case last && c.refused != "":
					if len(refusals) != 1 || refusals[0].Index != j || refusals[0].Field != c.refused || refusals[0].Reason == "" {
						t.Fatalf("%s: refusals %+v, want one of %s with a reason", line, refusals, c.refused)
					}
				case len(refusals) != 0:
					t.Fatalf("%s: refused: %+v", line, refusals)
				}
			}
			if c.gone {
				mustBeUnknown(t, s, home, id)
				return
			}
			mustHold(t, s, id, c.holds)
		})
	}

	// The same stories, each told in a single request.
	s = open(t)
	for i, c := range operatorCases {
		t.Run("in one request/"+c.says, func(t *testing.T) {
			id := "person-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			var updates []profile.Update
			for j, line := range c.updates {
				u := update(id, line)
				u.Index = j
				updates = append(updates, u)
			}
			refusals := apply(t, s, profile.Changes{Updates: updates})
			if c.refused == "" && len(refusals) != 0 || c.refused != "" && len(refusals) != 1 {
				t.Fatalf("refusals: %+v", refusals)
			}
			if c.gone {
				mustBeUnknown(t, s, home, id)
				return
			}
			mustHold(t, s, id, c.holds)
		})
	}
}
