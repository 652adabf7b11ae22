package local_test

import (
	"fmt"
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/infra/aws/dynamo"
	"loch/shared/audit"
	"loch/shared/audit/audittest"
	"loch/shared/fault"
)

type ledger struct {
	*dynamo.Ledger
	api *sdk.Client
}

func openLedger(t *testing.T) audit.Store {
	api := account(t, nil)
	return ledger{dynamo.NewLedger(api, options()), api}
}

func reopenLedger(_ *testing.T, s audit.Store) audit.Store {
	api := s.(ledger).api
	return ledger{dynamo.NewLedger(api, options()), api}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	audittest.Run(t, openLedger, reopenLedger)
}

// An export of many people names all of them: more than one item holds.
func TestLargeEntries(t *testing.T) {
	t.Parallel()
	s := openLedger(t)
	people := func(n int) audit.Entry {
		e := audit.Entry{Kind: audit.Export, Person: "p"}
		for i := range n {
			e.IDs = append(e.IDs, fmt.Sprintf("%032x", i))
		}
		return e
	}
	add := func(e audit.Entry) error {
		_, err := s.Append(t.Context(), func(newest audit.Entry) (audit.Entry, error) {
			e.Seq = newest.Seq + 1
			return e, nil
		})
		return err
	}
	sizes := []int{1, 9_000, 11_000, 60_000, 2}
	for _, n := range sizes {
		if err := add(people(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(people(200_000)); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("an entry of 7 MB: %v", err)
	}
	var found []int
	if err := s.Walk(t.Context(), 1, func(e audit.Entry) error {
		found = append(found, len(e.IDs))
		if want := people(len(e.IDs)); !slices.Equal(e.IDs, want.IDs) {
			t.Errorf("entry %d names others", e.Seq)
		}
		return nil
	}); err != nil || !slices.Equal(found, sizes) {
		t.Errorf("found %v, %v", found, err)
	}
}
