package dynamo

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/profile"
)

// Each value is kept in the type that its operators need, and comes back as it was sent.
func TestValues(t *testing.T) {
	for value, want := range map[string]string{
		`5`: "N", `-0.25`: "N", `0`: "N", `999999999999999999`: "N", `1000000000000000000`: "S", `0.000001`: "N", `0.0000001`: "S",
		`0.10`: "S", `1e3`: "S", `1E+2`: "S", `-0`: "S", `1.0`: "S", `007`: "S", `123456789.123456789`: "N", `1.1234567891`: "S",
		`"free"`: "S", `null`: "S", `true`: "S", `{"a":1}`: "S", `""`: "S", `"5"`: "S",
		`[]`: "L", `[1,"a",{"b": 1.50},[2, 3]]`: "L", `[ ]`: "S", `[1, 2]`: "S", `[1 ,2]`: "S", `[1]x`: "S",
	} {
		v := encodeValue(json.RawMessage(value))
		got := "S"
		switch v.(type) {
		case *types.AttributeValueMemberN:
			got = "N"
		case *types.AttributeValueMemberL:
			got = "L"
		}
		back, err := decodeValue(v)
		if got != want || err != nil || string(back) != value {
			t.Errorf("%s is kept as %s, want %s, and comes back as %s, %v", value, got, want, back, err)
		}
	}
}

// What DynamoDB adds to a number is what Apply makes of it, digit for digit.
func TestSumsAreSpeltAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := 0
	for range 20_000 {
		a, b := decimal(r), decimal(r)
		if !isPlain(json.RawMessage(a)) || !isPlain(json.RawMessage(b)) {
			continue
		}
		n++
		p := profile.Profile{Traits: []profile.Trait{{Name: "n", Value: json.RawMessage(a)}}, UpdatedMS: 1}
		profile.Apply(&p, &profile.Update{Ops: []profile.Op{{Kind: profile.Add, Name: "n", Value: json.RawMessage(b)}}}, 1)
		sum := string(p.Traits[0].Value)
		back, err := decodeValue(&types.AttributeValueMemberN{Value: scientific(sum)})
		if err != nil || string(back) != sum {
			t.Fatalf("%s + %s is %s, and comes back as %s, %v", a, b, sum, back, err)
		}
	}
	if n < 1000 {
		t.Errorf("only %d pairs were tried", n)
	}
}

func decimal(r *rand.Rand) string {
	s := strconv.FormatInt(r.Int64N(1<<(1+r.IntN(59)))-100, 10)
	if digits := r.IntN(10); digits > 0 && r.IntN(2) == 0 {
		s += "." + strings.TrimRight(strconv.Itoa(r.IntN(1_000_000_000))[:1], "0") + strconv.Itoa(1+r.IntN(9))
	}
	return s
}

// scientific is a number as DynamoDB may spell it: with an exponent instead of zeros.
func scientific(s string) string {
	short := strings.TrimRight(s, "0")
	if strings.Contains(s, ".") || short == s || short == "" || short == "-" {
		return s
	}
	return short + "E+" + strconv.Itoa(len(s)-len(short))
}
