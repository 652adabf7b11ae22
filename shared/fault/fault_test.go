package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"loch/shared/fault"
)

// A cause is there for errors.Is and never in the words.
func TestTheCauseStaysInside(t *testing.T) {
	err := fmt.Errorf("while reading: %w", fault.Wrap(io.ErrUnexpectedEOF, fault.Invalid, "the file is cut").At("file"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || fault.CodeOf(err) != fault.Invalid {
		t.Errorf("cause or code is lost: %v", err)
	}
	f := fault.From(err)
	if f.Error() != "file: the file is cut" || strings.Contains(f.Error(), io.ErrUnexpectedEOF.Error()) {
		t.Errorf("words: %q", f.Error())
	}
	secret := errors.New("ann@example.test is not a number")
	if got := fault.From(secret); got.Code != fault.Internal || strings.Contains(got.Error(), "ann") {
		t.Errorf("a library's words came out: %q", got.Error())
	}
}

// A function that fails says what is wrong, where, and how to mend it.
func ExampleNewf() {
	err := fault.Newf(fault.TooLarge, "a request may have %d records; send smaller batches", 2000).At("data")
	fmt.Println(err)
	fmt.Println(fault.CodeOf(err))
	// Output:
	// data: a request may have 2000 records; send smaller batches
	// too_large
}
